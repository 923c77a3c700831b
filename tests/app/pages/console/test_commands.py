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
