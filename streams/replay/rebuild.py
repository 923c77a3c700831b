"""Rebuild views from the log in shadow tables, compare them with the live ones, and mend these. It cannot send.

The shadow stores the progress (`RebuildProgress`), so a rebuild continues after its process was killed. The tables
are filled without keys and indexes: facts in the order of the log, nudges stream by stream, then what follows from
several facts. Nudges and residents are divided among processes; nudges also while this process reads facts. Facts
recorded meanwhile are applied at the end, page by page (`Tail`).
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from enum import IntEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Table, select

from domain.core.ids import Names
from domain.core.translatable import Words
from domain.facts.facts import NUDGE_FACTS, AheadMoved
from domain.nudges.nudge import evolve
from domain.rules.event_types import Catalogue
from projections import erased, nudges, statistics, tables, trail
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.log.recorder import FactRecorder
from streams.planning.residences import ResidenceRows
from streams.queues.jobs import Plan, Save, Step
from streams.replay import rebuild_fold, shadow
from streams.replay.follower import Subject, additions_of, attempts_before, unnamed
from streams.replay.rebuild_compare import COMPARED, Cursor, Mending
from streams.replay.rebuild_fold import TOPICS
from streams.replay.rebuild_parallel import (
    LocalParts,
    NoExecutor,
    Part,
    PartExecutor,
    PartKind,
    facts_done,
    parts_left,
)
from streams.replay.shadow import standing
from streams.storage.database import Database


class RebuildStage(IntEnum):
    """The stages of a rebuild, in their order."""

    FACTS = 0
    NUDGES = 1
    KEYS = 2
    REVISIONS = 3
    LOADS = 4
    RESIDENTS = 5
    TAIL = 6
    READY = 7


class RebuildProgress(Struct, frozen=True):
    """The progress of a rebuild: `cursor` within the stage, `done` facts, `upto` the last position before the tail.

    `parts`: the number of parts for parallel work, fixed at the beginning.
    """

    stage: RebuildStage
    cursor: str
    done: int
    upto: int
    parts: int


def read(views: Database) -> RebuildProgress:
    """Read the progress from the shadow."""
    with views.reading() as connection:
        row = connection.execute(select(standing)).one()
    return RebuildProgress(RebuildStage(row.stage), row.cursor, row.done, row.upto, row.parts)


def following(at: RebuildProgress, count: int = 0) -> RebuildProgress:
    """Return the beginning of the next stage."""
    return replace(at, stage=RebuildStage(at.stage + 1), cursor="", done=at.done + count)


def within(at: RebuildProgress, cursor: str, count: int = 0) -> RebuildProgress:
    """Return a later place in the same stage."""
    return replace(at, cursor=cursor, done=at.done + count)


def keep(views: Connection, at: RebuildProgress) -> RebuildProgress:
    """Store the progress, in the transaction of the work that was done."""
    views.execute(standing.update().values(asdict(at)))
    return at


class Tail:
    """Applies later facts to a shadow whose tables have keys. `of_life`, `of_nudges`: the views that it rebuilds."""

    def __init__(self, log: Log, names: Names, residing: ResidenceRows, *, of_life: bool, of_nudges: bool) -> None:
        self._log, self._names, self._residing = log, names, residing
        self._of_life, self._of_nudges = of_life, of_nudges

    def take(self, views: Connection, facts: Connection, after: int, upto: int) -> None:
        """Apply the facts after position `after`, up to and including `upto`."""
        if self._of_life:
            self._life(views, facts, after, upto)
        if self._of_nudges:
            self._nudges(views, facts, self._log.page(facts, after, upto, TOPICS))
            erased.forget(views)

    def _life(self, views: Connection, facts: Connection, after: int, upto: int) -> None:
        found = rebuild_fold.read_facts(facts, self._names, after, upto)
        rebuild_fold.store_facts(views, found)
        statistics.add(views, found.counts)
        concerned = {row[0] for row in found.history}
        concerned |= rebuild_fold.join_revisions(views, facts, self._log, sorted(found.originals))
        rebuild_fold.move_loads(views, facts, self._log, self._log.page(facts, after, upto, (AheadMoved.TOPIC,)))
        erased.forget(views)
        concerned |= {one.person for one, _ in found.erased}
        rebuild_fold.store_residences(views, facts, self._log, self._residing, sorted(concerned))

    def _nudges(self, views: Connection, facts: Connection, entries: Sequence[Entry]) -> None:
        told = [(entry, entry.fact) for entry in entries if isinstance(entry.fact, NUDGE_FACTS)]
        after = nudges.by_id(views, {entry.originator_id for entry, _ in told})
        before = dict(after)
        for entry, fact in told:
            id_ = entry.originator_id
            after[id_] = evolve(after.get(id_), id_, entry.originator_version, fact)
        nudges.store(views, list(after.values()), before)
        subjects = {id_: Subject(nudge.intent.person, nudge.intent.trigger) for id_, nudge in before.items()}
        known = {id_: subjects[id_] for id_ in unnamed(entries)}
        page = additions_of(entries, known, attempts_before(facts, self._log, entries))
        trail.add(views, page.steps)
        statistics.add(views, page.counts)


PAGE, PERSONS = 20_000, 4_000
A_SECOND = 50_000.0

FROM_LIFE = frozenset(
    {
        tables.history,
        tables.revisions,
        tables.area_facts,
        tables.area_plans,
        tables.residents,
        tables.handed_over,
        tables.governance,
        tables.erased,
        tables.retired,
        tables.trail,
        tables.statistics,
    }
)
FROM_NUDGES = frozenset({tables.nudges, tables.due, tables.inbox, tables.trail, tables.statistics})


class ViewRebuild:
    """The work of a rebuild job. `views`: of COMPARED; `swap`: mend rows that differ; `tell`: takes log lines.

    `page`: facts of a page. A part for the `executor` has about half as many, so that processes do not wait long for
    each other. Ten pages of rows are compared at a time.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        names: Names,
        catalogue: Catalogue,
        tell: Callable[[str], None],
        *,
        views: Collection[Table] = tuple(COMPARED),
        swap: bool,
        page: int = PAGE,
        executor: PartExecutor | None = None,
    ) -> None:
        self._live, self._log, self._names, self._tell = database, log, names, tell
        self._views, self._swap, self.page = views, swap, page
        self._residing, self._executor = ResidenceRows(catalogue, names), executor or NoExecutor()
        self._parts = LocalParts(log, self._residing)
        self._of_life = bool(FROM_LIFE & set(views)) or tables.inbox in views  # the inbox needs the erased persons
        self._of_nudges = bool(FROM_NUDGES & set(views))
        self._later = Tail(log, names, self._residing, of_life=self._of_life, of_nudges=self._of_nudges)
        self._ending = Mending(database, log, views, swap=swap)
        self._shadow: Database | None = None

    def count(self, cursor: str) -> Plan:  # noqa: ARG002  (counted in one step)
        """Count the facts."""
        with self._live.reading() as connection:
            count = FactRecorder.last_position(connection)
        views = len(self._views)
        what = (
            Words("rebuild {count} views and mend the live ones", count=views)
            if self._swap
            else Words("rebuild {count} views and compare the live ones", count=views)
        )
        return Plan(what, count, "facts", A_SECOND)

    def step(self, cursor: str, save: Save) -> Step:
        """Do one page, or a step of the end. The job's cursor is the shadow's name; the progress is in the shadow."""
        if not cursor:
            return self._begin()
        name = Cursor.read(cursor).shadow
        if (views := self._opened(name)) is None:
            self._tell("what was rebuilt so far is gone; beginning anew")
            return self._begin()
        at = read(views)
        if at.stage is RebuildStage.READY:
            return self._end(views, Cursor.read(cursor), save)
        with self._meanwhile(views, name, at):
            self._further(views, name, at)
        return self._so_far(views, name)

    def _end(self, views: Database, at: Cursor, save: Save) -> Step:
        self._executor.close()
        step = self._ending.step(views, at, lambda: self._last_of(views), save, self.page)
        if step.finished:
            self.abandon()
        return step

    def _so_far(self, views: Database, name: str) -> Step:
        with self._live.reading() as facts, views.reading() as shadow:
            last = FactRecorder.last_position(facts)
            return Step(name, min(read(views).done + facts_done(shadow), last), of=last)

    def _begin(self) -> Step:
        name = os.urandom(8).hex()
        if shadow.drop(self._live):
            self._tell("an earlier rebuild had left its tables behind; they are gone")
        with self._live.reading() as connection:
            upto = FactRecorder.last_position(connection)
        self._shadow = shadow.make(self._live, name)
        begun = RebuildProgress(RebuildStage.FACTS, "", 0, upto, max(1, -(-2 * upto // self.page)))
        self._shadow.write(lambda connection: keep(connection, begun))
        return Step(name, 0, of=upto)

    def _opened(self, name: str) -> Database | None:
        self._shadow = self._shadow or shadow.opened(self._live, name)
        return self._shadow

    @contextmanager
    def _meanwhile(self, views: Database, name: str, at: RebuildProgress) -> Iterator[None]:
        """Let other processes do the last remaining parts, while this one does facts or the first part."""
        if at.stage not in (RebuildStage.FACTS, RebuildStage.NUDGES, RebuildStage.RESIDENTS):
            yield
            return
        parts = self._left(views, at)[at.stage is not RebuildStage.FACTS :]
        begun = self._executor.submit(name, parts[::-1])
        try:
            yield
        finally:
            wait(begun)

    def _left(self, views: Database, at: RebuildProgress) -> list[Part]:
        """Return the remaining parts of the stage. Residents have none until the erased persons are forgotten."""
        what = PartKind.RESIDENTS if at.stage is RebuildStage.RESIDENTS else PartKind.NUDGES
        if not (self._of_nudges if what is PartKind.NUDGES else at.cursor and tables.residents in self._views):
            return []
        with views.reading() as shadow:
            return parts_left(shadow, what, at.parts, at.upto)

    def _further(self, views: Database, name: str, at: RebuildProgress) -> None:
        """Do the next piece of the stage."""
        if at.stage is RebuildStage.FACTS and self._of_life:
            return self._one_page(views, at)
        if at.stage in (RebuildStage.NUDGES, RebuildStage.RESIDENTS):
            return self._one_part(views, name, at)
        work: Mapping[RebuildStage, Callable[[Connection, Connection, RebuildProgress], RebuildProgress]] = {
            RebuildStage.FACTS: lambda _, __, at: following(at),
            RebuildStage.KEYS: self._one_key,
            RebuildStage.REVISIONS: self._some_revisions,
            RebuildStage.LOADS: self._some_loads,
            RebuildStage.TAIL: self._tail,
        }
        with self._live.reading() as facts:
            views.write(lambda connection: keep(connection, work[at.stage](connection, facts, at)))
        return None

    def _one_part(self, views: Database, name: str, at: RebuildProgress) -> None:
        if at.stage is RebuildStage.RESIDENTS and int(at.cursor or 0) <= len(shadow.UNREAD) + 1:
            views.write(lambda connection: keep(connection, self._beside_parts(connection, at)))
        elif parts := self._left(views, at):
            self._parts.do(views, name, parts[0])
        else:
            views.write(lambda connection: keep(connection, following(at)))

    @staticmethod
    def _beside_parts(views: Connection, at: RebuildProgress) -> RebuildProgress:
        """Forget erased persons before any part; then make keys and sum up statistics while others do parts."""
        number = int(at.cursor or 0)
        if not number:
            erased.forget(views)
        elif number <= len(shadow.UNREAD):
            shadow.index(views, shadow.UNREAD[number - 1])
        else:
            shadow.sum_up(views)
        return within(at, str(number + 1))

    def _one_page(self, views: Database, at: RebuildProgress) -> None:
        with self._live.reading() as facts:
            found = rebuild_fold.read_facts(facts, self._names, int(at.cursor or 0), at.upto, self.page)
        ended = found.last == at.upto
        further = following(at, found.read) if ended else within(at, str(found.last), found.read)

        def store(connection: Connection) -> None:
            rebuild_fold.store_facts(connection, found)
            shadow.count(connection, found.counts)
            keep(connection, further)

        views.write(store)

    def _one_key(self, views: Connection, _facts: Connection, at: RebuildProgress) -> RebuildProgress:
        number = int(at.cursor or 0)
        if number == len(shadow.LOOKED_UP):
            return following(at)
        shadow.index(views, shadow.LOOKED_UP[number])
        return within(at, str(number + 1))

    def _some_revisions(self, views: Connection, facts: Connection, at: RebuildProgress) -> RebuildProgress:
        after = UUID(at.cursor) if at.cursor else None
        originals = rebuild_fold.originals_after(views, after, PERSONS)
        if not originals:
            return following(at)
        rebuild_fold.join_revisions(views, facts, self._log, originals)
        return within(at, originals[-1].hex)

    def _some_loads(self, views: Connection, facts: Connection, at: RebuildProgress) -> RebuildProgress:
        moved = self._log.page(facts, int(at.cursor or 0), at.upto, (AheadMoved.TOPIC,), PERSONS)
        if not moved or not self._of_life:
            return following(at)
        rebuild_fold.move_loads(views, facts, self._log, moved)
        return within(at, str(moved[-1].position))

    def _tail(self, views: Connection, facts: Connection, at: RebuildProgress) -> RebuildProgress:
        after, last = int(at.cursor or at.upto), FactRecorder.last_position(facts)
        if after == last:
            return replace(at, stage=RebuildStage.READY, cursor=str(after))
        upto = min(last, after + self.page)
        self._later.take(views, facts, after, upto)
        return within(at, str(upto), upto - after)

    def _last_of(self, views: Database) -> int:
        """Apply what was recorded meanwhile, while nobody can write; return the last position."""
        at = replace(read(views), stage=RebuildStage.TAIL)
        while at.stage is RebuildStage.TAIL:
            with self._live.reading() as facts:
                at = views.write(lambda connection: keep(connection, self._tail(connection, facts, at)))  # noqa: B023  (runs at once)
        return int(at.cursor)

    def rest(self) -> None:
        """Close the shadow, and end the comparison's transactions and the other processes."""
        self._ending.rest()
        self._executor.close()
        if self._shadow is not None:
            self._shadow.close()
            self._shadow = None

    def abandon(self) -> None:
        """Drop the shadow."""
        with shadow.dropped_on_exit(self._live):
            self.rest()
