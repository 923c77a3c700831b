"""Rebuild: all views from the log and compared with the live ones, as the job does it, on SQLite, with its executor.

Beside it, in the same run: a raw sqlite3 loop that only reads the same log, and `eventsourcing`'s own
ProjectionRunner, which has the log in memory and folds it into one view in memory.
"""

import itertools
import sqlite3
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import Mapper, StoredEvent, Tracking
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from app.compose import Platform
from app.jobs.rebuild_executor import executor_for
from benchmarks.measuring import Row, ratio, seconds, sized
from benchmarks.world import batched, envelopes, published
from domain.core.events import LifeEvent
from streams.log.fact_mapper import FactMapper
from streams.queues.jobs import Step
from streams.replay.rebuild import ViewRebuild

EVENTS, BATCH, ROUNDS, FEWER = sized(60_000), 20_000, sized(3), sized(20_000)


def measure() -> tuple[list[Row], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        full = published(f"sqlite:///{folder}/bench.sqlite", key_file=Path(folder) / "key")
        for batch in batched(itertools.islice(envelopes(), EVENTS), BATCH):
            full.intake.accept(batch)
        full.planning.planning.drain()
        full.replay.follower.drain()
        facts = full.log.facts.max_notification_id() or 0
        to_raw, ours, raw = ratio(lambda _: _ours(full), lambda _: _raw(Path(folder) / "bench.sqlite"), ROUNDS)
        runner = _by_runner(full)
        full.database.close()
    rate = facts / ours
    rows = [
        Row("rebuild of all views", rate, "facts/s", 50_000),
        Row("rebuild of all views, against ProjectionRunner's of one", rate * runner / FEWER, "×", 2),
    ]
    notes = {
        "raw read facts/s": facts / raw,
        "ratio to raw, %": 100 * to_raw,
        "ProjectionRunner facts/s": FEWER / runner,
    }
    return rows, notes


def _ours(full: Platform) -> float:
    catalogue = full.rules.library.rules().catalogue
    executor = executor_for(full, catalogue)
    work = ViewRebuild(full.database, full.log, full.identity.names, catalogue, print, swap=True, executor=executor)

    def done() -> None:
        step = Step("", 0)
        while not step.finished:
            step = work.step(step.cursor, lambda _connection, _step: None)
        assert '"nudges":0' in step.words

    return seconds(done)


def _raw(file: Path) -> float:
    connection = sqlite3.connect(file)
    taken = seconds(lambda: sum(len(row) for row in connection.execute("SELECT * FROM log ORDER BY position")))
    connection.close()
    return taken


def _by_runner(full: Platform) -> float:
    """How long the library takes for the first of the same facts."""
    notifications = full.log.facts.select_notifications(1, FEWER)

    class Entries(FactMapper):
        def to_domain_event(self, stored_event: StoredEvent) -> Any:
            one = stored_event
            row = (0, one.originator_id, one.originator_version, one.topic, one.state)
            with full.database.reading() as connection:
                return full.log.entries(connection, [row])[0]

    class Facts(Application[UUID]):
        name = "facts"

        def construct_mapper(self) -> Mapper[UUID]:
            return Entries()

    class Trail(POPOTrackingRecorder):
        def __init__(self) -> None:
            super().__init__()
            self.positions: dict[str, list[int]] = defaultdict(list)

        def note(self, persons: frozenset[str], tracking: Tracking) -> None:
            self.insert_tracking(tracking)
            for person in persons:
                self.positions[person].append(tracking.notification_id)

    class Trails(Projection[Trail]):
        name = "trails"

        def process_event(self, domain_event: Any, tracking: Tracking) -> None:
            named = domain_event.fact.everybody if isinstance(domain_event.fact, LifeEvent) else frozenset()
            self.view.note(named, tracking)

    runner = ProjectionRunner(application_class=Facts, projection_class=Trails, view_class=Trail)
    with runner:

        def work() -> None:
            runner.app.recorder.insert_events(notifications)
            runner.wait(len(notifications), timeout=600)

        return seconds(work)
