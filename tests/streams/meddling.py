"""A database in which something happens at the worst moment: just before a read, just before a write, or in it."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection

from streams.database import Database, Priority

T = TypeVar("T")
Meanwhile = Callable[[], object]


class PowerCut(Exception):
    """The transaction was not committed."""


def nothing() -> None:
    """What happens at a moment that the test is not about."""


class MeddledDatabase(Database):
    """The database of a test's World, as one part of the platform has it.

    `before_reads`, `before_writes`: what happens before the first, the second... of them; `cut`: the next write
    does all of its work and is then not committed.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.before_reads: deque[Meanwhile] = deque()
        self.before_writes: deque[Meanwhile] = deque()
        self.cut = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read, after what comes first."""
        _next(self.before_reads)()
        with super().reading() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T], priority: Priority = Priority.INTAKE) -> T:
        """Write, after what comes first."""
        _next(self.before_writes)()
        return super().write(self._then_cut(work) if self.cut else work, priority)

    def _then_cut(self, work: Callable[[Connection], T]) -> Callable[[Connection], T]:
        self.cut = False

        def cut(connection: Connection) -> T:
            work(connection)
            raise PowerCut

        return cut


def _next(queue: deque[Meanwhile]) -> Meanwhile:
    return queue.popleft() if queue else nothing
