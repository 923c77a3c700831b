"""Rows into SQLite as its driver takes them fastest: by many a statement, in the few types that it binds as they are.

For anything but int, float, str and bytearray the driver first asks who would adapt it: of None, a bool or bytes
that takes up to ten times as long as to bind it.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Boolean, Connection, LargeBinary, Table
from sqlalchemy.types import TypeEngine

from projections.tables import Id

AT_ONCE = 250
"""Rows of a statement: a third faster than one at a time, and no faster with more of them."""

Values = Sequence[Any]


def insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], conflict: str) -> None:
    """Insert rows given as tuples in the order of the table's columns; `conflict`: what becomes of those there."""
    whole = len(rows) - len(rows) % AT_ONCE
    for start in range(0, whole, AT_ONCE):
        columns = _bound(table, rows[start : start + AT_ONCE])
        given = [each.count(None) < AT_ONCE for each in columns]
        values = chain.from_iterable(
            zip(*(each for each, is_given in zip(columns, given, strict=True) if is_given), strict=True)
        )
        connection.exec_driver_sql(_statement(table, conflict, tuple(given), AT_ONCE), tuple(values))
    if whole < len(rows):
        columns = _bound(table, rows[whole:])
        statement = _statement(table, conflict, (True,) * len(columns), 1)
        connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))


def _bound(table: Table, rows: Iterable[tuple[Any, ...]]) -> list[Values]:
    """The columns of the rows."""
    return [bind(values) for bind, values in zip(_binds(table), zip(*rows, strict=True), strict=True)]


@lru_cache(maxsize=64)
def _binds(table: Table) -> list[Callable[[Values], Values]]:
    return [bind_of(each.type) for each in table.columns]


def bind_of(type_: TypeEngine[Any]) -> Callable[[Values], Values]:
    """What makes of values of that type what the driver binds as it is."""
    ways = ((Id, ids_bound), (LargeBinary, _bytes), (Boolean, _bits))
    return next((bind for kind, bind in ways if isinstance(type_, kind)), _as_they_are)


def _as_they_are(values: Values) -> Values:
    return values


def ids_bound(values: Values) -> list[bytearray | None]:
    """UUIDs as their bytes, by two calls less than their property."""
    return [None if each is None else bytearray(each.int.to_bytes(16)) for each in values]


def _bytes(values: Values) -> Values:
    return [None if each is None else bytearray(each) for each in values]


def _bits(values: Values) -> Values:
    return [None if each is None else int(each) for each in values]


@lru_cache(maxsize=256)
def _statement(table: Table, conflict: str, given: tuple[bool, ...], rows: int) -> str:
    """Of columns that are not given NULL is written."""
    row = ", ".join("?" if is_given else "NULL" for is_given in given)
    return f"INSERT {conflict} INTO {table.name} VALUES {', '.join([f'({row})'] * rows)}"  # noqa: S608  (our own names)
