"""Idempotency keys: a request repeated under the same key is executed once and gets the same answer again."""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from projections.bulk import inserting
from projections.tables import micros
from streams.storage.database import Database, Priority
from streams.storage.tables import repeats

KEPT = timedelta(hours=24)
"""An answer is repeated for this long."""
UNDER_WAY = timedelta(minutes=2)
"""A request without an answer counts as in progress for this long; then its process must have died."""


class StoredResponse(Struct, frozen=True):
    """The answer to a request."""

    status: int
    media_type: str
    body: bytes


class KeyReused(Exception):
    """Raised when a key comes with another request than the first one."""


class RequestInProgress(Exception):
    """Raised when the same request is being executed."""


class IdempotencyKeys:
    """Keeps answers; `key` and `request` are keyed hashes, so that no content of a request is kept."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def begin(self, key: bytes, request: bytes) -> StoredResponse | None:
        """Return the answer that this request got before, or None where it is to be executed now.

        Raises:
            KeyReused: the key belongs to another request.
            RequestInProgress: the request is being executed.
        """
        return self._database.write(lambda connection: self._begin(connection, key, request), Priority.INTAKE)

    def _begin(self, connection: Connection, key: bytes, request: bytes) -> StoredResponse | None:
        now = self._clock()
        connection.execute(delete(repeats).where(repeats.c.key == key, _over(now)))
        row = inserting(connection, repeats).values(key=key, request=request, at=micros(now)).on_conflict_do_nothing()
        if connection.execute(row.returning(repeats.c.key)).first() is not None:
            return None
        before = connection.execute(select(repeats).where(repeats.c.key == key)).one()
        if before.request != request:
            raise KeyReused("The key belongs to another request; choose a new key for a new request.")
        if before.status is None:
            raise RequestInProgress("The same request is being processed right now; try again in a moment.")
        return StoredResponse(before.status, before.media_type, before.body)

    def end(self, key: bytes, answered: StoredResponse) -> None:
        """Keep the answer."""
        values = {"status": answered.status, "media_type": answered.media_type, "body": answered.body}
        done = update(repeats).where(repeats.c.key == key).values(**values)
        self._database.write(lambda connection: connection.execute(done), Priority.INTAKE)

    def forget(self, key: bytes) -> None:
        """Release the key, because the request had no effect: it may be executed again."""
        gone = delete(repeats).where(repeats.c.key == key)
        self._database.write(lambda connection: connection.execute(gone), Priority.INTAKE)


def tidy(connection: Connection, now: datetime) -> None:
    """Delete expired keys."""
    connection.execute(delete(repeats).where(_over(now)))


def _over(now: datetime) -> ColumnElement[bool]:
    """Return the condition for old answers, and for requests whose process must have died."""
    stuck = and_(repeats.c.status.is_(None), repeats.c.at <= micros(now - UNDER_WAY))
    return or_(stuck, repeats.c.at <= micros(now - KEPT))
