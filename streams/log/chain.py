"""The chain in the database: its blocks, and the stored rows of the log that they cover, not decoded."""

from contextlib import closing
from functools import cache
from typing import Any, NamedTuple, cast

from msgspec.structs import astuple
from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, type_coerce
from sqlalchemy.types import NullType

from domain.core.ids import Position
from domain.facts.chain import BEGINNING, Block
from projections.bulk import insert_rows
from streams.storage.tables import blocks, log

StoredFact = tuple[Position, bytes, int, str, bytes]
"""Position, stream, version in it, topic, state."""
CodedRow = tuple[Position, bytes, int, str, bytes, bytes | None]
"""A stored fact, and the code of its row."""


class SignedBlock(NamedTuple):
    """A block with the signature under its head, and the id of the key that signed."""

    block: Block
    signature: bytes
    signer: bytes


_PLAIN = [column for column in blocks.columns if column.name != "marks"]


def latest(connection: Connection) -> Block:
    """Return the newest block, or BEGINNING."""
    row = connection.execute(select(*_PLAIN).order_by(blocks.c.number.desc()).limit(1)).first()
    return BEGINNING if row is None else Block(*row[:8])


def count_of_facts(connection: Connection) -> int:
    """Return the number of facts in all blocks."""
    return int(connection.execute(select(func.coalesce(func.sum(blocks.c.count), 0))).scalar_one())


def blocks_from(connection: Connection, number: int, limit: int) -> list[SignedBlock]:
    """Return up to `limit` blocks from that number on."""
    query = select(*_PLAIN).where(blocks.c.number >= number).order_by(blocks.c.number).limit(limit)
    return [SignedBlock(Block(*row[:8]), row[8], row[9]) for row in connection.execute(query)]


def block_of(connection: Connection, position: int) -> SignedBlock | None:
    """Return the block that covers the position, or None where there is none yet."""
    query = select(*_PLAIN).where(blocks.c.after < position, blocks.c.upto >= position).limit(1)
    row = connection.execute(query).first()
    return None if row is None else SignedBlock(Block(*row[:8]), row[8], row[9])


def marks_of(connection: Connection, number: int) -> bytes:
    """Return the marks of a block's facts."""
    return connection.execute(select(blocks.c.marks).where(blocks.c.number == number)).scalar() or b""


def store(connection: Connection, one: SignedBlock, marks: bytes) -> None:
    """Append a block."""
    insert_rows(connection, blocks, [(*astuple(one.block), one.signature, one.signer, marks)])


def coded_rows(
    connection: Connection, after: int, *, upto: int | None = None, limit: int | None = None
) -> list[CodedRow]:
    """Return the rows after a position as the driver gives them, in the order of the log; codes are not checked."""
    query = _stored(connection.dialect.name).add_columns(type_coerce(log.c.code, NullType))
    query = query.where(log.c.position > after)
    query = query if upto is None else query.where(log.c.position <= upto)
    with closing(connection.execute(query.order_by(log.c.position).limit(limit))) as result:
        cursor: Any = result.cursor
        return list(cursor.fetchall())  # all at once: row by row would double the time


def fact_at(connection: Connection, position: int) -> StoredFact | None:
    """Return the fact at that position, or None."""
    row = connection.execute(_at(connection.dialect.name), {"at": position}).first()
    return None if row is None else cast("StoredFact", tuple(row))


@cache
def _stored(dialect: str) -> Select[Any]:
    return select(
        log.c.position, _stream(dialect), log.c.originator_version, log.c.topic, type_coerce(log.c.state, NullType)
    )


@cache
def _at(dialect: str) -> Select[Any]:
    return _stored(dialect).where(log.c.position == bindparam("at", type_=log.c.position.type))


def _stream(dialect: str) -> ColumnElement[Any]:
    """Return the column of the stream's 16 bytes; PostgreSQL's driver would make a UUID of each."""
    if dialect == "sqlite":
        return type_coerce(log.c.originator_id, NullType())
    return func.uuid_send(log.c.originator_id)
