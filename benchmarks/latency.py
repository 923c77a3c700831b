"""Production end to end: from an event that was accepted to the provider's call, at a steady rate and in a burst.

Relay, worker and dispatcher are processes or threads of their own on one PostgreSQL and one Kafka.
"""

import asyncio
import itertools
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.clock import system_clock
from app.compose import Platform
from app.compose_sending import compose_engine
from benchmarks.dispatch import Count, Nothing
from benchmarks.measuring import Row, sized
from benchmarks.production import BEFORE, awake, before, key_file, roles, topics, written
from benchmarks.world import event, fresh, named, national_id, published
from domain.persons.channels import ADDRESS_OF
from notifiers.port.interface import Accepted, Message, Outcome
from notifiers.port.routes import single_routes
from projections import nudges
from projections.tables import micros
from streams.intake.cloudevents import Envelope, envelope_of
from streams.runtime.scheduler import DISPATCH
from tests.beginnings import KEYRING
from tests.services import kafka, postgres

RATE, SECONDS = 200, int(os.environ.get("BENCH_SECONDS", sized(60, least=10)))
PERSONS, LIVED = RATE * SECONDS // 3, 8
"""So each gets three messages at the steady rate and three in the burst; before, so much had happened to them."""
BURST, BURST_SECONDS = 1_000, int(os.environ.get("BENCH_BURST_SECONDS", str(max(1, SECONDS // 5))))
"""At full length 300 s and 60 s; a burst has to drain in the time that it took to come."""
SLICE, PATIENCE = 10, 300.0
"""Seconds: of what is told together, and until a message that has not come is lost."""
ROLES = {"relay": ["app", "relay"], "worker": ["app", "worker"]}


class _Stamps(Nothing):
    """A provider that notes when it was called for whom."""

    def __init__(self, channel: str) -> None:
        super().__init__(channel, Count())
        self.called = dict[str, float]()

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        now = time.perf_counter()
        for message in messages:
            self.called.setdefault(message.text.rsplit(maxsplit=1)[-1], now)
        return [Accepted(f"{message.key}:{message.attempt}") for message in messages]


def measure() -> tuple[list[Row], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder, postgres.server(lasting=True) as server, kafka.server() as broker:
        keys = key_file(Path(folder))
        with fresh(server) as url:
            on = published(url, system_clock, KEYRING, BEFORE, key_file=keys)
            for first in range(0, PERSONS, 500):
                on.intake.accept([each for number in range(first, first + 500) for each in _opening(number)])
            on.planning.planning.drain()
            sms = _Stamps("sms")
            with roles(topics(broker), url, keys, ROLES), _dispatching(on, sms):
                while on.database.write(lambda connection: nudges.waiting(connection, micros(system_clock()))[0]):
                    time.sleep(0.5)  # what they are told because of what had happened before
                _latencies(on, sms, RATE, 5, "w")  # until all have joined
                steady = _latencies(on, sms, RATE, SECONDS, "s")
                start = time.perf_counter()
                burst = _latencies(on, sms, BURST, BURST_SECONDS, "b")
                drained = max(time.perf_counter() - start - BURST_SECONDS, 0.0)
            on.database.close()
    notes = _growth(steady) | {"median ms": 1000 * statistics.median(steady), "events": len(steady) + len(burst)}
    steady.sort()
    rows = [
        Row(f"accepted → provider, {RATE}/s, p95", 1000 * steady[int(len(steady) * 0.95)], "ms", 1000, most=True),
        Row(f"accepted → provider, {RATE}/s, p99", 1000 * steady[int(len(steady) * 0.99)], "ms", 2000, most=True),
        Row(f"burst of {BURST}/s, {BURST_SECONDS} s: drained within", drained, "s", BURST_SECONDS, most=True),
    ]
    return rows, notes


def _growth(steady: Sequence[float]) -> dict[str, float]:
    """The 95th percentile of each slice of ten seconds, so that it is seen where something grows or stalls."""
    each = RATE * SLICE
    return {
        f"p95 ms from {at // RATE} s": 1000 * sorted(steady[at : at + each])[int(each * 0.95)]
        for at in range(0, len(steady) - each + 1, each)
    }


def _latencies(on: Platform, sms: _Stamps, rate: int, seconds: int, mark: str) -> list[float]:
    """Seconds from accepted to called, of events that come at this rate, 20 batches a second."""
    accepted: dict[str, float] = {}
    numbers, each = itertools.count(), rate // 20
    start = time.perf_counter()
    for batch in range(seconds * 20):
        names = [f"{mark}{next(numbers)}" for _ in range(each)]
        on.intake.accept([written(hash(name) % PERSONS, name) for name in names])
        accepted |= dict.fromkeys(names, time.perf_counter())
        time.sleep(max(0.0, start + (batch + 1) / 20 - time.perf_counter()))
    until = time.perf_counter() + PATIENCE
    while not accepted.keys() <= sms.called.keys() and time.perf_counter() < until:
        time.sleep(0.05)
    missing = accepted.keys() - sms.called.keys()
    assert not missing, f"{len(missing)} of {len(accepted)} were not sent"
    return [sms.called[name] - at for name, at in accepted.items()]


def _opening(number: int) -> Iterator[Envelope]:
    yield before(number, "kz.citizen.registered", named())
    yield from awake(number)
    for year in range(2024 - LIVED, 2024):
        dates = {"issued_on": f"{year}-03-20", "expires_on": f"{year + 1}-03-20"}
        licence = {"kind": "driving_licence", "number": f"{number}"} | dates
        at, mark = BEFORE.replace(year=year), f"{number}.{year}"
        yield envelope_of(event(national_id(number), "kz.document.issued", at, licence, mark))


@contextmanager
def _dispatching(on: Platform, sms: _Stamps) -> Iterator[None]:
    """The jobs of `habarshy dispatch`, in a thread, with a provider that notes the time."""
    routes = single_routes({channel: sms if channel == "sms" else _Stamps(channel) for channel in ADDRESS_OF})
    loop, stopped = asyncio.new_event_loop(), asyncio.Event()
    engine = compose_engine(on, routes)
    thread = threading.Thread(target=loop.run_until_complete, args=[engine.until(stopped, only=DISPATCH)])
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()
