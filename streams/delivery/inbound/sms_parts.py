"""Long SMS: the pieces wait in the database for each other, whichever processes they come to.

Only one process at a time stores a piece of a message. The one with the last piece puts the message together, in the
transaction that ends the pieces. For a while a row is left of each, so that a repeated piece is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple, Protocol
from uuid import uuid4

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update

from domain.core.ids import Names
from notifiers.port.interface import Incoming, Piece
from projections.bulk import change_with, insert_rows
from projections.tables import micros
from streams.log.person_keys import PersonKey, PersonKeys, Sealing
from streams.queues.dead_letters import mentions
from streams.rules.context import EventWriter, WriteContext
from streams.rules.in_force import Rules
from streams.storage.advisory_locks import take_turns
from streams.storage.database import Priority
from streams.storage.errors import SYSTEM_ERRORS
from streams.storage.tables import pieces

MOST_PER_ROUND = 1000
MISSING_PIECE = "…"
"""Stands in a message for each piece that never came."""
NewKeys = Mapping[str, PersonKey]
"""Keys that a transaction made: to be remembered once it is committed."""
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, str]).decode


class Receiver(Protocol):
    """Takes a message once it is whole."""

    def possible_senders(self, connection: Connection, sender: str, rules: Rules) -> Sequence[str]:
        """Return the possible senders for a number, likeliest first; none if it is unknown."""

    def receive_within(
        self, connection: Connection, provider: str, message: Incoming, rules: Rules
    ) -> NewKeys | None:
        """Store the message and do what it says, in the caller's transaction; None: the number is unknown."""


class _Piece(NamedTuple):
    message: bytes
    number: int
    digest: bytes
    provider: str
    total: int
    until: int
    again: int
    person: str | None
    sealed: bytes | None


class SmsReassembly(EventWriter):
    """Keeps pieces until they are a message, or until their time is over."""

    def __init__(self, context: WriteContext, receiver: Receiver) -> None:
        super().__init__(context)
        self._receiver, self._sealing = receiver, Sealing(context.log.keys)

    def take(self, provider: str, piece: Piece) -> None:
        """Store a piece; the last one completes its message. The same piece again changes nothing.

        A piece that cannot belong to the waiting ones, as their reference is used again, ends their message.
        """
        name = self._names.long_sms(provider, piece.sender, piece.receiver, piece.reference, piece.total)
        rules = self._library.rules()
        self._write(lambda connection: self._take(connection, name, provider, piece, rules), Priority.DISPATCH)

    def give_up(self) -> int:
        """Make messages of incomplete ones whose time is over; return how many there were.

        A defect in one of them stops no other.
        """
        rules, done, failures = self._library.rules(), 0, []
        for name in self._over():
            try:
                done += self._write(partial(self._give_up, name=name, rules=rules), Priority.DISPATCH)
            except SYSTEM_ERRORS:
                raise
            except Exception as error:  # noqa: BLE001  (it is raised once the others are done)
                failures.append(error)
        if failures:
            raise failures[0]
        return done

    def _over(self) -> Sequence[bytes]:
        """Return the messages of which no piece came for as long as their patience lasts."""
        column, waits, now = pieces.c.message, pieces.c.sealed.is_not(None), micros(self._clock())
        late = select(column).where(waits, pieces.c.until <= now)
        query = select(column).where(column.in_(late), waits).group_by(column).having(func.max(pieces.c.until) <= now)
        with self._database.reading() as connection:
            return connection.execute(query.limit(MOST_PER_ROUND)).scalars().all()

    def _take(self, connection: Connection, name: bytes, provider: str, piece: Piece, rules: Rules) -> NewKeys:
        person = self._hold(connection, name, piece.sender, rules)
        now, made = self._clock(), dict[str, PersonKey]()
        connection.execute(delete(pieces).where(pieces.c.message == name, _is_over(now)))
        rows, digest = _rows(connection, pieces.c.message == name), self._names.piece_hash(piece.number, piece.text)
        if digest in {row.digest for row in rows}:
            return {}
        waiting = [row for row in rows if row.sealed is not None]
        if waiting and (_is_ended(waiting, now) or piece.number in {row.number for row in waiting}):
            made |= self._go_on(connection, waiting, rules)
            waiting = []
        waiting.append(self._kept(connection, name, provider, piece, person))
        if len(waiting) == piece.total:
            made |= self._go_on(connection, waiting, rules)
        return made

    def _give_up(self, connection: Connection, name: bytes, rules: Rules) -> NewKeys | None:
        opened = _opened(connection, self._sealing, _rows(connection, pieces.c.message == name))
        sender = next((sender for sender, _ in opened.values()), "")
        self._hold(connection, name, sender, rules)
        waiting = [row for row in _rows(connection, pieces.c.message == name) if row.sealed is not None]
        if not waiting or not _is_ended(waiting, self._clock()):
            return None
        return self._go_on(connection, waiting, rules)

    def _hold(self, connection: Connection, name: bytes, sender: str, rules: Rules) -> str | None:
        """Lock the message and its possible senders, persons before all else; return the likeliest sender."""
        writers = self._receiver.possible_senders(connection, sender, rules)
        known = {row.person for row in _rows(connection, pieces.c.message == name) if row.person is not None}
        self._log.keys.hold(connection, known.union(writers))
        take_turns(connection, int.from_bytes(name[:8], signed=True))
        first = writers[:1]
        return next(iter(self._log.keys.load(connection, first)), None)  # None if they were erased meanwhile

    def _kept(self, connection: Connection, name: bytes, provider: str, piece: Piece, person: str | None) -> _Piece:
        digest = self._names.piece_hash(piece.number, piece.text)
        sealed = self._sealing.seal(connection, _encode((piece.sender, piece.text)), digest, person)
        until = micros(self._clock() + piece.patience)
        again = piece.again // _MICROSECOND
        row = _Piece(name, piece.number, digest, provider, piece.total, until, again, person, sealed)
        insert_rows(connection, pieces, [row])
        return row

    def _go_on(self, connection: Connection, waiting: Sequence[_Piece], rules: Rules) -> NewKeys:
        """Make a message of the pieces that came; their rows stay for a while without contents."""
        one, opened = waiting[0], _opened(connection, self._sealing, waiting)
        these = (pieces.c.message == one.message, pieces.c.sealed.is_not(None))
        until = micros(self._clock()) + pieces.c.again
        connection.execute(update(pieces).where(*these).values(sealed=None, until=until))
        if not opened:
            return {}
        text = "".join(opened[number][1] if number in opened else MISSING_PIECE for number in range(1, one.total + 1))
        sender = next(iter(opened.values()))[0]
        return (
            self._receiver.receive_within(connection, one.provider, Incoming(uuid4().hex, sender, text), rules) or {}
        )


def _rows(connection: Connection, *these: ColumnElement[bool]) -> list[_Piece]:
    query = select(*(pieces.c[field] for field in _Piece._fields)).where(*these)
    return [_Piece(*row) for row in connection.execute(query.order_by(pieces.c.message, pieces.c.number))]


def _opened(connection: Connection, sealing: Sealing, rows: Iterable[_Piece]) -> dict[int, tuple[str, str]]:
    """Return number -> sender and text, of the pieces that can be read."""
    found = {
        row.number: sealing.open(connection, row.sealed, row.digest, row.person)
        for row in rows
        if row.sealed is not None
    }
    return {number: _decode(content) for number, content in found.items() if content is not None}


def _is_ended(waiting: Sequence[_Piece], now: datetime) -> bool:
    return max(row.until for row in waiting) <= micros(now)


def _is_over(now: datetime) -> ColumnElement[bool]:
    """Match pieces that are dealt with, and that the network no longer repeats."""
    return and_(pieces.c.sealed.is_(None), pieces.c.until <= micros(now))


def tidy(connection: Connection, now: datetime) -> None:
    """Delete pieces that are dealt with, and that the network no longer repeats."""
    connection.execute(delete(pieces).where(_is_over(now)))


def forget(connection: Connection, keys: PersonKeys, names: Names, person: str) -> int:
    """Delete an erased person's pieces, also those whose text names them; return how many rows."""
    rows = _rows(connection, pieces.c.person.is_(None))
    texts = {
        name: "".join(words for _, words in _opened(connection, Sealing(keys), theirs).values())
        for name, theirs in groupby(rows, attrgetter("message"))
    }
    naming = [name for name, text in texts.items() if mentions(text.encode(), names, person)]
    gone = connection.execute(delete(pieces).where(pieces.c.person == person)).rowcount
    return gone + change_with(connection, delete(pieces), pieces.c.message, naming)
