"""The chain in the database: its blocks, and the facts under them as they are stored, none of them opened."""

from contextlib import closing
from functools import cache
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, type_coerce
from sqlalchemy.types import NullType

from domain.facts.chain import BEGINNING, Block
from projections.bulk import insert_rows
from projections.spelled import Query
from streams.storage.tables import blocks, log

StoredFact = tuple[int, bytes, int, str, bytes]
"""Position, stream, version in it, topic, state."""
CodedRow = tuple[int, bytes, int, str, bytes, bytes | None]
"""The same, and the row's code."""


class Chained(NamedTuple):
    """A block with the signature under its head, and the id of the key that signed."""

    block: Block
    signature: bytes
    signer: bytes


_PLAIN = [each for each in blocks.columns if each.name != "marks"]


def latest(connection: Connection) -> Block:
    """The newest block, or BEGINNING."""
    row = connection.execute(select(*_PLAIN).order_by(blocks.c.number.desc()).limit(1)).first()
    return BEGINNING if row is None else Block(*row[:8])


def count_of_facts(connection: Connection) -> int:
    """How many facts are in blocks."""
    return int(connection.execute(select(func.coalesce(func.sum(blocks.c.count), 0))).scalar_one())


def chained(connection: Connection, number: int, limit: int) -> list[Chained]:
    """So many blocks at most, from that number on."""
    query = select(*_PLAIN).where(blocks.c.number >= number).order_by(blocks.c.number).limit(limit)
    return [Chained(Block(*row[:8]), row[8], row[9]) for row in connection.execute(query)]


def over(connection: Connection, position: int) -> Chained | None:
    """The block whose facts that position is among, if it is chained."""
    query = select(*_PLAIN).where(blocks.c.after < position, blocks.c.upto >= position).limit(1)
    row = connection.execute(query).first()
    return None if row is None else Chained(Block(*row[:8]), row[8], row[9])


def marks_of(connection: Connection, number: int) -> bytes:
    """The marks of a block's facts."""
    return connection.execute(select(blocks.c.marks).where(blocks.c.number == number)).scalar() or b""


def store(connection: Connection, one: Chained, marks: bytes) -> None:
    """One more block."""
    block = one.block
    insert_rows(
        connection,
        blocks,
        [
            (
                block.number,
                block.after,
                block.upto,
                block.count,
                block.at,
                block.previous,
                block.root,
                block.marks,
                one.signature,
                one.signer,
                marks,
            )
        ],
    )


def coded_rows(
    connection: Connection, after: int, *, upto: int | None = None, limit: int | None = None
) -> list[CodedRow]:
    """The rows after a position as the driver gives them, in the order of the log; no code is looked at."""
    query = _stored(connection.dialect.name).add_columns(type_coerce(log.c.code, NullType))
    query = query.where(log.c.position > after)
    query = query if upto is None else query.where(log.c.position <= upto)
    with closing(connection.execute(query.order_by(log.c.position).limit(limit))) as result:
        cursor: Any = result.cursor
        return list(cursor.fetchall())  # at once: a block's facts are needed together, and a step a row costs as much


def fact_at(connection: Connection, position: int) -> StoredFact | None:
    """The fact at that position, if there is one."""
    return cast("StoredFact | None", _at(connection.dialect.name).first(connection, at=position))


@cache
def _stored(dialect: str) -> Select[Any]:
    return select(
        log.c.position, _stream(dialect), log.c.originator_version, log.c.topic, type_coerce(log.c.state, NullType)
    )


@cache
def _at(dialect: str) -> Query:
    return Query(_stored(dialect).where(log.c.position == bindparam("at", type_=log.c.position.type)))


def _stream(dialect: str) -> ColumnElement[Any]:
    """The stream's 16 bytes; PostgreSQL's driver would make a UUID of each."""
    if dialect == "sqlite":
        return type_coerce(log.c.originator_id, NullType())
    return func.uuid_send(log.c.originator_id)
