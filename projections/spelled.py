"""Statements compiled once for SQLite's driver: SQLAlchemy's work for each parameter takes longer than SQLite's."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any
from uuid import UUID

from msgspec import convert
from sqlalchemy import Connection, Delete, Select, Update
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from projections.tables import Id


class Spelled:
    """A compiled statement; its parameters are given by name, in the types that the driver binds."""

    def __init__(self, statement: Select[Any] | Update | Delete) -> None:
        compiled = statement.compile(dialect=sqlite.dialect())
        self._text = str(compiled)
        self._known = {name: each.value for name, each in compiled.binds.items() if not each.required}
        self._order = tuple(compiled.positiontup or ())
        self._ids = tuple(at for at, each in enumerate(_columns(statement)) if isinstance(each, Id))

    def rows(self, connection: Connection, given: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """Return the rows of a query."""
        with closing(connection.exec_driver_sql(self._text, self._ordered(given))) as result:
            cursor: Any = result.cursor
            found = cursor.fetchall()  # SQLAlchemy would make an object of each row
        return map(self._read, found) if self._ids else iter(found)

    def each(self, connection: Connection, given: Iterable[Mapping[str, Any]]) -> None:
        """Execute the statement for each of these parameters."""
        connection.exec_driver_sql(self._text, [self._ordered(one) for one in given])

    def _ordered(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        every = {**self._known, **given}
        return tuple([every[name] for name in self._order])

    def _read(self, row: Sequence[Any]) -> tuple[Any, ...]:
        read = list(row)
        for at in self._ids:
            read[at] = convert(read[at], UUID)
        return tuple(read)


class Query:
    """A frequent query; its parameters are given by name."""

    def __init__(self, query: Select[Any]) -> None:
        self._query = query

    def first(self, connection: Connection, **given: object) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        if connection.dialect.name == "sqlite":
            return next(self._spelled.rows(connection, given), None)
        row = connection.execute(self._query, given).first()
        return None if row is None else tuple(row)

    @cached_property
    def _spelled(self) -> Spelled:
        return Spelled(self._query)


def _columns(statement: Select[Any] | Update | Delete) -> list[TypeEngine[Any]]:
    return [each.type for each in statement.selected_columns] if isinstance(statement, Select) else []
