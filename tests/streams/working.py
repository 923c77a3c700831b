"""A job's work for tests: counts to a number, writes each count to the database, does what it is told between."""

from collections import deque
from collections.abc import Callable

from sqlalchemy import Connection

from projections import positions
from streams.database import Database
from streams.jobs import Plan, Save, Step

READER = "counting"


class Counting:
    """Counts to `upto`, one a step; `meanwhile`: what happens in its first, second… step, before it is written."""

    def __init__(self, database: Database, upto: int = 3) -> None:
        self.database, self.upto, self.abandoned = database, upto, 0
        self.meanwhile: deque[Callable[[], object]] = deque()

    def plan(self) -> Plan:
        """So many."""
        return Plan("count", self.upto, "numbers", 10)

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

    def abandon(self) -> None:
        """Nothing is left behind."""
        self.abandoned += 1

    @property
    def counted(self) -> int:
        """How far it has come, by what it wrote."""
        with self.database.reading() as connection:
            return positions.position_of(connection, READER)
