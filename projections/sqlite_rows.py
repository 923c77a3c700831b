"""Insert rows into SQLite by its driver's fastest way: many in a statement, in types that it binds directly.

For other types than int, float, str and bytearray the driver first looks for an adapter. For None, bool and bytes
that takes up to ten times as long as binding.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Boolean, Connection, LargeBinary, Table
from sqlalchemy.types import TypeEngine

from projections.tables import Id

AT_ONCE = 250
"""Rows in a statement: a third faster than one at a time; more rows are not faster."""

Values = Sequence[Any]


def insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], conflict: str) -> None:
    """Insert rows given as tuples in the order of the columns; `conflict`: "", "OR IGNORE" or "OR REPLACE"."""
    whole = len(rows) - len(rows) % AT_ONCE
    for start in range(0, whole, AT_ONCE):
        columns = _bound(table, rows[start : start + AT_ONCE])
        given = [column.count(None) < AT_ONCE for column in columns]
        values = chain.from_iterable(
            zip(*(each for each, is_given in zip(columns, given, strict=True) if is_given), strict=True)
        )
        connection.exec_driver_sql(_statement(table, conflict, tuple(given), AT_ONCE), tuple(values))
    if whole < len(rows):
        columns = _bound(table, rows[whole:])
        statement = _statement(table, conflict, (True,) * len(columns), 1)
        connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))


def _bound(table: Table, rows: Iterable[tuple[Any, ...]]) -> list[Values]:
    """Return the columns of the rows, as the driver binds them."""
    return [bind(values) for bind, values in zip(_binds(table), zip(*rows, strict=True), strict=True)]


@lru_cache(maxsize=64)
def _binds(table: Table) -> list[Callable[[Values], Values]]:
    return [bind_of(column.type) for column in table.columns]


def bind_of(type_: TypeEngine[Any]) -> Callable[[Values], Values]:
    """Return the function that converts values of that type into what the driver binds directly."""
    ways = ((Id, ids_bound), (LargeBinary, _bytes), (Boolean, _bits))
    return next((bind for kind, bind in ways if isinstance(type_, kind)), _as_they_are)


def _as_they_are(values: Values) -> Values:
    return values


def ids_bound(values: Values) -> list[bytearray | None]:
    """Return the UUIDs' bytes, with two calls fewer than by their property."""
    return [None if each is None else bytearray(each.int.to_bytes(16)) for each in values]


def _bytes(values: Values) -> Values:
    return [None if each is None else bytearray(each) for each in values]


def _bits(values: Values) -> Values:
    return [None if each is None else int(each) for each in values]


@lru_cache(maxsize=256)
def _statement(table: Table, conflict: str, given: tuple[bool, ...], rows: int) -> str:
    """Return the statement; it writes NULL into columns that are not given."""
    row = ", ".join("?" if is_given else "NULL" for is_given in given)
    return f"INSERT {conflict} INTO {table.name} VALUES {', '.join([f'({row})'] * rows)}"  # noqa: S608  (our own names)
