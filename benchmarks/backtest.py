"""A year of a country under one typical trigger: one person in five has an event that it starts on.

Against reading the whole range and decoding it, on one core, without deciding anything. BENCH_EVENTS sets the size.
"""

import os
import resource
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select

from app.backtests.order import Order
from app.backtests.run import run_backtest
from app.compose import Platform
from app.tuning import calm_collector
from benchmarks.large_log import EACH, FINED, make
from benchmarks.measuring import Row, in_a_process, seconds, sized, tell
from projections.bulk import driver_rows
from streams.log.decoding import LIFE
from streams.log.mapper import decode_life
from streams.rehearsal.backtest import Backtest
from streams.rules.drafts import Draft
from streams.storage.tables import log

EVENTS, SMALLER, COUNTRY = sized(1_000_000), 4, 300_000_000
TRIGGER = "traffic_fine_discount"
ZONE = ZoneInfo("Asia/Almaty")


class Measured(msgspec.Struct):
    """What the child process measured: of all processes, of one core, and of reading only."""

    seconds: float
    peak_mb: float
    messages: int
    persons: int
    facts: int
    core: float
    reading: float


def measure() -> tuple[list[Row], dict[str, float]]:
    events = int(os.environ.get("BENCH_EVENTS", EVENTS))
    small, large = _measured(events // SMALLER), _measured(events)
    assert large.messages > events // EACH // FINED
    rate = events / large.seconds
    rows = [
        Row(f"backtest over {events:,} events, of the whole range", rate, "events/s", 500_000),
        Row("backtest, facts of the filtered people, one core", large.core, "facts/s", 50_000),
        Row(
            "backtest, cost per event, large against small",
            large.seconds / small.seconds / SMALLER,
            "×",
            1.3,
            most=True,
        ),
        Row("backtest, memory of a process", large.peak_mb, "MB", 2000, most=True),
        Row("backtest against reading and decoding the range", large.reading / large.seconds, "×", 0.3),
    ]
    notes = {
        "messages": large.messages,
        "persons played": large.persons,
        "facts played": large.facts,
        f"minutes for {COUNTRY:,} events": COUNTRY / rate / 60,
    }
    return rows, notes


def _measured(events: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        return in_a_process("benchmarks.backtest", Measured, folder, events)


def _run(folder: Path, events: int) -> Measured:
    calm_collector()
    on = make(folder, events)
    order = year_of_fines(on)
    tallies = []
    taken = seconds(lambda: tallies.append(run_backtest(on, order)))
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    question = order.question(on.identity.names)
    one = Backtest(on.database, on.log, question)
    start = process_time()
    facts = one.share(question.selection().shares(8)[0]).facts
    core = facts / (process_time() - start)
    reading = seconds(lambda: _read(on))
    tally = tallies[0]
    return Measured(taken, children, tally.messages.total(), tally.persons, tally.facts, core, reading)


def year_of_fines(on: Platform) -> Order:
    """The trigger in force over a year."""
    now = on.rules.library.rules().governed
    fact = now.current(TRIGGER)
    assert fact is not None
    start, end = datetime(2025, 1, 1, tzinfo=ZONE), datetime(2026, 1, 1, tzinfo=ZONE)
    return Order(Draft.published(fact, now.packs[fact.pack].content), now, start, end)


def _read(on: Platform) -> None:
    with on.database.reading() as connection:
        for topic, state in driver_rows(connection, select(log.c.topic, log.c.state).order_by(log.c.position)):
            if topic == LIFE:
                decode_life(state)


if __name__ == "__main__":
    tell(_run(Path(sys.argv[1]), int(sys.argv[2])))
