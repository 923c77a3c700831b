"""The commands with which the platform is operated: migrations and dead letters."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from app.clock import fixed
from app.compose import compose
from app.identity.key_file import load_keyring
from app.settings import load_settings
from streams.log.master_key import Keyring
from streams.queues.dead_letters import Letter
from streams.rules.publishing import Publisher
from streams.storage.database import Database
from templates.checks.loader import shipped
from tests.app.roles.test_bounce_import import providers
from tests.app.terminal import Terminal
from tests.beginnings import packs_in
from tests.notifiers.bounced import postfix
from tests.services import postgres
from tests.streams.outage import away, read_only
from tests.world import NOON, iin


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder."""
    return Terminal(tmp_path)


@pytest.fixture
def empty(server: URL) -> Iterator[str]:
    """A database on it without tables."""
    with postgres.empty(server) as at:
        yield at.render_as_string(hide_password=False)


def test_a_server_is_migrated_by_a_command(terminal: Terminal, empty: str) -> None:
    """A start on PostgreSQL without tables ends with 3 and what to do; a plan changes nothing, migrate does it."""
    load_keyring(terminal.folder / "data" / "habarshy" / "key", create=True)
    on = {"HABARSHY_DATABASE": empty}

    refused = terminal.run("run", "--until-idle", env=on)
    assert refused.code == 3
    assert "it has no tables yet. Run `habarshy migrate`" in refused.talk
    plan = terminal.run("migrate", "--plan", "--json", env=on)
    assert [each["revision"] for each in plan.objects][:2] == ["0001", "0002"]
    assert terminal.run("run", env=on).code == 3, "the plan changed nothing"

    done = terminal.run("migrate", env=on)
    assert (done.code, len(done.lines)) == (0, len(plan.lines))
    again = terminal.run("migrate", env=on)
    assert (again.code, again.lines, again.talk) == (0, [], "nothing to do\n")
    assert "No pack is published" in terminal.run("run", "--until-idle", env=on).talk


@pytest.mark.parametrize("role", ["api", "dispatch", "run"])
def test_a_role_that_starts_before_migrate_is_tried_again(terminal: Terminal, empty: str, role: str) -> None:
    """Without tables and key file a role ends with 3, after which a supervisor tries again, and not with 2."""
    early = terminal.run(role, env={"HABARSHY_DATABASE": empty})
    assert (early.code, "it has no tables yet. Run `habarshy migrate`" in early.talk) == (3, True), early.talk
    unit = (Path(__file__).parents[3] / "deploy/systemd/habarshy@.service").read_text()
    assert "\nRestart=on-failure\n" in unit
    assert "\nRestartPreventExitStatus=2\n" in unit


def test_the_key_file_comes_with_the_first_tables_only(terminal: Terminal, empty: str) -> None:
    """A new database gets a key file, once; one that is missing later is told, and nothing is made in its place."""
    key, on = terminal.folder / "data" / "habarshy" / "key", {"HABARSHY_DATABASE": empty}
    assert terminal.run("migrate", "--plan", env=on).code == 0
    assert not key.exists()
    assert f"made the key file {key}" in terminal.run("migrate", env=on).talk
    assert key.stat().st_mode & 0o777 == 0o600

    key.unlink()
    assert terminal.run("migrate", env=on).code == 0
    refused = terminal.run("status", env=on)
    assert (refused.code, key.exists()) == (2, False)
    assert "it does not exist. Restore it from its backup" in refused.talk


def test_a_server_that_is_not_there_is_told(terminal: Terminal) -> None:
    """Whoever migrates a database that does not answer learns what to check, and the exit code is 3."""
    ended = terminal.run("migrate", env={"HABARSHY_DATABASE": "postgresql+psycopg://nobody@127.0.0.1:1/none"})

    assert ended.code == 3
    assert "Check HABARSHY_DATABASE, the server" in ended.talk


def test_dispatch_says_what_it_lacks(terminal: Terminal, empty: str) -> None:
    """On SQLite it points to `run`; on PostgreSQL it begins only where there are tables, rules and all providers."""
    alone = terminal.run("dispatch")
    assert (alone.code, "habarshy run" in alone.talk) == (2, True)
    assert not (terminal.folder / "data").exists()

    on = {"HABARSHY_DATABASE": empty}
    load_keyring(terminal.folder / "data" / "habarshy" / "key", create=True)
    assert "no tables yet" in terminal.run("dispatch", env=on).talk
    terminal.run("migrate", env=on)
    assert "No pack is published" in terminal.run("dispatch", env=on).talk
    made = compose(load_settings(database=empty), fixed(NOON), _keyring(terminal))
    Publisher(made.database, made.log, made.identity.names).publish(packs_in(shipped()), by="tests", now=NOON)
    made.database.close()
    ended = terminal.run("dispatch", env=on)
    assert (ended.code, "no provider is configured for push, sms, email" in ended.talk) == (2, True), ended.talk


def test_a_piped_bounce_outlasts_whatever_the_server_goes_through(terminal: Terminal, empty: str) -> None:
    """Before its tables are made, while it is a standby or lets nobody in, the mail server is asked to come again."""
    load_keyring(terminal.folder / "data" / "habarshy" / "key", create=True)
    on = {"HABARSHY_DATABASE": empty, **providers("mail")}
    database = Database(empty)
    said = [terminal.run("bounce", stdin=postfix(), env=on)]
    terminal.run("migrate", env=on)
    for happening in (read_only, away):
        with happening(database):
            said.append(terminal.run("bounce", stdin=postfix(), env=on))
    database.close()
    assert [each.code for each in said] == [75] * 3
    for each, words in zip(said, ("no tables yet", "read-only transaction", "accepting connections"), strict=True):
        assert words in each.talk
    assert terminal.run("bounce", stdin=postfix(), env=on).code == 0


def _keyring(terminal: Terminal) -> Keyring:
    return load_keyring(terminal.folder / "data" / "habarshy" / "key", create=False)


def test_a_plan_on_sqlite_makes_no_file(terminal: Terminal) -> None:
    """To ask what would be done makes no database."""
    assert terminal.run("migrate", "--plan").lines
    assert not (terminal.folder / "data").exists()


WHY = "the registry sends them anew"


@pytest.fixture
def operator(terminal: Terminal) -> Mapping[str, str]:
    """The environment of an operator."""
    return terminal.act("olga", "platform", "operator")


@pytest.fixture
def put(terminal: Terminal) -> Callable[..., None]:
    """Puts letters of a kind that nobody handles."""

    def put_letters(*causes: str) -> None:
        folder = terminal.folder / "data" / "habarshy"
        settings = load_settings(database=f"sqlite:///{folder}/habarshy.sqlite", key_file=folder / "key")
        platform = compose(settings, fixed(NOON))
        for number, cause in enumerate(causes):
            letter = Letter("record", str(number), cause, b"900101300017")
            platform.database.write(partial(platform.queues.dead_letter_queue.put, letter=letter))
        platform.database.close()

    return put_letters


def test_letters_are_listed_by_cause_and_shown_without_data(
    terminal: Terminal, operator: Mapping[str, str], put: Callable[..., None]
) -> None:
    """An operator sees how many letters each cause has, and of each letter what it is, but not its content."""
    put("not_json", "not_json", "no_time")
    groups = terminal.run("dead-letters", "list", "--json", env=operator).objects
    assert [(each["kind"], each["cause"], each["count"]) for each in groups] == [
        ("record", "not_json", 2),
        ("record", "no_time", 1),
    ]
    shown = terminal.run("dead-letters", "show", "--cause", "no_time", "--json", env=operator)
    [letter] = shown.objects
    assert (letter["attempts"], letter["told"]) == (1, "nobody here handles this kind")
    assert terminal.run("dead-letters", "show", letter["id"], env=operator).code == 0
    assert "900101300017" not in "".join(shown.lines)


def test_letters_are_dropped_only_when_that_is_wanted(
    terminal: Terminal, operator: Mapping[str, str], put: Callable[..., None]
) -> None:
    """Nothing chosen is a wrong usage, a plan changes nothing, another word than the count declines, --yes drops."""
    put("not_json", "no_time")

    def drop(*arguments: str, stdin: bytes | None = None, reason: str = WHY) -> tuple[int, list[str]]:
        ended = terminal.run("dead-letters", "drop", *arguments, "--reason", reason, env=operator, stdin=stdin)
        left = terminal.run("dead-letters", "list", "--json", env=operator).objects
        return ended.code, sorted(each["cause"] for each in left)

    both = ["no_time", "not_json"]
    assert drop() == (2, both)
    assert drop("--cause", "other") == (1, both)
    assert drop("--cause", "no_time", "--plan") == (0, both)
    assert drop("--cause", "no_time") == (5, both)
    assert drop("--cause", "no_time", stdin=b"2\n") == (5, both)
    assert drop("--cause", "no_time", stdin=b"1\n") == (0, ["not_json"])
    assert drop("--all", "--yes", reason=" ") == (2, ["not_json"])
    assert drop("--all", "--yes") == (0, [])
    told = terminal.run("audit", "list", "--by=olga", "--json", env=operator).objects
    assert [(each["what"], each["purpose"], each["kind"], each["cause"], each["count"]) for each in told] == [
        ("dead-letters drop", WHY, "record", cause, 1) for cause in both
    ]
    assert {len(each["letters"]) for each in told} == {64}
    [first, _] = terminal.run("audit", "list", env=operator).lines
    assert first.endswith(f"olga (platform)  1 dead letters given up  record, no_time: {WHY}")
    assert terminal.run("audit", "list", f"--person={iin(1)}", env=operator).lines == []


@pytest.mark.parametrize("command", [("drop", "--reason", WHY), ("retry",)])
def test_what_comes_while_somebody_agrees_is_not_meant(
    terminal: Terminal, operator: Mapping[str, str], put: Callable[..., None], command: tuple[str, ...]
) -> None:
    """Two letters were shown and agreed to; three that come before the answer is typed are left as they are."""
    put("not_json", "not_json")
    asking = terminal.start("dead-letters", *command, "--all", "--json", env=operator, stdin=subprocess.PIPE)
    assert asking.stderr is not None
    assert asking.stderr.read(len(f"{command[0]} 2? Type 2 to go on: ")).endswith(b" 2 to go on: ")
    put(*["not_json"] * 5)
    told, _ = asking.communicate(b"2\n")
    shown, done = map(json.loads, told.splitlines())
    assert (shown["count"], sum(done.values())) == (2, 2)


def test_a_retry_that_fails_keeps_the_letter(
    terminal: Terminal, operator: Mapping[str, str], put: Callable[..., None]
) -> None:
    """Letters that nobody handles are still there after a retry, which ends with 1."""
    put("not_json")
    ended = terminal.run("dead-letters", "retry", "--all", "--yes", "--json", env=operator)
    assert (ended.code, ended.objects) == (1, [{"handled": 0, "failed": 0, "unknown": 1}])
    assert terminal.run("dead-letters", "show", env=operator).code == 0


def test_letters_are_for_operators(terminal: Terminal, put: Callable[..., None]) -> None:
    """Who is no operator, or nobody, neither sees letters nor touches them."""
    put("not_json")
    author = terminal.act("aida", "water", "author")
    for env in (author, {}):
        for command in (["list"], ["show"], ["retry", "--all", "--yes"], ["drop", "--all", "--yes"]):
            ended = terminal.run("dead-letters", *command, env=env)
            assert (ended.code, ended.lines) == (4, [])
