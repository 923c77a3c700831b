"""A job's work for tests: counts to a number, writes each count to the database, does what it is told between."""

from collections import deque
from collections.abc import Callable

from sqlalchemy import Connection

from projections import positions
from streams.queues.jobs import Plan, Save, Step, Work
from streams.storage.database import Database

READER = "counting"


def counted_by_many(made: Callable[[], Work]) -> Plan:
    """What it would do, each part of it counted by another process."""
    found = made().count("")
    while isinstance(found, Step):
        found = made().count(found.cursor)
    return found


class Counting:
    """Counts to `upto`, one a step; `meanwhile`: what happens in its first, second… step, before it is written.

    `looks`: what happens in each of the looks that it takes to say how many; `seen`: those that were taken.
    """

    def __init__(self, database: Database, upto: int = 3) -> None:
        self.database, self.upto, self.abandoned = database, upto, 0
        self.meanwhile: deque[Callable[[], object]] = deque()
        self.looks: deque[Callable[[], object]] = deque()
        self.seen: list[int] = []
        self.rules: int | None = None

    def count(self, cursor: str) -> Step | Plan:
        """So many, in as many looks as there are `looks`."""
        if not self.looks:
            return Plan("count", self.upto, "numbers", 10, self.rules)
        self.looks.popleft()()
        seen = int(cursor or 0) + 1
        self.seen.append(seen)
        return Step(str(seen), seen, of=seen + len(self.looks), unit="looks")

    def step(self, cursor: str, save: Save) -> Step:
        """The next number, kept with the step."""
        if self.meanwhile:
            self.meanwhile.popleft()()
        number = int(cursor or 0) + 1
        step = Step(str(number), number, finished=number == self.upto, words="counted" if number == self.upto else "")

        def write(connection: Connection) -> None:
            positions.save(connection, READER, number)
            save(connection, step)

        self.database.write(write)
        return step

    def rest(self) -> None:
        """Nothing is held."""

    def abandon(self) -> None:
        """Nothing is left behind."""
        self.abandoned += 1

    @property
    def counted(self) -> int:
        """How far it has come, by what it wrote."""
        with self.database.reading() as connection:
            return positions.position_of(connection, READER)
