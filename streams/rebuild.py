"""Rebuilds views from the log beside the live ones, compares, and mends these: nothing here can send.

The shadow keeps how far it has come, so a rebuild goes on after its process was killed. It is filled without keys and
indexes: facts in the order of the log, then nudges stream by stream, then what follows from several facts. What came
meanwhile is taken in as it comes, the last of it while nobody writes.
"""

import os
from collections.abc import Callable, Collection, Mapping
from enum import IntEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Table, select

from domain.event_types import Catalogue
from domain.facts import AheadMoved
from domain.ids import Names
from projections import erased, tables
from streams import rebuild_facts, rebuild_nudges, rebuild_people, shadow, shadow_tables
from streams.database import Database
from streams.follower import Follower
from streams.jobs import Plan, Save, Step
from streams.log import Log
from streams.rebuild_compare import COMPARED, difference, mend
from streams.rebuild_tail import Tail
from streams.recorder import FactRecorder
from streams.residing import Residing
from streams.shadow import quiet
from streams.shadow_tables import standing
from streams.tables import log as log_table

PAGE, STREAMS, PERSONS = 20_000, 20_000, 4_000
A_SECOND = 50_000.0

FROM_LIFE = frozenset({
    tables.history, tables.revisions, tables.area_facts, tables.residents, tables.handed_over, tables.governance,
    tables.erased, tables.retired, tables.trail, tables.statistics,
})  # fmt: skip
FROM_NUDGES = frozenset({tables.nudges, tables.due, tables.inbox, tables.trail, tables.statistics})


class Stage(IntEnum):
    """What a rebuild does, one after the other."""

    FACTS = 0
    NUDGES = 1
    KEYS = 2
    CORRECTIONS = 3
    LOADS = 4
    RESIDENTS = 5
    TAIL = 6
    READY = 7


class Standing(Struct, frozen=True):
    """How far a shadow has come: `cursor` within its stage, `done` facts, `upto` which position before the tail."""

    stage: Stage
    cursor: str
    done: int
    upto: int


class Rebuilt(Struct, frozen=True):
    """`position`: up to which fact; `differences`: view -> rows that only one of the two had."""

    position: int
    differences: Mapping[str, int]

    @property
    def equal(self) -> bool:
        """The rebuilt views say what the live ones said."""
        return not any(self.differences.values())


class NotMended(Exception):
    """The view {view} still differs after it was mended. Nothing was changed; this is a defect: please report it."""

    def __init__(self, view: str) -> None:
        super().__init__((type(self).__doc__ or "").format(view=view))


class Rebuilding:
    """The work of a job: `views` of COMPARED, mended where they differ if `swap`; `tell` hears of left-overs."""

    def __init__(
        self, database: Database, log: Log, names: Names, catalogue: Catalogue, tell: Callable[[str], None], *,
        views: Collection[Table] = tuple(COMPARED), swap: bool, page: int = PAGE,
    ) -> None:  # fmt: skip
        self._live, self._log, self._names, self._tell = database, log, names, tell
        self._views, self._swap, self.page = views, swap, page
        self._residing = Residing(catalogue, names)
        self._of_life = bool(FROM_LIFE & set(views)) or tables.inbox in views  # which forgets who was erased
        self._of_nudges = bool(FROM_NUDGES & set(views))
        self._later = Tail(log, names, self._residing, of_life=self._of_life, of_nudges=self._of_nudges)
        self._shadow: Database | None = None

    def plan(self) -> Plan:
        """So many facts."""
        with self._live.reading() as connection:
            count = FactRecorder.last_position(connection)
        what = f"rebuild {len(self._views)} views and {'mend' if self._swap else 'compare'} the live ones"
        return Plan(what, count, "facts", A_SECOND)

    def step(self, cursor: str, save: Save) -> Step:
        """One page further, or the end. The job's cursor is the shadow's name; all else is kept in the shadow."""
        if not cursor:
            return self._begin()
        if (views := self._opened(cursor)) is None:
            self._tell("what was rebuilt so far is gone; beginning anew")
            return self._begin()
        at = self._standing(views)
        if at.stage is Stage.READY:
            return self._finish(views, cursor, save)
        with self._live.reading() as facts:
            views.write(lambda connection: _keep(connection, self._further(connection, facts, at)))
            last = FactRecorder.last_position(facts)
        return Step(cursor, min(self._standing(views).done, last), of=last)

    def _begin(self) -> Step:
        name = os.urandom(8).hex()
        if shadow.drop(self._live):
            self._tell("an earlier rebuild had left its tables behind; they are gone")
        with self._live.reading() as connection:
            upto = FactRecorder.last_position(connection)
        self._shadow = shadow.make(self._live, name)
        self._shadow.write(lambda connection: _keep(connection, Standing(Stage.FACTS, "", 0, upto)))
        return Step(name, 0, of=upto)

    def _opened(self, name: str) -> Database | None:
        self._shadow = self._shadow or shadow.opened(self._live, name)
        return self._shadow

    @staticmethod
    def _standing(views: Database) -> Standing:
        with views.reading() as connection:
            row = connection.execute(select(standing)).one()
        return Standing(Stage(row.stage), row.cursor, row.done, row.upto)

    def _further(self, views: Connection, facts: Connection, at: Standing) -> Standing:
        """The next part of a stage; how far that is."""
        work: Mapping[Stage, Callable[[Connection, Connection, Standing], Standing]] = {
            Stage.FACTS: self._one_page, Stage.NUDGES: self._some_streams, Stage.KEYS: self._one_key,
            Stage.CORRECTIONS: self._some_corrections, Stage.LOADS: self._some_loads,
            Stage.RESIDENTS: self._some_residents, Stage.TAIL: self._tail,
        }  # fmt: skip
        return work[at.stage](views, facts, at)

    def _one_page(self, views: Connection, facts: Connection, at: Standing) -> Standing:
        if not self._of_life:
            return _next(at)
        found = rebuild_facts.read(facts, self._names, int(at.cursor or 0), at.upto, self.page)
        rebuild_facts.store(views, found)
        shadow_tables.count(views, found.counts)
        return _next(at, found.read) if found.last == at.upto else _within(at, str(found.last), found.read)

    def _some_streams(self, views: Connection, facts: Connection, at: Standing) -> Standing:
        after = UUID(at.cursor) if at.cursor else None
        entries = rebuild_nudges.read(facts, after, at.upto, self.page) if self._of_nudges else []
        if not entries:
            return _next(at)
        rebuild_nudges.store(views, entries)
        return _within(at, entries[-1].originator_id.hex, len(entries))

    def _one_key(self, views: Connection, _facts: Connection, at: Standing) -> Standing:
        number = int(at.cursor or 0)
        if number == len(shadow_tables.LARGE):
            shadow_tables.sum_up(views)
            return _next(at)
        shadow_tables.index(views, shadow_tables.LARGE[number])
        return _within(at, str(number + 1))

    def _some_corrections(self, views: Connection, facts: Connection, at: Standing) -> Standing:
        after = UUID(at.cursor) if at.cursor else None
        originals = rebuild_people.originals_after(views, after, PERSONS)
        if not originals:
            return _next(at)
        rebuild_people.join(views, facts, self._log, originals)
        return _within(at, originals[-1].hex)

    def _some_loads(self, views: Connection, facts: Connection, at: Standing) -> Standing:
        moved = self._log.page(facts, int(at.cursor or 0), at.upto, (AheadMoved.TOPIC,), PERSONS)
        if not moved or not self._of_life:
            return _next(at)
        rebuild_people.move(views, facts, self._log, moved)
        return _within(at, str(moved[-1].position))

    def _some_residents(self, views: Connection, facts: Connection, at: Standing) -> Standing:
        if not at.cursor:
            erased.forget(views)
        wanted = tables.residents in self._views
        persons = rebuild_people.persons_after(views, self._residing.types, at.cursor, PERSONS) if wanted else []
        if not persons:
            return _next(at)
        rebuild_people.house(views, facts, self._log, self._residing, persons)
        return _within(at, persons[-1])

    def _tail(self, views: Connection, facts: Connection, at: Standing) -> Standing:
        after, last = int(at.cursor or at.upto), FactRecorder.last_position(facts)
        if after == last:
            return Standing(Stage.READY, str(after), at.done, at.upto)
        upto = min(last, after + self.page)
        self._later.take(views, facts, after, upto)
        return _within(at, str(upto), upto - after)

    def _finish(self, views: Database, name: str, save: Save) -> Step:
        with quiet(self._live, views, (*COMPARED, tables.positions, log_table)) as (live, of):
            Follower(self._live, self._log).catch_up(live)
            position = self._last_of(views)
            found = Rebuilt(
                position, {each.name: difference(live, of, each) for each in COMPARED if each in self._views}
            )
            if self._swap:
                for table in (each for each in COMPARED if found.differences.get(each.name)):
                    mend(live, of, table)
                    if difference(live, of, table):
                        raise NotMended(table.name)
            step = Step(name, position, of=position, finished=True, words=msgspec.json.encode(found).decode())
            save(live, step)
        self.abandon()
        return step

    def _last_of(self, views: Database) -> int:
        """Take in what came meanwhile; nothing more can come."""
        at = Standing(Stage.TAIL, self._standing(views).cursor, 0, 0)
        while at.stage is Stage.TAIL:
            with self._live.reading() as facts:
                at = views.write(lambda connection: _keep(connection, self._tail(connection, facts, at)))  # noqa: B023  (runs at once)
        return int(at.cursor)

    def abandon(self) -> None:
        """Leave no shadow behind."""
        if self._shadow is not None:
            self._shadow.close()
            self._shadow = None
        shadow.drop(self._live)


def _next(at: Standing, count: int = 0) -> Standing:
    return Standing(Stage(at.stage + 1), "", at.done + count, at.upto)


def _within(at: Standing, cursor: str, count: int = 0) -> Standing:
    return Standing(at.stage, cursor, at.done + count, at.upto)


def _keep(views: Connection, at: Standing) -> Standing:
    kept: dict[str, Any] = {name: getattr(at, name) for name in Standing.__struct_fields__}
    views.execute(standing.update().values(kept))
    return at
