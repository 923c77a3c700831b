"""The keyed code of each row of the log. Without the key, access to the database is not enough to write facts.

A row's code is a keyed BLAKE2b (RFC 7693) over its position, stream, version, topic and state. The key is derived
from the key file, never stored. Rows without a valid code are not facts: readers skip them, and `audit verify`
names them. Where a signed block says that a fact was there, the row was altered: its readers raise DamagedFact.

The codes of a process travel with its `Database`, as an option of its connections.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from hashlib import blake2b, sha256
from struct import Struct as Layout
from struct import error as LayoutError  # noqa: N812  (a lower-case class of the standard library)
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select

from domain.facts.chain import marks_position
from projections.bulk import among, chunked, driver_rows
from streams.log import chain
from streams.log.damaged import DamagedFact
from streams.log.signing import key_id, signed_by

logger = logging.getLogger("habarshy")

CODE_BYTES = 16
OPTION = "habarshy_row_codes"
_ABOUT = b"habarshy row codes/1"
_FACT = Layout(">qqH").pack
_UNUSABLE = (TypeError, AttributeError, UnicodeEncodeError, LayoutError, OverflowError)
"""Raised for a row with values of types that the log never stores."""
MOST_NAMED = 100
"""The most forged rows that a process reports in its log; `audit verify` names all."""

RowWithCode = tuple[int, Any, int, str, bytes, bytes]
"""Position, stream (a UUID or its 16 bytes), version, topic, state, code."""


class WrongCode(Exception):
    """The cause of a DamagedFact: the row's code does not match its content."""


class RowCodes(Struct, frozen=True, dict=True):
    """Makes and checks the codes. `public`: the half of the key that signs blocks; empty where there is none."""

    key: bytes
    public: bytes = b""

    @cached_property
    def seen(self) -> set[int]:
        """The positions of forged rows that this process has named in its log."""
        return set()

    def code(self, position: int, stream: UUID | bytes, version: int, topic: str, state: bytes) -> bytes:
        """Return the 16 bytes that only the holder of the key can make for this row.

        Raises:
            AttributeError, OverflowError, struct.error, TypeError, UnicodeEncodeError: the log never stores such
                values.
        """
        name = topic.encode()
        stream = stream.int.to_bytes(16) if isinstance(stream, UUID) else stream
        row = _FACT(position, version, len(name)) + stream + name + state
        return blake2b(row, key=self.key, digest_size=CODE_BYTES).digest()

    def with_codes(self, before: int, rows: Iterable[tuple[UUID, int, str, bytes]]) -> list[RowWithCode]:
        """Return the rows (stream, version, topic, state) at the positions after `before`, each with its code."""
        return [(position, *row, self.code(position, *row)) for position, row in enumerate(rows, before + 1)]

    def is_valid(self, row: Sequence[Any]) -> bool:
        """Return whether the row carries its own code."""
        try:
            return bool(self.code(row[0], row[1], row[2], row[3], row[4]) == row[5])
        except _UNUSABLE:
            return False

    def note_code(self, parts: Sequence[int]) -> bytes:
        """Return the code of the note about the facts that are older than codes."""
        return self._code_of(b"first", parts)

    def job_code(self, parts: Sequence[object]) -> bytes:
        """Return the code of a job: what is to be done, and who wants it."""
        return self._code_of(b"order", parts)

    def receipt_code(self, parts: Sequence[object]) -> bytes:
        """Return the code of a receipt that waits for its message."""
        return self._code_of(b"receipt", parts)

    def _code_of(self, kind: bytes, parts: Sequence[object]) -> bytes:
        return blake2b(repr(tuple(parts)).encode(), key=self.key, digest_size=CODE_BYTES, person=kind).digest()


def row_codes(names_key: bytes, public: bytes = b"") -> RowCodes:
    """Return the codes of the log whose pseudonyms are made with that key, by HKDF-SHA256 (RFC 5869)."""
    return RowCodes(HKDF(SHA256(), 32, salt=None, info=_ABOUT).derive(names_key), public)


def codes_of(connection: Connection) -> RowCodes:
    """Return the codes of the connection's `Database`. Raises KeyError where its `Database` was given none."""
    found: RowCodes = connection.get_execution_options()[OPTION]
    return found


def facts_by(connection: Connection, query: Select[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the facts among the rows of a query that begins with `log_rows`. Raises DamagedFact: see `genuine`."""
    return genuine(connection, driver_rows(connection, query))


def facts_with(
    connection: Connection, query: Select[Any], column: ColumnElement[Any], values: Sequence[Any]
) -> Iterator[tuple[Any, ...]]:
    """As `facts_by`, of the rows with one of these values in the column, for any number of values."""
    for part in chunked(values):
        yield from facts_by(connection, query.where(among(column, part)))


def genuine(connection: Connection, rows: Iterable[Any]) -> Iterator[Any]:
    """Yield those of the rows (position, stream, version, topic, state, code, …) that are facts.

    Raises:
        DamagedFact: a row is not the fact that a signed block says was there.
    """
    codes = codes_of(connection)
    refused = []
    for row in rows:
        if codes.is_valid(row):
            yield row
        else:
            refused.append(row[0])
    for position in refused:
        _refuse(connection, codes, position)


def _refuse(connection: Connection, codes: RowCodes, position: Any) -> None:  # noqa: ANN401  (of a forged row)
    """Raise DamagedFact where a fact was altered; report a row that was never a fact once."""
    if _was_there(connection, codes, position):
        raise DamagedFact(position, WrongCode())
    if position not in codes.seen and len(codes.seen) < MOST_NAMED:
        codes.seen.add(position)
        logger.warning(
            "row %s of the log carries no valid code and is ignored; `habarshy audit verify` names all such rows",
            position,
        )


def _was_there(connection: Connection, codes: RowCodes, position: Any) -> bool:  # noqa: ANN401  (of a forged row)
    """Return whether a block that our key signed has a fact at that position."""
    one = chain.block_of(connection, position) if isinstance(position, int) else None
    if one is None or not codes.public or one.signer != key_id(codes.public):
        return False
    marks = chain.marks_of(connection, one.block.number)
    return (
        signed_by(codes.public, one.signature, one.block.head)
        and sha256(marks).digest() == one.block.marks
        and position in marks_position(marks)
    )
