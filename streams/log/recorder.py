"""The log's recorder: eventsourcing's port on SQLAlchemy Core, for SQLite and PostgreSQL alike.

eventsourcing-sqlalchemy would make an ORM object for each fact; docs/decisions/0002 measures what that costs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder, IntegrityError, Notification, StoredEvent
from sqlalchemy import Connection, Select, func, select
from sqlalchemy import exc as sql

from domain.core.events import LifeEvent
from domain.core.ids import Position
from domain.facts.facts import AheadMoved
from projections.bulk import among, driver_rows, insert_rows
from streams.log import forgeries
from streams.log.row_codes import codes_of, facts_by, genuine
from streams.storage.database import Database
from streams.storage.signals import lock_log
from streams.storage.tables import log, log_rows, stream_of

PAGE = 1000
WAKING = (LifeEvent.TOPIC, AheadMoved.TOPIC)
"""The facts after which a person's plan may change. (Rules and area events wake in the database, at leisure.)"""

_LAST = select(func.max(log.c.position))
_NEWEST = log_rows.order_by(log.c.position.desc()).limit(1)
_HIGHEST = 2**53
"""No position of ours is higher. A forged row at the end of the range would leave no room after it."""

Row = tuple[UUID, int, str, bytes]
"""Stream, version in it, topic, state."""


class NoSubscription(Exception):
    """Raised for a subscription, which this recorder does not offer."""


class PlaceTaken(IntegrityError):
    """Raised when a row has the place of one of the new rows; `clear_forged` moves it away if it is forged."""

    def __init__(self, reason: str, rows: Sequence[tuple[Any, ...]]) -> None:
        super().__init__(reason)
        self._rows = rows

    def clear_forged(self, connection: Connection) -> bool:
        """Move forged rows to a table of their own; return whether there were any."""
        return forgeries.move_away(connection, self._rows, _HIGHEST) > 0


class FactRecorder(ApplicationRecorder):
    """Appends and reads stored facts; positions follow the order of commits.

    `connection`: the transaction in which the port's methods read and write; without one, each has its own.
    """

    def __init__(self, database: Database, connection: Connection | None = None) -> None:
        self._database, self._connection = database, connection

    def within(self, connection: Connection) -> "FactRecorder":
        """Return the recorder of the caller's transaction."""
        return FactRecorder(self._database, connection)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self._connection is not None:
            yield self._connection
        else:
            with self._database.reading() as connection:
                yield connection

    def append(self, connection: Connection, rows: Sequence[Row]) -> Position:
        """Append in the caller's transaction; return the position before the first row.

        This takes the append lock, the last in the order (docs/decisions/0008): afterwards lock no person and
        no nudge that is not held already.

        Raises:
            PlaceTaken (an IntegrityError): a stream already has a row of that version. `Database.write` moves it away
                if it is forged, and repeats the transaction.
        """
        with self._database.waits.labels("log").time():
            lock_log(connection, wakes=any(topic in WAKING for _, _, topic, _ in rows))
        before = FactRecorder.end(connection)
        if before >= _HIGHEST:
            raise PlaceTaken("the log has no room", [])
        coded = codes_of(connection).with_codes(before, rows)
        try:
            insert_rows(connection, log, coded)
        except sql.IntegrityError as error:
            raise PlaceTaken(str(error.orig), coded) from None
        return before

    @staticmethod
    def end(connection: Connection) -> Position:
        """Return the last position of the log, or 0, whatever stands there."""
        return Position(connection.execute(_LAST).scalar() or 0)

    @staticmethod
    def newest(connection: Connection) -> Any | None:  # noqa: ANN401  (a row)
        """Return the newest fact, as a row of the log, or None; forged rows after it do not count."""
        newest: Any | None = connection.execute(_NEWEST).first()
        valid = codes_of(connection).is_valid
        while newest is not None and not valid(newest):
            before = log_rows.where(log.c.position < newest[0]).order_by(log.c.position.desc()).limit(PAGE)
            rows = list(driver_rows(connection, before))
            newest = next(filter(valid, rows), rows[-1] if rows else None)
        return newest

    @staticmethod
    def last_position(connection: Connection) -> Position:
        """Return the position of the newest fact, or 0; forged rows after it do not count."""
        newest = FactRecorder.newest(connection)
        return Position(0 if newest is None else int(newest[0]))

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        """Append and return the positions."""
        rows = [(_uuid(one), one.originator_version, one.topic, one.state) for one in stored_events]
        if self._connection is not None:
            before = self.append(self._connection, rows)
        else:
            before = self._database.write(lambda connection: self.append(connection, rows))
        return list(range(before + 1, before + 1 + len(rows)))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[Notification]:
        """Return a stream's facts in their order, each with its position."""
        version = log.c.originator_version
        stream = originator_id if isinstance(originator_id, UUID) else UUID(originator_id)
        query = log_rows.where(log.c.originator_id == stream).limit(limit)
        query = query.order_by(version.desc() if desc else version)
        query = query if gt is None else query.where(version > gt)
        query = query if lte is None else query.where(version <= lte)
        with self._reading() as connection:
            return [_notification(row) for row in facts_by(connection, query)]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return the log from a position on."""
        after = (start or 0) - inclusive_of_start
        with self._reading() as connection:
            return [_notification(row) for row in facts_by(connection, page_of(after, limit, stop, topics))]

    def max_notification_id(self) -> int | None:
        """Return the position of the newest fact, or None."""
        with self._reading() as connection:
            return self.last_position(connection) or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> NoReturn:  # noqa: ARG002  (the port's)
        """Refuse. Raises NoSubscription."""
        raise NoSubscription("The log is followed by position (streams.replay.follower), not subscribed to.")


def page_of(after: int, limit: int | None, upto: int | None = None, topics: Sequence[str] = ()) -> Select[Any]:
    """Return the query of the rows after a position, as `log_rows` gives them."""
    query = log_rows.where(log.c.position > after).order_by(log.c.position).limit(limit)
    query = query if upto is None else query.where(log.c.position <= upto)
    return query.where(among(log.c.topic, topics)) if topics else query


def first_fact(connection: Connection, after: int, upto: int | None, topics: Sequence[str]) -> Any | None:  # noqa: ANN401  (a row)
    """Return the first fact of these topics after a position, as a row of the log."""
    while rows := list(driver_rows(connection, page_of(after, 1, upto, topics))):
        for row in genuine(connection, rows):
            return row
        after = rows[-1][0]
    return None


def _notification(row: Any) -> Notification:  # noqa: ANN401  (a row of the driver's)
    return Notification(stream_of(row[1]), row[2], row[3], row[4], id=row[0])


def _uuid(stored: StoredEvent) -> UUID:
    stream = stored.originator_id
    return stream if isinstance(stream, UUID) else UUID(stream)
