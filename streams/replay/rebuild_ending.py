"""The end of a rebuild: compare as of one moment, mend the rows that differ, and compare again.

Writers are locked out only while differing rows are mended, however long the log is.
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
"""The unit of progress during the comparison."""
ROUNDS = 3
"""Rounds of mending. A further round finds what others derived meanwhile from a wrong row."""


NOTED = {tables.governance: governance.note_mended, tables.area_plans: area_plans.note_mended}
"""View -> the function that tells processes with a cached copy that it was mended."""


class Rebuilt(Struct, frozen=True):
    """The result of a rebuild as of `position`. `differences`: view -> rows that only one of the two had."""

    position: int
    differences: Mapping[str, int]

    @property
    def equal(self) -> bool:
        """True if rebuilt and live views were equal."""
        return not any(self.differences.values())


class Cursor(Struct, frozen=True):
    """The cursor of the job: the name of its shadow, which stores the progress, and view -> rows mended so far."""

    shadow: str
    mended: Mapping[str, int] = {}

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Parse a cursor."""
        shadow, _, mended = text.partition(" ")
        return cls(shadow, msgspec.json.decode(mended, type=dict[str, int]) if mended else {})

    def __str__(self) -> str:
        return f"{self.shadow} {msgspec.json.encode(self.mended).decode()}" if self.mended else self.shadow

    def with_mended(self, found: Mapping[str, int]) -> "Cursor":
        """Return the cursor with more rows mended."""
        return Cursor(self.shadow, {name: count + self.mended.get(name, 0) for name, count in found.items()})


class NotMended(Exception):
    """Raised when a view still differs after it was mended."""

    def __init__(self, view: str) -> None:
        super().__init__(f"The view {view} still differs after it was mended. This is a defect: please report it.")


class Ending:
    """Compares the `chosen` views, and with `swap` mends the live ones."""

    def __init__(self, live: Database, log: Log, chosen: Collection[Table], *, swap: bool) -> None:
        self._live, self._log, self._chosen, self._swap = live, log, chosen, swap
        self._comparing: Comparing | None = None
        self._rounds = 0

    def step(self, views: Database, at: Cursor, take_in: Callable[[], int], save: Save, page: int) -> Step:
        """Compare some more ranges, or mend the differences. `take_in`: see `looking`; `page`: see `Comparing`."""
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
        """Mend while nobody else writes; the next step compares again."""
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
        """End the comparison; a later step begins another."""
        if self._comparing is not None:
            self._comparing.close()
            self._comparing = None
