"""The end of a rebuild: compared as of one moment, mended by what differs, and compared again.

Writers are held off for as long as it takes to mend what differs, however long the log is.
"""

from collections.abc import Callable, Collection, Mapping

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Table

from projections import area_plans, governance, tables
from streams.log.log import Log
from streams.queues.jobs import Save, Step
from streams.replay.follower import Follower
from streams.replay.rebuild_compare import COMPARED, mend, unmended
from streams.replay.rebuild_comparing import Comparing, looking
from streams.replay.shadow import Beside, quiet
from streams.storage.database import Database
from streams.storage.tables import log as log_table

ROWS = "rows to compare"
"""What is counted meanwhile."""
ROUNDS = 3
"""How often the views are mended at most: what others made of a wrong row meanwhile is found the next time."""


NOTED = {tables.governance: governance.note_mended, tables.area_plans: area_plans.note_mended}
"""View -> what tells those who have something of it at hand that it was mended."""


class Rebuilt(Struct, frozen=True):
    """`position`: up to which fact; `differences`: view -> rows that only one of the two had."""

    position: int
    differences: Mapping[str, int]

    @property
    def equal(self) -> bool:
        """The rebuilt views say what the live ones said."""
        return not any(self.differences.values())


class Cursor(Struct, frozen=True):
    """The job's: the name of its shadow, in which all else is kept, and how many rows were mended by now."""

    shadow: str
    mended: Mapping[str, int] = {}

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """As it was written."""
        shadow, _, mended = text.partition(" ")
        return cls(shadow, msgspec.json.decode(mended, type=dict[str, int]) if mended else {})

    def __str__(self) -> str:
        return f"{self.shadow} {msgspec.json.encode(self.mended).decode()}" if self.mended else self.shadow

    def with_mended(self, found: Mapping[str, int]) -> "Cursor":
        """With more rows mended."""
        return Cursor(self.shadow, {name: count + self.mended.get(name, 0) for name, count in found.items()})


class NotMended(Exception):
    """The view {view} still differs after it was mended. This is a defect: please report it."""

    def __init__(self, view: str) -> None:
        super().__init__((type(self).__doc__ or "").format(view=view))


class Ending:
    """Compares `chosen` views, and mends the live ones where they differ if `swap`."""

    def __init__(self, live: Database, log: Log, chosen: Collection[Table], *, swap: bool) -> None:
        self._live, self._log, self._chosen, self._swap = live, log, chosen, swap
        self._comparing: Comparing | None = None
        self._rounds = 0

    def step(self, views: Database, at: Cursor, take_in: Callable[[], int], save: Save, page: int) -> Step:
        """Compare some more, or mend what was found; `take_in`: see `looking`, `page`: see `Comparing`."""
        if self._comparing is None:
            found = looking(self._live, views, self._log, take_in)
            self._comparing = Comparing(views, self._chosen, found, page)
        comparing = self._comparing
        if comparing.further():
            done = min(comparing.done, comparing.of)
            return Step(str(at), done, of=comparing.of, unit=ROWS)
        self.rest()
        differs = any(comparing.found.values())
        if differs and self._swap:
            return self._mend(views, at.with_mended(comparing.found), take_in, save)
        return self._end(at.with_mended(comparing.found), comparing.position, save)

    def _end(self, at: Cursor, position: int, save: Save) -> Step:
        words = msgspec.json.encode(Rebuilt(position, at.mended)).decode()
        step = Step(str(at), position, of=position, finished=True, words=words, unit="facts")
        self._live.write(lambda connection: save(connection, step))
        return step

    def _mend(self, views: Database, at: Cursor, take_in: Callable[[], int], save: Save) -> Step:
        """While nobody else writes; then all is compared again."""
        self._rounds += 1
        follower = Follower(self._live, self._log)
        follower.drain()
        take_in()
        with quiet(self._live, views, (*COMPARED, tables.positions, log_table)) as (live, of):
            follower.catch_up(live)
            position = take_in()
            for table in (each for each in COMPARED if at.mended.get(each.name)):
                self._mend_one(live, of, table)
            for view, note in NOTED.items():
                if at.mended.get(view.name):
                    note(live)
            step = Step(str(at), position, of=position, unit="facts")
            save(live, step)
        return step

    def _mend_one(self, live: Connection, of: Beside, table: Table) -> None:
        mend(live, of, table)
        if self._rounds > ROUNDS or unmended(live, of, table):
            raise NotMended(table.name)

    def rest(self) -> None:
        """Let go of the moment as of which is compared: who goes on takes another."""
        if self._comparing is not None:
            self._comparing.close()
            self._comparing = None
