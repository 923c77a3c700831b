"""One question about one person, beside a country's history: eligible, trail and why. BENCH_EVENTS sets its size.

In this process, with the rules at hand; what a whole command takes, its process and these rules too, is in the notes.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from uuid import UUID

from sqlalchemy import insert, literal, select

from app.compose import Platform
from benchmarks.large_log import EACH, FINED, NOW, has_fine, make
from benchmarks.measuring import Row, seconds, sized
from domain.core.events import LifeEvent
from domain.planning.eligibility import eligibility
from projections import history, nudges, positions, tables, trail
from streams.planning import histories
from streams.queries.explain import explain
from streams.replay.follower import READER
from streams.replay.repair import GapFilter

EVENTS, ASKED, TARGET_MS, STARTS = sized(1_000_000), sized(200, least=20), 50, sized(3)


def measure() -> tuple[list[Row], dict[str, float]]:
    events = int(os.environ.get("BENCH_EVENTS", EVENTS))
    with tempfile.TemporaryDirectory() as folder:
        on = make(Path(folder), events)
        _follow(on)
        persons, fined = _some(on, ASKED), _some(on, ASKED // FINED, has_fine)
        asked = {
            "eligible": (lambda one: _eligible(on, one), persons),
            "trail": (lambda one: _trail(on, one), persons),
            "why": (lambda one: _why(on, one), _nudges(on, fined)),
        }
        rows = [_row(name, ask, whom, events) for name, (ask, whom) in asked.items()]
        start = statistics.median(seconds(lambda: _command(Path(folder), persons[0])) for _ in range(STARTS))
        on.database.close()
    return rows, {"events": events, "ms for all of `habarshy eligible`, its start included": start * 1000}


def _row(name: str, ask: Callable[[str], object], whom: Sequence[str], events: int) -> Row:
    ask(whom[0])
    took = sorted(seconds(lambda: ask(one)) for one in whom[1:])  # noqa: B023  (runs at once)
    slow = took[int(len(took) * 0.95)]
    return Row(f"{name} at {events:,} events, 95 of 100 within", slow * 1000, "ms", TARGET_MS, most=True)


def _follow(on: Platform) -> None:
    """The trail as the follower leaves it."""
    steps = select(tables.history.c.person, tables.history.c.position, literal(LifeEvent.TOPIC))
    on.database.write(
        lambda connection: connection.execute(
            insert(tables.trail).from_select(["person", "position", "topic"], steps)
        )
    )
    last = on.log.facts.max_notification_id() or 0
    on.database.write(lambda connection: positions.save(connection, READER, last))


def _some(on: Platform, number: int, wanted: Callable[[str], bool] = lambda _person: True) -> list[str]:
    """Return so many of the persons wanted, from all over the country."""
    random = Random(7)  # noqa: S311  (a sample)
    found: list[str] = []
    while len(found) < number:
        with on.database.reading() as connection:
            found += filter(wanted, history.persons_after(connection, f"{random.getrandbits(128):032x}", 1))
    return found


def _nudges(on: Platform, fined: Sequence[str]) -> list[str]:
    """Plan these persons, one by one, and return their nudges."""
    for person in fined:
        list(on.replay.repair.repair(GapFilter(person=person)))
    with on.database.reading() as connection:
        found = nudges.of_persons(connection, fined)
    return [str(id_) for theirs in found.values() for id_ in theirs]


def _eligible(on: Platform, person: str) -> None:
    rulebook = on.rules.library.rules().rulebook
    with on.database.reading() as connection:
        known = histories.own_history(connection, on.log, person, rulebook, NOW)
    assert len(known.facts) == EACH
    assert list(eligibility(known, rulebook, NOW.date()))


def _trail(on: Platform, person: str) -> None:
    on.replay.follower.drain()
    with on.database.reading() as connection:
        assert on.log.read(connection, trail.positions(connection, person))


def _why(on: Platform, nudge: str) -> None:
    with on.database.reading() as connection:
        assert explain(connection, on.log, on.rules.library.rules(), UUID(nudge), NOW).cause is not None


def _command(folder: Path, person: str) -> None:
    where = {"HABARSHY_DATABASE": f"sqlite:///{folder}/country.sqlite", "HABARSHY_KEY_FILE": f"{folder}/key"}
    command = [sys.executable, "-m", "app", "eligible", person, "--clock", NOW.isoformat()]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **where})  # noqa: S603  (ourselves)
