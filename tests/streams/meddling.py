"""A database in which something happens at the worst moment: just before a read, around a write, or in it."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from app.identity.log_codes import codes_by
from streams.storage.database import Database, Priority
from tests.beginnings import KEYRING

T = TypeVar("T")
Meanwhile = Callable[[], object]


class PowerCut(BaseException):
    """The transaction was not committed, and the process that it was of is at its end: that is nobody's failure."""


def nothing() -> None:
    """What happens at a moment that the test is not about."""


class MeddledDatabase(Database):
    """The database of a test's World, as one part of the platform has it.

    `before_reads`, `before_writes`: what happens before the first, the second... of them; `cut`: the next write
    does all of its work and is then not committed.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.use_codes(codes_by(KEYRING))
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


class Away(Database):
    """A database that is away so many times at a certain write: before its commit, or before we hear of it.

    `after_which`: it is the write after which there is some of that, and was none before.
    """

    def __init__(self, url: str, times: int, *, committed: bool, after_which: Callable[[Connection], object]) -> None:
        super().__init__(url)
        self.use_codes(codes_by(KEYRING))
        self.left, self.committed, self.after_which = times, committed, after_which

    def write(self, work: Callable[[Connection], T], priority: Priority = Priority.INTAKE) -> T:
        """Write, or be away."""
        found = False

        def watched(connection: Connection) -> T:
            nonlocal found
            before = self.after_which(connection)
            result = work(connection)
            found = self.left > 0 and not before and bool(self.after_which(connection))
            if found and not self.committed:
                self.gone()
            return result

        result = super().write(watched, priority)
        if found:
            self.gone()
        return result

    def gone(self) -> None:
        """Once more."""
        self.left -= 1
        raise OperationalError("", None, OSError("gone"))


def _next(queue: deque[Meanwhile]) -> Meanwhile:
    return queue.popleft() if queue else nothing
