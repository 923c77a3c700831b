import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.roles.bounce_import import NoMaildir, import_bounces
from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Reason, Report
from tests.app.terminal import Terminal
from tests.notifiers.bounced import ABSENCE, TOKEN, postfix
from tests.notifiers.inbound import Kept
from tests.services.sink import sink
from tests.world import LONG_AGO, card, event, iin, registered

BOUNCED = Report(TOKEN, ReceiptStatus.FAILED, Reason.BAD_ADDRESS, "5.1.1")


AIGERIM, JUNE = iin(1), "--clock=2025-06-20T12:00+05:00"


def providers(*names: str, port: int = 25) -> dict[str, str]:
    """The environment in which mail servers have these names."""
    each = {"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none", "sender": "h@example.org"}
    return {"HABARSHY_PROVIDERS": json.dumps(dict.fromkeys(names, each))}


def quiet(_line: str) -> None:
    """Nobody listens."""


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder."""
    return Terminal(tmp_path)


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    """An empty one."""
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    return tmp_path / "mail"


def left(maildir: Path) -> tuple[list[str], list[str]]:
    """The names in new/ and in cur/."""
    new, cur = (sorted(path.name for path in (maildir / name).iterdir()) for name in ("new", "cur"))
    return new, cur


async def test_new_mails_are_taken_in_once(maildir: Path) -> None:
    """Every new mail is read and marked, so that the next run finds nothing."""
    inbound, said = Kept(), list[str]()
    (maildir / "new" / "1.a.mx").write_bytes(postfix())
    (maildir / "new" / "2.a.mx").write_bytes(ABSENCE)
    (maildir / "new" / "3.a.mx").write_bytes(postfix(action="delayed", status="4.4.1"))
    counts = await import_bounces(maildir, inbound, said.append)
    assert counts == {"taken": 2, "put_aside": 1, "unreadable": 0}
    assert inbound.reports == [BOUNCED]
    assert left(maildir) == ([], ["1.a.mx:2,S", "2.a.mx:2,S", "3.a.mx:2,S"])
    assert [line.partition(":")[0] for line in said] == ["2.a.mx"]
    assert (await import_bounces(maildir, inbound, said.append)).total() == 0


async def test_what_was_not_stored_stays_new(maildir: Path) -> None:
    """While the database is away no mail is marked, and later all are taken in."""
    inbound = Kept()
    inbound.closed = True
    for number in range(3):
        (maildir / "new" / f"{number}.a.mx").write_bytes(postfix())
    with pytest.raises(ConnectionRefusedError):
        await import_bounces(maildir, inbound, quiet)
    assert len(left(maildir)[0]) == 3
    inbound.closed = False
    assert (await import_bounces(maildir, inbound, quiet))["taken"] == 3
    assert inbound.reports == [BOUNCED] * 3


async def test_more_than_go_at_once(maildir: Path) -> None:
    """A full Maildir is emptied to the end."""
    inbound = Kept()
    for number in range(250):
        (maildir / "new" / f"{number}.a.mx").write_bytes(postfix())
    await import_bounces(maildir, inbound, quiet)
    assert len(inbound.reports) == 250
    assert left(maildir)[0] == []


async def test_what_cannot_be_read_stays_and_is_told(maildir: Path) -> None:
    """A name in new/ that is no file holds up nothing."""
    inbound, said = Kept(), list[str]()
    (maildir / "new" / "1.folder").mkdir()
    (maildir / "new" / "2.a.mx").write_bytes(postfix())
    counts = await import_bounces(maildir, inbound, said.append)
    assert (counts["unreadable"], inbound.reports, len(said)) == (1, [BOUNCED], 1)
    assert left(maildir)[0] == ["1.folder"]


async def test_a_folder_that_is_no_maildir_is_told(tmp_path: Path) -> None:
    """A wrong folder is named, and nothing in it is touched."""
    with pytest.raises(NoMaildir, match=tmp_path.name):
        await import_bounces(tmp_path, Kept(), quiet)


@pytest.mark.parametrize("mail", [ABSENCE, b"", b"\xff" * 3_000_000])
def test_a_piped_mail_that_tells_nothing_is_done(terminal: Terminal, mail: bytes) -> None:
    """The mail server may forget a mail that is no bounce of ours, and its log says why."""
    ended = terminal.run("bounce", stdin=mail)
    assert (ended.code, ended.lines) == (0, [])
    assert "not a delivery report" in ended.talk


@pytest.mark.parametrize(
    ("arguments", "environment", "why"),
    [
        ((), providers("mail"), "Nothing is stored"),
        ((), {}, "--provider must name a provider of the email channel; there are: none"),
        ((), providers("mail", "backup"), "there are: backup, mail"),
        (("--provider", "male"), providers("mail"), "there are: mail"),
        ((), {"HABARSHY_LEASE_SECONDS": "x"}, "lease_seconds"),
    ],
)
def test_a_piped_bounce_is_kept_while_it_cannot_be_stored(
    terminal: Terminal, arguments: tuple[str, ...], environment: dict[str, str], why: str
) -> None:
    """Whatever is missing here, the mail server is asked to come again, and told why."""
    ended = terminal.run("bounce", *arguments, stdin=postfix(), env=environment)
    assert (ended.code, ended.lines) == (75, [])
    assert why in ended.talk


@pytest.mark.parametrize(
    ("meanwhile", "why"),
    [
        ("UPDATE schema_version SET version_num = 'later'", "(later) is newer than this code"),
        ("DROP TABLE early_receipts", "no such table: early_receipts"),
        (
            "CREATE TRIGGER odd BEFORE INSERT ON early_receipts BEGIN SELECT RAISE(ABORT, 'never thought of'); END",
            "Traceback (most recent call last)",
        ),
    ],
)
def test_a_piped_bounce_outlasts_what_happens_to_the_database(terminal: Terminal, meanwhile: str, why: str) -> None:
    """Also where another version is installed, or something is wrong that nobody thought of, it comes again."""
    environment = providers("mail")
    assert terminal.run("run", "--until-idle", env=environment).code == 0
    with closing(sqlite3.connect(terminal.folder / "data" / "habarshy" / "habarshy.sqlite")) as other, other:
        other.execute(meanwhile)
    ended = terminal.run("bounce", stdin=postfix(), env=environment)
    assert (ended.code, ended.lines) == (75, [])
    assert why in ended.talk


def test_a_delay_needs_no_database(terminal: Terminal) -> None:
    """A mail that reports nothing yet is done."""
    assert terminal.run("bounce", stdin=postfix(action="delayed", status="4.4.1")).code == 0


def trail(terminal: Terminal) -> list[dict[str, Any]]:
    """Aigerim's facts."""
    return terminal.run("trail", AIGERIM, "--json").objects


async def test_a_bounce_finds_its_way_back(terminal: Terminal) -> None:
    """A letter that a real mail server took comes back by a pipe, twice: its nudge has failed, once, and says why."""
    by_email = event("citizen.preferences_changed", AIGERIM, "2024-01-03T00:00:00+05:00", {"channels": ["email"]})
    life = [*registered(AIGERIM, LONG_AGO), by_email, card(AIGERIM, "2025-07-20")]
    async with sink() as port:
        environment = providers("mail", port=port)
        await asyncio.to_thread(terminal.run, "ingest", terminal.written("life", *life), "--clock=2025-05-01")
        run = terminal.start("run", "--until-idle", JUNE, env=environment)
        _, talk = await asyncio.to_thread(run.communicate)
        assert run.returncode == 0, talk
    [token] = [each["reference"] for each in trail(terminal) if each["fact"] == "nudge-sent/1"]
    mail = postfix(to=f"bounces+{token}@example.org", message_id="x")
    for _ in range(2):
        ended = await asyncio.to_thread(terminal.run, "bounce", JUNE, stdin=mail, env=environment)
        assert (ended.code, ended.talk) == (0, "")
    failed = [each for each in trail(terminal) if each["fact"] == "nudge-failed/1"]
    assert [each["reason"] for each in failed] == ["bad_address"]
