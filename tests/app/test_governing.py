"""The governing commands as somebody at a terminal sees them: who may, by which token, with which exit code."""

import re
import shutil
import stat
import tomllib
from collections.abc import Mapping
from contextlib import closing
from copy import copy
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from app.clock import system_clock
from app.compose import compose
from app.settings import load_settings
from domain.facts.governance import TriggerWithdrawn
from tests.app.terminal import Ended, Terminal
from tests.templates.packs import PACK, RULES, Change, write_town

NO_AGE: Change = (RULES, " && citizen.age >= 18", "")
WORSE: Change = (RULES, "class: reminder", "class: service")
GOVERNING = (
    ("submit", "{folder}"),
    ("submissions",),
    ("approve", "meter_check"),
    ("publish", "meter_check"),
    ("withdraw", "meter_check"),
    ("pause", "meter_check"),
    ("resume", "meter_check"),
    ("rules",),
    ("control", "all", "--stop", "--reason", "x"),
    ("diff", "{folder}"),
)


CASE = """\
- name: told
  clock: 2026-03-01T09:00+05:00
  citizen: {language: ru, channels: [sms]}
  events:
    - {at: 2026-03-02T09:00+05:00, type: town.meter.installed, data: {number: M1, valid_until: "2026-05-20", fee: 7}}
  expect:
    - {at: 2026-04-20T09:00+05:00, step: month, channel: sms}
    - {at: 2026-05-19T09:00+05:00, step: day, channel: sms}
"""


class Office:
    """A terminal at which the people of two agencies and an operator sit, with a trigger that is published."""

    def __init__(self, folder: Path) -> None:
        self.terminal = Terminal(folder)
        self.published = write_town(folder / "published", NO_AGE)
        self.changed = write_town(folder / "changed", NO_AGE, WORSE)
        self.trigger = str(self.changed / "meter_check")
        (self.changed / "meter_check" / "tests.yaml").write_text(CASE, encoding="utf-8")
        act = self.terminal.act
        self.tokens: dict[str, Mapping[str, str]] = {
            "aida": act("aida", "water", "author", "approver"),
            "dana": act("dana", "water", "approver"),
            "saule": act("saule", "water", "author"),
            "fred": act("fred", "finance", "author", "approver"),
            "olga": act("olga", "platform", "operator"),
            "nobody": {"HABARSHY_TOKEN": "hby_guessed\udcff"},
            "": {},
        }

    def moved(self, folder: Path) -> "Office":
        """The same office, with all its files, in an empty folder."""
        shutil.copytree(self.terminal.folder, folder, dirs_exist_ok=True)
        made = copy(self)
        made.terminal = Terminal(folder)
        before = self.terminal.folder
        made.published, made.changed = (folder / pack.relative_to(before) for pack in (self.published, self.changed))
        made.trigger = str(made.changed / "meter_check")
        return made

    def run(self, who: str, *arguments: str, stdin: bytes = b"", **env: str) -> Ended:
        """Run a command as somebody; `approve` asks them only where `stdin` answers."""
        empty = not (self.terminal.folder / "data/habarshy/habarshy.sqlite").exists()
        packs = {"HABARSHY_PACKS": str(self.published)} if empty else {}  # else they are read and checked each time
        if arguments[0] == "approve" and not stdin:
            arguments = (*arguments, "--yes")
        return self.terminal.run(*arguments, stdin=stdin or None, env={**packs, **self.tokens[who], **env})

    @property
    def rules(self) -> list[str]:
        """State and owner of what is published, as an operator sees it."""
        return [f"{each['state']} {each['share']}" for each in self.run("olga", "rules", "--json").objects]

    @property
    def facts(self) -> list[Any]:
        """Every fact in the log."""
        data = self.terminal.folder / "data" / "habarshy"
        settings = load_settings(database=f"sqlite:///{data / 'habarshy.sqlite'}", key_file=data / "key")
        platform = compose(settings, system_clock)
        with closing(platform.database):
            return [entry.fact for page in platform.log.scan() for entry in page]


@pytest.fixture
def office(published: Office, tmp_path: Path) -> Office:
    """An office of this test's own."""
    return published.moved(tmp_path)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office whose database has the pack."""
    made = Office(tmp_path_factory.mktemp("office"))
    assert made.run("olga", "diff", str(made.published)).lines == ["no difference in meaning"]
    return made


def test_a_version_goes_its_whole_way(office: Office) -> None:
    """Submitted by one, shown to and approved by another, published for some and then for all."""
    assert "No submissions wait." in office.run("dana", "submissions").talk
    [submitted] = office.run("aida", "submit", office.trigger, "--json").objects
    assert (submitted["state"], submitted["name"], submitted["new"]) == ("submitted", "meter_check", True)
    [waits] = office.run("dana", "submissions").lines
    assert waits == f"meter_check@{submitted['hash'][:12]}  submitted by aida  (water)"
    approved = office.run("dana", "approve", "meter_check")
    assert approved.code == 0
    assert f"meter_check, submitted by aida, hash {submitted['hash']}" in approved.lines
    assert "    Its class is service; before, reminder." in approved.lines
    assert office.run("saule", "publish", "meter_check", "--canary", "5%").code == 0
    assert office.rules == ["earlier 1.0", "in force 0.05"]
    assert "  5%  " in office.run("aida", "rules").lines[-1]
    assert office.run("saule", "publish", "meter_check").code == 0
    assert office.rules == ["earlier 1.0", "earlier 0.05", "in force 1.0"]
    assert office.run("dana", "submissions").lines == []


@pytest.mark.parametrize(("answer", "code", "state"), [(b"no\n", 5, "submitted"), (b"meter_check\n", 0, "approved")])
def test_an_approver_is_asked_first(office: Office, answer: bytes, code: int, state: str) -> None:
    """What changes is shown, and nothing is approved until the approver has typed its name."""
    submitted = office.run("aida", "submit", office.trigger)
    assert submitted.code == 0, submitted.talk
    asked = office.run("dana", "approve", "meter_check", "--comment", "checked with the lawyers", stdin=answer)
    assert asked.code == code, asked.talk
    assert "    Its class is service; before, reminder." in asked.lines
    [waits] = office.run("aida", "submissions", "--json").objects
    assert (waits["state"], waits["said"]) == (state, "checked with the lawyers" if code == 0 else "")


def test_an_approver_refuses_with_a_reason(office: Office) -> None:
    """A refused version is not published; its author reads why, and may submit it again."""
    [submitted] = office.run("aida", "submit", office.trigger, "--json").objects
    whole = f"meter_check@{submitted['hash']}"
    assert office.run("dana", "approve", whole, "--refuse", "no").code == 2, "no reason is so short"
    assert office.run("fred", "approve", whole, "--refuse", "the fee is wrong").code == 4
    office.run("dana", "approve", whole)
    assert office.run("dana", "approve", whole, "--refuse", "the fee is wrong").code == 0
    [line] = office.run("aida", "submissions").lines
    assert line == f"{whole[:24]}  refused by dana: the fee is wrong  (water)"
    assert office.run("saule", "publish", "meter_check").code == 4
    again = office.run("aida", "submit", office.trigger)
    [refused] = re.findall(r"this very content was refused by dana on \d{4}-\d\d-\d\d: the fee is wrong", again.talk)
    [waits] = office.run("aida", "submissions").lines
    assert waits == f"{whole[:24]}  submitted by aida; {refused}  (water)"
    assert f"  {refused}" in office.run("dana", "submissions", whole).lines
    office.run("dana", "approve", whole)
    office.run("saule", "publish", "meter_check")
    late = office.run("dana", "approve", whole, "--refuse", "the fee is wrong")
    assert (late.code, "is published" in late.talk) == (1, True)


def test_only_the_whole_hash_approves(office: Office) -> None:
    """A part of a hash may fit another version, so it is a usage error that names the whole one."""
    [submitted] = office.run("aida", "submit", office.trigger, "--json").objects
    part = office.run("dana", "approve", f"meter_check@{submitted['hash'][:12]}")
    assert (part.code, submitted["hash"] in part.talk) == (2, True)
    assert office.run("dana", "submissions", "--json").objects[0]["state"] == "submitted"


def test_a_folder_stands_for_what_is_in_it(office: Office) -> None:
    """Whoever reads a folder approves and publishes exactly that: what was submitted otherwise is not meant."""
    assert office.run("aida", "submit", str(office.changed)).code == 0
    assert office.run("dana", "approve", str(office.published)).code == 1, "this is not what waits"
    assert office.run("dana", "approve", str(office.published / "meter_check")).code == 1
    approved = office.run("dana", "approve", str(office.changed), "--json")
    assert [each["state"] for each in approved.objects if "state" in each] == ["approved"]
    assert office.run("saule", "publish", office.trigger).code == 0
    assert office.rules == ["earlier 1.0", "in force 1.0"]


def test_what_is_named_twice_is_published_once(office: Office) -> None:
    """One version under two names takes one fact; two versions of one name are a usage error and publish nothing."""
    [first] = office.run("aida", "submit", office.trigger, "--json").objects
    assert office.run("dana", "approve", "meter_check", "meter_check").code == 0
    beside = write_town(office.terminal.folder / "beside", NO_AGE, (RULES, "category: water", "category: meters"))
    (beside / "meter_check" / "tests.yaml").write_text(CASE, encoding="utf-8")
    [second] = office.run("aida", "submit", str(beside / "meter_check"), "--json").objects
    assert office.run("dana", "approve", "meter_check").code == 0
    named = [f"meter_check@{each['hash'][:12]}" for each in (first, second)]
    both = office.run("saule", "publish", *named)
    assert (both.code, both.lines, office.rules) == (2, [], ["in force 1.0"])
    assert "two versions" in both.talk
    assert len(office.run("saule", "publish", "meter_check", named[1]).lines) == 1
    assert office.rules == ["earlier 1.0", "in force 1.0"]


def test_nobody_approves_their_own(office: Office) -> None:
    """Not even somebody who is author and approver: exit 4, and nothing is approved."""
    assert office.run("aida", "submit", office.trigger).code == 0
    ended = office.run("aida", "approve", "meter_check")
    assert (ended.code, ended.lines) == (4, [])
    assert "nobody approves their own" in ended.talk
    assert office.run("aida", "publish", "meter_check").code == 4


@pytest.mark.parametrize("command", GOVERNING, ids=lambda command: command[0])
@pytest.mark.parametrize("who", ["", "nobody"])
def test_without_a_token_of_somebody_nothing_is_governed(office: Office, who: str, command: tuple[str, ...]) -> None:
    """Every governing command asks who acts, ends with 4 and says what to do; nothing is read or changed."""
    before = office.rules
    ended = office.run(who, *(part.format(folder=office.trigger) for part in command))
    assert (ended.code, ended.lines) == (4, [])
    assert "HABARSHY_TOKEN" in ended.talk
    assert "hby_guessed" not in ended.talk
    assert office.rules == before


@pytest.mark.parametrize(
    "command", [each for each in GOVERNING if each[0] not in ("submissions", "rules")], ids=lambda command: command[0]
)
def test_another_agency_is_refused(office: Office, command: tuple[str, ...]) -> None:
    """Whatever another agency's people try with a trigger, they get exit 4 and not a word of it."""
    office.run("aida", "submit", office.trigger)
    before = office.rules
    ended = office.run("fred", *(part.format(folder=office.trigger) for part in command))
    assert (ended.code, ended.lines) == (4, [])
    assert office.rules == before


def test_another_agency_sees_nothing_in_the_lists(office: Office) -> None:
    """What waits and what is published is listed to its own agency and to operators."""
    office.run("aida", "submit", office.trigger)
    for command, said in (("submissions", "No submissions wait.\n"), ("rules", "")):
        assert office.run("fred", command) == (0, [], said)
        assert len(office.run("olga", command).lines) == len(office.run("aida", command).lines) == 1


def test_what_fails_lint_or_its_tests_is_not_submitted(office: Office) -> None:
    """Findings and failing cases are printed; exit 1, and nothing waits."""
    broken = write_town(office.terminal.folder / "broken", NO_AGE, (RULES, "event.fee", "event.fe"))
    ended = office.run("aida", "submit", str(broken / "meter_check"))
    assert ended.code == 1
    assert "did you mean 'event.fee'?" in ended.lines[0]
    cases = (
        "- name: told\n  clock: 2026-01-01T09:00+05:00\n  events: []\n  expect:\n    - {at: 2026-01-02T09:00+05:00}\n"
    )
    (office.changed / "meter_check" / "tests.yaml").write_text(cases, encoding="utf-8")
    failing = office.run("aida", "submit", office.trigger)
    assert failing.code == 1
    assert any("FAILED meter_check: told" in line for line in failing.lines)
    assert office.run("aida", "submissions").lines == []


SHARED: Change = (PACK, "agencies:\n", "agencies:\n  finance: {title: {kk: Қаржы, ru: Финансы}}\n")
ANYWHERE: Change = (PACK, "area_levels:", "link_domains: [water.example, elsewhere.example]\narea_levels:")


@pytest.mark.parametrize(
    ("change", "part", "whole"),
    [
        (ANYWHERE, "link_domains", ["pack:town", "meter_check"]),
        (SHARED, "agencies", []),
    ],
)
def test_nobody_checks_a_trigger_by_a_pack_of_their_own(
    office: Office, change: Change, part: str, whole: list[str]
) -> None:
    """What an author's copy of pack.yaml permits does not count: exit 1, what differs, and nothing waits."""
    own = write_town(office.terminal.folder / "own", NO_AGE, WORSE, change)
    (own / "meter_check" / "tests.yaml").write_text(CASE, encoding="utf-8")
    ended = office.run("aida", "submit", str(own / "meter_check"))
    assert (ended.code, ended.lines) == (1, [])
    assert f"not as published ({part}), so meter_check" in ended.talk
    assert "pack.yaml" in ended.talk
    assert office.run("aida", "submit", str(own)).code == (0 if whole else 1), "what is shared is an operator's"
    assert [line.partition("@")[0] for line in office.run("aida", "submissions").lines] == whole


def test_a_pack_that_is_published_as_it_is_has_nothing_to_submit(office: Office) -> None:
    """Whoever submits what holds already is told so."""
    (office.published / "meter_check" / "tests.yaml").write_text(CASE, encoding="utf-8")
    assert office.run("aida", "submit", str(office.published)) == (0, [], "all of it is published as it is\n")


def test_pause_and_resume(office: Office) -> None:
    """The agency and operators stop a trigger at once; a misspelt name is told what was meant."""
    assert office.run("dana", "pause", "meter_check").code == 0
    assert office.rules == ["paused 1.0"]
    assert office.run("olga", "resume", "meter_check").code == 0
    assert office.rules == ["in force 1.0"]
    wrong = office.run("dana", "pause", "meter_chek")
    assert wrong.code == 1
    assert "did you mean 'meter_check'?" in wrong.talk


def test_a_withdrawal_has_its_reason_in_the_log(office: Office) -> None:
    """Whoever withdraws may say why; a reason that says nothing is refused and changes nothing."""
    assert office.run("dana", "withdraw", "meter_check", "--reason", " ").code == 2
    assert office.rules == ["in force 1.0"]
    assert office.run("dana", "withdraw", "meter_check", "--reason", "the law has changed").code == 0
    assert office.rules == ["withdrawn 1.0"]
    assert [fact.reason for fact in office.facts if isinstance(fact, TriggerWithdrawn)] == ["the law has changed"]


def test_the_rules_of_a_past_moment(office: Office) -> None:
    """`rules --at` lists what held then; before anything was published it says so with exit 3."""
    office.run("dana", "withdraw", "meter_check", "--clock", "2098-01-01")
    assert office.rules == ["withdrawn 1.0"]
    [then] = office.run("dana", "rules", "--at", "2097-12-31", "--json").objects
    assert (then["state"], then["owner"], then["by"]) == ("in force", "water", "pack")
    assert office.run("dana", "rules", "--at", "1999-01-01").code == 3
    [told] = office.run("dana", "rules", "--at", "2097-12-31").lines
    local = datetime.fromisoformat(then["published"]).astimezone(timezone(timedelta(hours=5)))
    assert f"published {local:%Y-%m-%d %H:%M}+05:00 by" in told, "a time is the pack's local one and says its zone"
    assert office.run("dana", "rules", "--at", "yesterday").code == 2


@pytest.mark.parametrize("share", ["5", "0%", "100%", "-1%", "five"])
def test_a_canary_is_a_share(office: Office, share: str) -> None:
    """Anything but a percentage between nothing and all is a usage error, and publishes nothing."""
    ended = office.run("aida", "publish", "meter_check", f"--canary={share}")
    assert ended.code == 2
    assert "--canary" in ended.talk


LONG = "x" * 300


@pytest.mark.parametrize(
    ("code", "command"),
    [
        (1, ("approve", LONG)),
        (1, ("publish", LONG)),
        (2, ("submit", LONG)),
        (2, ("submit", f"{LONG}/{LONG}")),
        (1, ("test-send", LONG, "--to", "aida")),
        (2, ("diff", LONG)),
        (2, ("lint", LONG)),
        (2, ("rules", "--at", "0001-01-01T00:00+05:00")),
        (2, ("publish", "x", "--clock", "9999-12-31T23:00-05:00")),
    ],
)
def test_what_no_folder_and_no_time_can_be_is_told(office: Office, code: int, command: tuple[str, ...]) -> None:
    """A name longer than a path, or a time outside the calendar, ends in a sentence."""
    ended = office.run("aida", *command)
    assert (ended.code, ended.lines) == (code, [])
    assert any(word in ended.talk for word in (LONG, "is no time"))


def test_a_folder_that_cannot_be_read_stands_for_nothing(office: Office) -> None:
    """Whoever approves or publishes a broken pack is told the file and the line: exit 1."""
    (office.changed / "pack.yaml").write_text("{", encoding="utf-8")
    for command in ("approve", "publish"):
        ended = office.run("dana", command, str(office.changed))
        assert (ended.code, ended.lines) == (1, [])
        assert "pack.yaml:2:1" in ended.talk


def test_kill_switches_take_a_name_or_none(office: Office) -> None:
    """`all` takes no name, the others need one; both are usage errors otherwise."""
    for command in (("all", "x"), ("channel",)):
        assert office.run("olga", "control", *command, "--stop", "--reason", "x").code == 2
    assert office.run("olga", "control", "channel", "sms", "--stop", "--reason", "outage").code == 0
    assert office.run("aida", "control", "channel", "sms", "--go", "--reason", "x").code == 4


# principals


def test_the_file_of_principals_keeps_no_token(office: Office) -> None:
    """Tokens are random, shown once, and only their hash is in the file, which nobody else may read."""
    file = office.terminal.folder / "data" / "habarshy" / "principals.toml"
    text = file.read_text(encoding="utf-8")
    tokens = [each["HABARSHY_TOKEN"] for who, each in office.tokens.items() if who]
    assert len(set(tokens)) == len(tokens)
    assert not any(token in text or token.removeprefix("hby_") in text for token in tokens)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(tomllib.loads(text)) == {"aida", "dana", "saule", "fred", "olga"}
    shown = office.run("", "principals", "show")
    assert "aida: approver, author of water" in shown.lines
    assert not any(hash_["token"] in "".join(shown.lines) for hash_ in tomllib.loads(text).values())


def test_a_file_that_others_can_read_is_not_used(office: Office) -> None:
    """As with the key file: exit 2, and what to do."""
    file = office.terminal.folder / "data" / "habarshy" / "principals.toml"
    file.chmod(0o640)
    ended = office.run("aida", "rules")
    assert (ended.code, ended.lines) == (2, [])
    assert "chmod 600" in ended.talk


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[aida\n", "line 1"),
        ('[aida]\nagency = "water"\n', "roles"),
        ('[aida]\nagency = "water"\nroles = ["king"]\ntoken = ""\n', "king"),
        ('[aida]\nagency = "water"\nroles = []\nrole = "author"\n', "role"),
        ('[aida]\nagency = "water"\nroles = []\ntoken = "ключ"\n', "token"),
    ],
)
def test_a_damaged_file_says_where(office: Office, text: str, problem: str) -> None:
    """What cannot be read is named, and nobody acts."""
    file = office.terminal.folder / "data" / "habarshy" / "principals.toml"
    file.write_text(text, encoding="utf-8")
    ended = office.run("aida", "rules")
    assert ended.code == 2
    assert problem in ended.talk


def test_who_is_taken_out_acts_no_more(office: Office) -> None:
    """A removed principal's token is nobody's; a name is taken once."""
    taken = office.run("", "principals", "add", "aida", "--agency", "water", "--role", "author")
    assert (taken.code, taken.lines) == (2, [])
    assert office.run("", "principals", "remove", "aida").code == 0
    assert office.run("aida", "rules").code == 4
    missing = office.run("", "principals", "remove", "dan")
    assert (missing.code, "did you mean 'dana'?" in missing.talk) == (2, True)


@pytest.mark.parametrize(
    "wrong",
    [
        ("Aida", "--agency", "water"),
        ("pack", "--agency", "water"),
        ("aida2", "--agency", ""),
        ("aida2", "--agency", "water", "--email", "a b"),
        ("aida2", "--agency", "water", "--phone", "\n"),
    ],
)
def test_a_principal_that_cannot_be_is_refused(office: Office, wrong: tuple[str, ...]) -> None:
    """A name or address that would break the file, or pass for the platform itself, is refused and writes nothing."""
    file = office.terminal.folder / "data" / "habarshy" / "principals.toml"
    before = file.read_bytes()
    assert office.run("", "principals", "add", *wrong, "--role", "author").code == 2
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("agency", "roles", "said"),
    [
        ("watr", ("--role", "author"), "has an agency 'watr' yet (did you mean 'water'?)"),
        ("mayor", ("--scope", "events"), "has an agency 'mayor' yet\n"),
        ("water", ("--role", "author"), ""),
        ("platform", ("--role", "operator"), ""),
    ],
)
def test_an_agency_that_no_pack_names_is_said(office: Office, agency: str, roles: tuple[str, str], said: str) -> None:
    """Who acts for an agency that is misspelt has nothing to act on, so it is said at once; and allowed."""
    added = office.run("", "principals", "add", "new", "--agency", agency, *roles)
    assert (added.code, len(added.lines)) == (0, 1)
    assert said in added.talk
    assert ("warning" in added.talk) == bool(said)


def test_an_agency_is_not_called_unknown_where_nobody_could_be_asked(office: Office) -> None:
    """While the database is away somebody is added all the same, and no agency is said to be misspelt."""
    away = {"HABARSHY_DATABASE": "postgresql+psycopg://nobody@127.0.0.1:1/none"}
    added = office.terminal.run("principals", "add", "new", "--agency", "watr", "--role", "author", env=away)
    assert (added.code, len(added.lines), "warning" in added.talk) == (0, 1, False)


# test-sends


def test_a_test_send_reaches_a_colleague(office: Office) -> None:
    """A folder, and what is published or waits, goes to the contact of a colleague, which is not said.

    Where no provider is configured the command says so, and does not call "sent" what a stand-in kept.
    """
    office.tokens["gulnar"] = office.terminal.act("gulnar", "water", "author", contacts={"email": "g@water.example"})
    for what in (office.trigger, "meter_check"):
        ended = office.run("aida", "test-send", what, "--to", "gulnar", "--language", "ru")
        assert ended.code == 0, ended.talk
        assert ended.lines[0].endswith(
            "not sent to gulnar: no provider is configured for email, so a stand-in kept it"
        )
        assert "water.example" not in "".join([*ended.lines, ended.talk])


@pytest.mark.parametrize(
    ("who", "to", "channel", "said"),
    [
        ("aida", "fred", "email", "no principal of your agency"),
        ("aida", "g@water.example", "email", "no principal"),
        ("aida", "dan", "email", "did you mean 'dana'?"),
        ("aida", "dana", "sms", "no registered contact"),
        ("fred", "fred", "email", "another agency"),
        ("olga", "olga", "email", "another agency"),
    ],
)
def test_a_test_send_goes_nowhere_else(office: Office, who: str, to: str, channel: str, said: str) -> None:
    """Not to a free address, another agency, a channel nobody registered, nor with another agency's words."""
    ended = office.run(who, "test-send", "meter_check", "--to", to, "--channel", channel)
    assert (ended.code, ended.lines) == (4, [])
    assert said in ended.talk
