"""Gives codes to the rows of a log that is older than codes, and notes how many of them no signed block proves."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select, update

from domain.facts.chain import is_coded, leaf, marked, root
from projections.bulk import insert_rows
from streams.log import chain
from streams.log.chain import CodedRow, SignedBlock
from streams.log.row_codes import RowCodes, codes_of
from streams.log.signing import key_id, signed_by
from streams.storage.advisory_locks import APPEND_LOCK, take_turns
from streams.storage.tables import log, log_coded

PAGE = 1000


class CodesLost(Exception):
    """Raised when rows have codes but the note of the first codes is gone."""

    def __init__(self) -> None:
        super().__init__(
            "The log's rows had keyed codes, and the note of that is gone: somebody altered the database. `habarshy"
            " audit verify` names what was altered. Keep the database as it is, and restore it from a backup."
        )


class FirstCodes(Struct, frozen=True):
    """The last position of the facts that are older than codes, their count, and the count that no block proved."""

    upto: int
    facts: int
    unproven: int


def first_codes(connection: Connection) -> FirstCodes | None:
    """Return the note made when the log got its codes; None without one, or where its own code is not valid."""
    row = connection.execute(select(log_coded)).first()
    if row is None or codes_of(connection).note_code(row[1:4]) != row.code:
        return None
    return FirstCodes(*row[1:4])


def is_noted(connection: Connection) -> bool:
    """Return whether the log got its codes."""
    return connection.execute(select(log_coded.c.number)).first() is not None


def is_empty(connection: Connection) -> bool:
    """Return whether the log has no row."""
    return connection.execute(select(log.c.position).limit(1)).first() is None


def give_codes(connection: Connection) -> FirstCodes | None:
    """Give each stored fact its code, once; return None where that was done before.

    A row of a block that our key signed gets a code only if it is what was signed; an added or changed row gets none.
    A row in no such block gets one as it is, and is counted as not proven.

    Raises:
        CodesLost: the rows had codes before.
    """
    take_turns(connection, APPEND_LOCK)
    if is_noted(connection):
        return None
    codes = codes_of(connection)
    if connection.execute(select(log.c.position).where(log.c.code.is_not(None)).limit(1)).first() is not None:
        raise CodesLost
    after, facts, unproven, number = 0, 0, 0, 1
    while found := chain.blocks_from(connection, number, 1):
        one, number = found[0], found[0].block.number + 1
        loose = _code_unproven(connection, codes, after, one.block.after)
        rows = chain.coded_rows(connection, one.block.after, upto=one.block.upto)
        proven = _proven(connection, codes, one, rows)
        _code(connection, codes, rows if proven is None else proven)
        facts += loose + len(rows if proven is None else proven)
        unproven += loose + (len(rows) if proven is None else 0)
        after = one.block.upto
    loose = _code_unproven(connection, codes, after, None)
    upto = connection.execute(select(log.c.position).order_by(log.c.position.desc()).limit(1)).scalar() or 0
    done = FirstCodes(upto, facts + loose, unproven + loose)
    parts = (done.upto, done.facts, done.unproven)
    insert_rows(connection, log_coded, [(1, *parts, codes.note_code(parts))])
    return done


def _proven(
    connection: Connection, codes: RowCodes, one: SignedBlock, rows: Sequence[CodedRow]
) -> list[CodedRow] | None:
    """Return the rows that the block proves; None where our key did not sign it.

    Raises:
        CodesLost: the block was made from rows with codes.
    """
    block = one.block
    if not codes.public or one.signer != key_id(codes.public):
        return None
    if not signed_by(codes.public, one.signature, block.head):
        return None
    marks = chain.marks_of(connection, block.number)
    if is_coded(marks):
        raise CodesLost
    leaves = [leaf(*row[:5]) for row in rows]
    if len(rows) == block.count and root(leaves) == block.root:
        return list(rows)
    kept = {marks[at : at + 16] for at in range(0, len(marks), 16)}
    return [row for row, one_leaf in zip(rows, leaves, strict=True) if marked([row[0]], [one_leaf]) in kept]


def _code_unproven(connection: Connection, codes: RowCodes, after: int, upto: int | None) -> int:
    """Give codes to the rows of that range, which no block proves; return their count."""
    count = 0
    while rows := chain.coded_rows(connection, after, upto=upto, limit=PAGE):
        _code(connection, codes, rows)
        count, after = count + len(rows), rows[-1][0]
    return count


def _code(connection: Connection, codes: RowCodes, rows: Sequence[CodedRow]) -> None:
    if rows:
        statement = update(log).where(log.c.position == bindparam("at")).values(code=bindparam("its"))
        connection.execute(statement, [{"at": row[0], "its": codes.code(*row[:5])} for row in rows])
