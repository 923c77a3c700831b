"""Half an hour at twice the usual rate, on PostgreSQL and Kafka: memory, descriptors and what waits stay level.

`python -m benchmarks.soak --minutes 30 --rate 400` prints what each role used, and keeps it in `results/soak.json`.
Slopes are of the second half, per hour: what grows then would grow for ever.
"""

import argparse
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from app.cli.commands.dispatch import dispatch_due
from app.clock import system_clock
from app.compose import Platform, compose
from app.settings import load_settings
from app.tuning import calm_collector
from benchmarks.measuring import RESULTS
from benchmarks.production import BEFORE, awake, roles, topics, written
from benchmarks.world import fresh, published
from domain.persons.channels import ADDRESS_OF
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Notifier
from notifiers.port.routes import single_routes
from streams.intake.cloudevents import Envelope
from streams.queries.health import read_status
from tests.services import kafka, postgres

COHORT, EACH, A_SECOND = 5_000, 6, 10
"""So many persons write in turn, so many times each, and then others do: nobody's history grows without end."""
LOOK_EVERY, SETTLE = 5.0, 120.0
"""Seconds between two looks, and until what waits in the end has to be done."""
ROLES = {"relay": ["app", "relay"], "worker": ["app", "worker"], "dispatch": ["benchmarks.soak", "--dispatch"]}
"""The processes beside this one, which takes events in."""


class Look(NamedTuple):
    """What was seen at one time: role -> MB, role -> descriptors, and what waits."""

    at: float
    memory: Mapping[str, float]
    descriptors: Mapping[str, int]
    unplanned: int
    due: int


def soak(minutes: float, rate: int) -> dict[str, Any]:
    """Run it; returns what is printed."""
    with tempfile.TemporaryDirectory() as folder, postgres.server(lasting=True) as server, kafka.server() as broker:
        keys = Path(folder) / "keys"
        with fresh(server) as url:
            on = published(url, system_clock, now=BEFORE, key_file=keys)
            with roles(topics(broker), url, keys, ROLES) as pids:
                looks, late = _feed(on, minutes * 60, rate, pids | {"intake": os.getpid()})
                begun = time.perf_counter()
                done = _until(lambda: not any(_waiting(on)), SETTLE)
                took = time.perf_counter() - begun
            on.database.close()
    return {
        "minutes": minutes,
        "rate": rate,
        "events": int(minutes * 60 * rate),
        "late_s": round(late, 1),
        "all_done": done,
        "drained_in_s": round(took, 1),
        "load": os.getloadavg()[1],
        **_told(looks),
    }


def _feed(on: Platform, seconds: float, rate: int, roles: Mapping[str, int]) -> tuple[list[Look], float]:
    """Events at this rate, in batches; returns the looks, and how late the last batch was."""
    looks: list[Look] = []
    events, start, late = _events(), time.perf_counter(), 0.0
    for batch in range(int(seconds * A_SECOND)):
        on.intake.accept(list(itertools.islice(events, rate // A_SECOND)))
        now = time.perf_counter() - start
        if now >= len(looks) * LOOK_EVERY:
            looks.append(_look(on, now, roles))
        late = now - (batch + 1) / A_SECOND
        time.sleep(max(0.0, -late))
    return looks, max(late, 0.0)


def _look(on: Platform, at: float, roles: Mapping[str, int]) -> Look:
    memory, descriptors = {}, {}
    for role, pid in roles.items():
        status = Path(f"/proc/{pid}/status").read_text()
        [resident] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        memory[role] = int(resident.split()[1]) / 1024
        descriptors[role] = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Look(at, memory, descriptors, *_waiting(on))


def _waiting(on: Platform) -> tuple[int, int]:
    found = read_status(on.database, on.log, on.replay.follower, on.clock())
    return found.unplanned, found.due_now


def _told(looks: Sequence[Look]) -> dict[str, Any]:
    half = looks[len(looks) // 2 :]
    hours = [look.at / 3600 for look in half]

    def level(values: Sequence[float]) -> dict[str, float]:
        slope = statistics.linear_regression(hours, values).slope
        return {
            "median": round(statistics.median(values), 1),
            "most": round(max(values), 1),
            "per_hour": round(slope, 1),
        }

    return {
        "memory_mb": {role: level([look.memory[role] for look in half]) for role in half[0].memory},
        "descriptors": {role: level([look.descriptors[role] for look in half]) for role in half[0].memory},
        "unplanned": level([look.unplanned for look in half]),
        "due": level([look.due for look in half]),
        "looks": len(looks),
    }


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    until = time.perf_counter() + seconds
    while not (held := holds()) and time.perf_counter() < until:
        time.sleep(0.5)
    return held


def _events() -> Iterator[Envelope]:
    """Without end: of each person the address and the choices, then something they wrote, and later again."""
    for number in itertools.count():
        turn, place = divmod(number, COHORT)
        person = turn // EACH * COHORT + place
        if turn % EACH == 0:
            yield from awake(person)
        yield written(person, str(number))


def _dispatch() -> None:
    calm_collector()
    notifiers: dict[str, Notifier] = {channel: FakeNotifier(channel, lambda _: None) for channel in ADDRESS_OF}
    dispatch_due(compose(load_settings(), system_clock), lambda _: single_routes(notifiers))


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--rate", type=int, default=400)
    options.add_argument("--dispatch", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.dispatch:
        _dispatch()
        return
    found = soak(given.minutes, given.rate)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "soak.json").write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
