"""Several processes that dispatch on one PostgreSQL, with a real mail server on the other side."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import func, select
from sqlalchemy.engine import URL

from app.clock import fixed
from app.compose import Platform, compose
from app.identity.key_file import load_keyring
from app.settings import load_settings
from projections.tables import due
from streams.intake.cloudevents import Envelope as EventEnvelope
from streams.queries.health import Health, health
from streams.rules.publishing import Publisher
from tests.beginnings import packs_in
from tests.services import postgres
from tests.world import NOON, event, few_triggers, iin

PEOPLE = 1_000
"""How many wait for a mail: more than one process takes in hand at once."""
LEASES_OVER = NOON + timedelta(minutes=4)


class Mailbox:
    """Keeps the Message-ID of every mail that was taken over; it takes as many as it is let."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self._came = asyncio.Condition()
        self._let = asyncio.Semaphore(0)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (the library's name)
        assert isinstance(envelope.content, bytes)
        await self._let.acquire()
        async with self._came:
            self.received.append(str(message_from_bytes(envelope.content)["Message-ID"]))
            self._came.notify_all()
        return "250 taken"

    def let(self, many: int) -> None:
        """Take so many more."""
        for _ in range(many):
            self._let.release()

    async def take(self, many: int) -> None:
        """Let so many more come, and wait until they have."""
        count = len(self.received) + many
        self.let(many)
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: len(self.received) >= count), 60)


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Mailbox, int]]:
    """A mail server, and its port."""
    mailbox = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox), "127.0.0.1", 0)
    yield mailbox, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def fined(number: int) -> list[EventEnvelope]:
    """The events of somebody who has mail and no phone, and who was fined an hour ago."""
    mail = {"email": f"c{number}@example.org"}
    fine = {"number": str(number), "amount": 7, "violated_on": "2025-06-02", "issued_on": "2025-06-02"}
    return [
        event("citizen.contact_changed", iin(number), "2020-01-02T00:00:00Z", mail, id=f"contact-{number}"),
        event("kz.traffic.fine_issued", iin(number), "2025-06-02T11:00:00+05:00", fine, id=f"fine-{number}"),
    ]


@pytest.fixture
def platform(server: URL, tmp_path: Path) -> Iterator[Platform]:
    """A platform on it where many fines wait to be told by mail."""
    load_keyring(tmp_path / "key", create=True)
    with postgres.fresh(server) as at:
        settings = load_settings(database=at.render_as_string(hide_password=False), key_file=tmp_path / "key")
        made = compose(settings, fixed(NOON))
        packs = packs_in([few_triggers(tmp_path)])
        Publisher(made.database, made.log, made.identity.names).publish(packs, by="tests", now=NOON)
        outcomes = made.intake.accept([each for number in range(PEOPLE) for each in fined(number)])
        assert all(outcome.accepted for outcome in outcomes)
        made.planning.planning.drain()
        yield made
        made.database.close()


@pytest.fixture
def start(platform: Platform) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts dispatchers, each with the port of its mail server; none outlives the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(port: int, now: datetime = NOON) -> "subprocess.Popen[bytes]":
        settings = platform.settings
        command = [
            sys.executable,
            "-m",
            "tests.app.dispatching",
            settings.database,
            str(settings.key_file),
            str(port),
            now.isoformat(),
        ]
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE))  # noqa: S603  (ourselves)
        return started[-1]

    yield begin
    for each in started:
        each.kill()
        each.communicate()


async def ended(process: "subprocess.Popen[bytes]") -> None:
    """Wait until it has ended well."""
    _, errors = await asyncio.to_thread(process.communicate, timeout=120)
    assert process.returncode == 0, errors.decode()


def held(platform: Platform, pid: int) -> int:
    """How many deliveries a process has in hand."""
    with platform.database.reading() as connection:
        query = (
            select(func.count())
            .select_from(due)
            .where(due.c.holder.endswith(f"-{pid}"), due.c.held_until.is_not(None))
        )
        return connection.execute(query).scalar_one()


async def test_nobody_is_told_twice_whoever_stops_and_dies(
    platform: Platform, start: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    """Of two dispatchers one is asked to stop and one is killed: a third ends their work, and no mail goes twice."""
    async with serving() as (quick, port), serving() as (slow, other):
        asked, killed = start(port), start(other)
        assert await asyncio.to_thread(_comes, lambda: held(platform, asked.pid) and held(platform, killed.pid))
        await quick.take(10)
        await slow.take(10)
        asked.send_signal(signal.SIGTERM)
        quick.let(PEOPLE)
        await ended(asked)
        assert held(platform, asked.pid) == 0, "who stops gives back what they have not begun"

        await slow.take(5)
        killed.kill()
        killed.wait()
        assert len(quick.received) + len(slow.received) < PEOPLE
        quick.let(PEOPLE)
        third = start(port, LEASES_OVER)
        assert await asyncio.to_thread(_comes, lambda: _is_drained(platform))
        third.send_signal(signal.SIGTERM)
        await ended(third)

    report, received = _standing(platform), [*quick.received, *slow.received]
    assert set(Counter(received).values()) == {1}
    assert report.open_attempts == 0
    assert report.nudges["sent"] + report.nudges.get("unknown", 0) == PEOPLE
    assert report.nudges["sent"] <= len(received)


def _comes(true: Callable[[], object]) -> bool:
    """Whether it comes true within a while."""
    pause = threading.Event()
    return any(true() or pause.wait(0.05) for _ in range(2400))


def _is_drained(platform: Platform) -> bool:
    found = _standing(platform)
    return not found.due_now and not found.open_attempts


def _standing(platform: Platform) -> Health:
    return health(platform.database, platform.log, platform.replay.follower, LEASES_OVER)
