"""Dispatch end to end: claim, settle, render, attempt, send (to a provider that does nothing), outcome."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import uvloop
from sqlalchemy import URL

from app.clock import VirtualClock
from app.compose import Platform
from app.compose_sending import compose_dispatcher
from benchmarks.measuring import Row, peak_mb, sized
from benchmarks.world import NOW, event, fresh, named, national_id, published
from domain.persons.channels import ADDRESS_OF
from notifiers.port.interface import Accepted, Message, Notifier, Outcome
from notifiers.port.routes import single_routes
from streams.delivery.send.dispatch import Dispatcher
from streams.intake.cloudevents import Envelope, envelope_of
from tests.services import postgres

CITIZENS, WARM = sized(6_000, least=600), sized(500, least=50)
WITH_A_PAST, FACTS = sized(2_000, least=600), sized(40, least=8)
"""The persons of the row about people who have a past, and the facts of each."""
FEWEST = 3
DUE = datetime.fromisoformat("2026-02-18T12:00+05:00")


def measure() -> tuple[list[Row], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        embedded, sent = _measured(f"sqlite:///{folder}/dispatch.sqlite", Path(folder), CITIZENS)
    with postgres.server(lasting=True) as server:
        production, also = _on_postgres(server, CITIZENS)
        past, more = _on_postgres(server, WITH_A_PAST, FACTS)
    rows = [
        Row("dispatch on SQLite, end to end", embedded, "nudges/s", 2000),
        Row("dispatch on PostgreSQL, end to end", production, "nudges/s", 2000),
        Row(f"dispatch on PostgreSQL, people with {FACTS} facts", past, "nudges/s", 1500),
    ]
    return rows, {"nudges": sent + also + more, "peak MB": peak_mb()}


def _on_postgres(server: URL, citizens: int, facts: int = FEWEST) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder, fresh(server) as url:
        return _measured(url, Path(folder), citizens, facts)


def _measured(url: str, folder: Path, citizens: int, facts: int = FEWEST) -> tuple[float, int]:
    """With a key file, beside which a restore of the database is watched for."""
    clock = VirtualClock(NOW)
    platform = published(url, clock, key_file=folder / "key")
    fill(platform, citizens, facts)
    clock.advance_to(DUE)
    sent = Count()
    rate = sending(platform, {channel: Nothing(channel, sent) for channel in ADDRESS_OF}, sent)
    return rate, sent.count


def sending(
    platform: Platform, notifiers: Mapping[str, Notifier], sent: "Count", patience: float | None = None
) -> float:
    """Nudges a second, from when it is warm until nothing is due; with `patience` as `Dispatcher.drain` has it."""
    rate = uvloop.run(_drained(platform, compose_dispatcher(platform, single_routes(notifiers)), sent, patience))
    platform.database.close()
    return rate


async def _drained(platform: Platform, dispatcher: Dispatcher, sent: "Count", patience: float | None) -> float:
    while sent.count < WARM:
        await dispatcher.drain_batch()
    analyze(platform)
    before, start = sent.count, time.perf_counter()
    await dispatcher.drain(patience=patience)
    await dispatcher.wait_ended()
    return (sent.count - before) / (time.perf_counter() - start)


def analyze(platform: Platform) -> None:
    """Let PostgreSQL know its tables, as it would by itself within a minute: else it reads all of them."""
    with platform.database.altering() as connection:
        connection.exec_driver_sql("ANALYZE")


class Count:
    def __init__(self) -> None:
        self.count = 0


class Nothing:
    """A provider that takes everything and does nothing."""

    removes_doubles, reports, longest = False, False, 1.0

    def __init__(self, channel: str, sent: Count) -> None:
        self.channel, self._sent = channel, sent

    def reaches(self, address: str) -> bool:  # noqa: ARG002  (the port's)
        return True

    async def start(self) -> None: ...

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self._sent.count += len(messages)
        return [Accepted(message.key) for message in messages]

    async def aclose(self) -> None: ...


def fill(platform: Platform, citizens: int, facts: int = FEWEST) -> None:
    """Everybody's identity card expires in March: a message each on 18 February. `facts` (>= 3): of each person."""
    at_once = max(1, 3000 // facts)
    for start in range(0, citizens, at_once):
        persons = [national_id(number) for number in range(start, min(start + at_once, citizens))]
        platform.intake.accept([event for person in persons for event in _life(person, facts)])
    platform.planning.planning.drain()


def _life(person: str, facts: int) -> list[Envelope]:
    card = {"kind": "identity_card", "number": person[6:], "issued_on": "2016-03-20", "expires_on": "2026-03-20"}
    contact = {"phone": "+77010000001", "email": f"c{person[6:]}@example.org"}
    return [
        _event(person, "kz.citizen.registered", "2020-01-01T00:00:00+05:00", named()),
        _event(person, "citizen.contact_changed", "2020-01-02T00:00:00+05:00", contact),
        _event(person, "kz.document.issued", "2024-03-20T12:00:00+05:00", card),
        *_past(person, facts - FEWEST),
    ]


def _past(person: str, facts: int) -> Iterator[Envelope]:
    """Contributions for most of it; one fact in eight changes something about the person."""
    for number in range(facts):
        day = date(2020, 2, 1) + timedelta(days=number)
        at = f"{day}T12:00:00+05:00"
        if number % 8:
            contribution = {"employer": f"employer {number}", "received_on": f"{day}"}
            yield _event(person, "kz.pension.contribution_received", at, contribution)
        else:
            contact = {"phone": f"+7701{number:07d}", "email": f"c{person[6:]}@example.org"}
            yield _event(person, "citizen.contact_changed", at, contact)


def _event(person: str, type_: str, at: str, data: dict[str, str]) -> Envelope:
    return envelope_of(event(person, type_, at, data, f"{hash(person)}.{at}"))
