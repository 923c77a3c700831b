"""Every button shows the command that does the same, and there is such a command."""

import html
import re
import shlex
from pathlib import Path

from app.cli.command_table import COMMANDS, GROUPS
from tests.app.pages.console.office import office_in, signed_in, trouble
from tests.app.pages.console.test_looks import PAGES


def test_each_page_shows_commands_that_exist(tmp_path: Path) -> None:
    """No page of the console is without one, and each names a command that there is."""
    office = office_in(tmp_path)
    trouble(office)
    browser = signed_in(office, "olga")
    for path in PAGES:
        shown = re.findall(r"<code>(habarshy [^<]+)</code>", browser.get(path).text)
        assert shown, path
        for words in map(shlex.split, map(html.unescape, shown)):
            known = GROUPS[words[1]][1] if words[1] in GROUPS else COMMANDS
            named = words[2] if words[1] in GROUPS else words[1]
            assert named in known or named.startswith("--"), (path, words)
    office.world.close()


def test_each_form_shows_the_command_that_does_the_same(tmp_path: Path) -> None:
    """Beside every form of every page, the bar of what is stopped included, stands a command of ours to copy."""
    office = office_in(tmp_path)
    trouble(office)
    browser = signed_in(office, "olga")
    for path in PAGES:
        page = browser.get(path).text.partition("<footer")[0]
        forms = page.split("<form")[1:]
        without = [re.findall(r'action="([^"]+)"', form) for form in forms if "<code>habarshy " not in form]
        assert without == [], path
    office.world.close()


def test_the_form_of_a_job_shows_what_it_would_ask_for(tmp_path: Path) -> None:
    """A form that was filled by a search or by an earlier count shows the command with these very values."""
    office = office_in(tmp_path)
    asked = "/console/jobs/new?kind=repair-failed&provider=sms&channel=sms&from=2025-06-02"
    page = html.unescape(signed_in(office, "olga").get(asked).text)
    [told] = re.findall(r"<code>(habarshy repair [^<]+)</code>", page)
    assert re.fullmatch(r"habarshy repair --failed .*--provider=?.sms.*", told)
    assert "2025-06-0" in told
    office.world.close()
