"""Requests that may come again: under one key of its sender each is done once, and answered the same from then on."""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from projections.tables import micros
from streams.storage.database import Database, Priority
from streams.storage.tables import repeats

KEPT = timedelta(hours=24)
"""How long an answer is kept for who asks again."""
UNDER_WAY = timedelta(minutes=2)
"""How long a request counts as under way: the process that had it may have died since."""


class Answered(Struct, frozen=True):
    """What a request was answered."""

    status: int
    media_type: str
    body: bytes


class OtherRequest(Exception):
    """The key belongs to another request; choose a new key for a new request."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class UnderWay(Exception):
    """The same request is being done right now; ask again in a moment."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class Repeats:
    """Remembers what was answered; `key` and `request` are keyed hashes, so that nobody's words are kept."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def begin(self, key: bytes, request: bytes) -> Answered | None:
        """What this request was answered before; None: it is to be done now.

        Raises:
            OtherRequest, UnderWay
        """
        return self._database.write(lambda connection: self._begin(connection, key, request), Priority.INTAKE)

    def _begin(self, connection: Connection, key: bytes, request: bytes) -> Answered | None:
        now = self._clock()
        connection.execute(delete(repeats).where(repeats.c.key == key, _over(now)))
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        row = insert(repeats).values(key=key, request=request, at=micros(now)).on_conflict_do_nothing()
        if connection.execute(row.returning(repeats.c.key)).first() is not None:
            return None
        before = connection.execute(select(repeats).where(repeats.c.key == key)).one()
        if before.request != request:
            raise OtherRequest
        if before.status is None:
            raise UnderWay
        return Answered(before.status, before.media_type, before.body)

    def end(self, key: bytes, answered: Answered) -> None:
        """It was answered so."""
        values = {"status": answered.status, "media_type": answered.media_type, "body": answered.body}
        done = update(repeats).where(repeats.c.key == key).values(**values)
        self._database.write(lambda connection: connection.execute(done), Priority.INTAKE)

    def forget(self, key: bytes) -> None:
        """It may be done again: nothing has come of it that holds."""
        gone = delete(repeats).where(repeats.c.key == key)
        self._database.write(lambda connection: connection.execute(gone), Priority.INTAKE)


def tidy(connection: Connection, now: datetime) -> None:
    """Let go of what is over."""
    connection.execute(delete(repeats).where(_over(now)))


def _over(now: datetime) -> ColumnElement[bool]:
    """Answers that are old, and requests that nobody can be at any more."""
    stuck = and_(repeats.c.status.is_(None), repeats.c.at <= micros(now - UNDER_WAY))
    return or_(stuck, repeats.c.at <= micros(now - KEPT))
