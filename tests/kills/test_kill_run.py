"""kill -9 of a real `habarshy run`, with a real SMTP server on the other side."""

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.clock import fixed
from app.compose import Platform, compose
from app.settings import load_settings
from app.simulation.population import simulate
from domain.nudges.delivery import State
from domain.nudges.nudge import Nudge
from projections import history, nudges
from streams.intake.cloudevents import Envelope as EventEnvelope
from streams.intake.cloudevents import envelope_of
from streams.planning.recompute import intents_of
from streams.queries.health import health
from tests.services.commands import Command
from tests.world import event, iin

START = datetime(2025, 1, 1, 7, tzinfo=UTC)  # 12:00 in Almaty: nobody's quiet hours
CITIZENS, SEED = 40, 7
"""For each kill, so that as many mails go between two of them however many there are."""
ON_ITS_WAY, PATIENCE = 0.002, 30.0
"""Seconds: how long the server takes for a mail, and how long a slow machine may take to send the first."""
RUNS = 10
"""For each kill, at most: else they end by themselves, and it would go on for ever."""
ENDED = {State.SENT, State.WITHHELD, State.EXPIRED, State.UNKNOWN, State.FAILED}
WAITING = {State.PLANNED, State.DEFERRED, State.DIGESTED}


class Sink:
    """Keeps the Message-ID of every mail that it took over."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.pause = 0.0
        self._came = threading.Condition()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (the library's name)
        content = envelope.content
        assert isinstance(content, bytes)
        await asyncio.sleep(self.pause)
        with self._came:
            self.received.append(str(message_from_bytes(content)["Message-ID"]))
            self._came.notify()
        return "250 taken"

    def wait(self, count: int) -> bool:
        """Wait a moment for a mail; whether there are that many."""
        with self._came:
            return len(self.received) >= count or (self._came.wait(0.01) and len(self.received) >= count)


@pytest.fixture
async def smtp() -> AsyncIterator[tuple[Sink, int]]:
    """A real SMTP server on a free port of the loopback."""
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(sink), "127.0.0.1", 0)
    yield sink, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def by_mail_only(event: dict[str, Any]) -> dict[str, Any]:
    """The same event of a population that has mail and no phone."""
    if event["type"] == "citizen.contact_changed":
        mail = event["data"].get("email") or f"c{event['id']}@example.org"
        return event | {"data": {"email": mail}}
    return event


class Process:
    """`habarshy run` as a process of its own, on one database and one mail server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.log = folder / "run.log"
        self.environment = os.environ | {
            "HABARSHY_DATABASE": f"sqlite:///{folder}/kill.sqlite",
            "HABARSHY_KEY_FILE": str(folder / "key"),
            "HABARSHY_PROVIDERS": json.dumps(
                {
                    "mail": {
                        "kind": "smtp",
                        "host": "127.0.0.1",
                        "port": port,
                        "security": "none",
                        "sender": "h@example.org",
                    }
                }
            ),
        }

    def start(self, now: datetime, *, until_idle: bool = True) -> Command:
        idle = ["--until-idle"] if until_idle else []
        return Command(["run", *idle, "--clock", now.isoformat()], self.environment, self.log)

    def finish(self, now: datetime) -> None:
        _ended(self.start(now))


async def test_killed_at_any_moment_every_nudge_ends_once(
    tmp_path: Path, smtp: tuple[Sink, int], pytestconfig: pytest.Config
) -> None:
    """However often `run` is killed, no mail goes twice, none is lost, and every nudge has one end."""
    sink, port = smtp
    sink.pause = ON_ITS_WAY
    settings = load_settings(database=f"sqlite:///{tmp_path}/kill.sqlite", key_file=tmp_path / "key")
    platform = compose(settings, fixed(START))
    kills = int(pytestconfig.getoption("kills"))
    campaign = _Campaign(platform, Process(tmp_path, port), sink, kills)
    await asyncio.to_thread(campaign.run)
    _every_nudge_ended_once(platform, sink, campaign)
    platform.database.close()


@pytest.mark.parametrize("until_idle", [True, False])
async def test_asked_to_stop_it_finishes_what_is_in_flight(
    tmp_path: Path, smtp: tuple[Sink, int], *, until_idle: bool
) -> None:
    """SIGTERM lets the mails under way end and begins no others: nothing is unknown, the rest still waits."""
    sink, port = smtp
    sink.pause = 0.2
    platform = compose(
        load_settings(database=f"sqlite:///{tmp_path}/kill.sqlite", key_file=tmp_path / "key"), fixed(START)
    )
    persons = [iin(number) for number in range(400)]
    platform.intake.accept([each for person in persons for each in _fined(person)])
    running = Process(tmp_path, port).start(START, until_idle=until_idle)
    while not await asyncio.to_thread(sink.wait, 1):
        assert running.poll() is None
    running.send_signal(signal.SIGTERM)
    await asyncio.to_thread(_ended, running)

    report = health(platform.database, platform.log, platform.replay.follower, START)
    assert report.open_attempts == 0
    assert "unknown" not in report.nudges
    assert 0 < report.nudges["sent"] == len(sink.received) < len(persons)
    platform.database.close()


def _fined(person: str) -> list[EventEnvelope]:
    data = {"number": person[6:], "amount": 7, "violated_on": "2025-01-01", "issued_on": "2025-01-01"}
    return [
        event(
            "citizen.contact_changed",
            person,
            "2020-01-02T00:00:00+05:00",
            {"email": "a@example.org"},
            id=f"c{person[6:]}",
        ),
        event("kz.traffic.fine_issued", person, "2025-01-01T10:00:00+05:00", data, id=f"f{person[6:]}"),
    ]


class _Campaign:
    """A year in as many steps as there are kills: events come in, a run starts, a run is killed."""

    def __init__(self, platform: Platform, process: Process, sink: Sink, kills: int) -> None:
        self.platform, self.process, self.sink, self.kills = platform, process, sink, kills
        self.now, self.step = START, timedelta(days=350) / kills
        self.random = random.Random(SEED)  # noqa: S311  (a seeded test)
        events = simulate(CITIZENS * kills, SEED, date(2025, 1, 1), date(2026, 1, 1))
        self.events = deque(sorted(map(by_mail_only, events), key=lambda event: str(event["time"])))

    def run(self) -> None:
        killed, runs = 0, 0
        while killed < self.kills:
            self.now += self.step
            self._ingest()
            killed, runs = killed + self._kill_one(), runs + 1
            assert runs < self.kills * RUNS, f"{runs} runs, and only {killed} of them could be killed"
        self.process.finish(self.now)

    def _ingest(self) -> None:
        come = []
        while self.events and datetime.fromisoformat(self.events[0]["time"]) <= self.now:
            come.append(envelope_of(self.events.popleft()))
        assert all(outcome.refused is None for outcome in self.platform.intake.accept(come))

    def _kill_one(self) -> int:
        """Kill a run: at a random time, or a blink after a random number of mails has arrived.

        Runs that end before that don't count, and are too few to make the campaign long.
        """
        running = self.process.start(self.now)
        by_mails = self.random.random() < 0.6
        mails = len(self.sink.received) + (self.random.randint(1, 40) if by_mails else 10**9)
        until = time.monotonic() + (PATIENCE if by_mails else self.random.uniform(0.25, 0.8))
        while running.poll() is None and time.monotonic() < until and not self.sink.wait(mails):
            pass
        if running.poll() is not None:
            _ended(running)
            return 0
        running.kill()
        return 1


def _ended(running: Command) -> None:
    assert running.wait(120) == 0, running.said()


def _every_nudge_ended_once(platform: Platform, sink: Sink, campaign: _Campaign) -> None:
    now = campaign.now
    intents = [
        each
        for batch in intents_of(platform.database, platform.log, platform.rules.library.rules().rulebook)
        for each in batch
    ]
    report = health(platform.database, platform.log, platform.replay.follower, now)
    states, received = report.nudges, Counter(sink.received)
    assert set(received.values()) == {1}, "a mail went twice"
    assert (report.unplanned, report.due_now, report.open_attempts) == (0, 0, 0)
    assert set(states) <= ENDED | WAITING | {State.CANCELLED}
    for one in _nudges(platform):
        waits = [delivery.due for delivery in one.deliveries if delivery.due is not None]
        assert all(due > now for due in waits), f"{one.state} is overdue"
        assert waits or one.state in ENDED | {State.CANCELLED}, f"{one.state} is no end"
    assert {intent.id for intent in intents} <= {one.intent.id for one in _nudges(platform)}
    assert states["sent"] > campaign.kills
    assert states["unknown"] > 0, "no kill hit a mail on its way: the campaign proves nothing"
    assert states["sent"] <= len(received) <= states["sent"] + states.get("unknown", 0)


def _nudges(platform: Platform) -> list[Nudge]:
    with platform.database.reading() as connection:
        persons = history.persons_after(connection, "", 10**6)
        return [one for found in nudges.of_persons(connection, persons).values() for one in found.values()]
