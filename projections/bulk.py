"""Many rows at once: the driver's own fastest way, inside the caller's transaction."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Select,
    String,
    Table,
    any_,
    bindparam,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeEngine

from projections import sqlite_rows

CHUNK = 4096


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], *, ignore: bool = False
) -> None:
    """Insert rows given as tuples in the order of the table's columns; `ignore` skips those that are there.

    On SQLite these are statements of many rows, on PostgreSQL COPY, or with `ignore` one insert from arrays.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        sqlite_rows.insert(connection, table, rows, "OR IGNORE" if ignore else "")
    else:
        _postgresql(connection, table, rows, ignore=ignore)


def replace_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, in the place of those with the same primary key."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        sqlite_rows.insert(connection, table, rows, "OR REPLACE")
    else:
        _from_arrays(connection, table, rows, _replacing(table))


def _postgresql(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], *, ignore: bool) -> None:
    if ignore:
        _from_arrays(connection, table, rows, "DO NOTHING")
    else:
        _copy(connection, f'COPY "{table.name}" ({_listed(table)}) FROM STDIN', rows)


def _from_arrays(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], conflict: str) -> None:
    values = tuple(map(list, zip(*rows, strict=True)))
    connection.exec_driver_sql(_unnest_insert(table, connection.dialect, conflict), values)


@lru_cache(maxsize=64)
def _replacing(table: Table) -> str:
    """What becomes of a row that is there already: all but its key is set anew."""
    key = ", ".join(f'"{column.name}"' for column in table.primary_key)
    others = ", ".join(f'"{each.name}" = excluded."{each.name}"' for each in table.columns if not each.primary_key)
    return f"({key}) DO UPDATE SET {others}"


@lru_cache(maxsize=64)
def _unnest_insert(table: Table, dialect: Dialect, conflict: str) -> str:
    """One statement for any number of rows, whose columns come as arrays; COPY knows no conflicts."""
    types = [column.type.compile(dialect).partition("(")[0] for column in table.columns]  # a length would cut off
    arrays = ", ".join(f"%s::{each}[]" for each in types)
    return f'INSERT INTO "{table.name}" ({_listed(table)}) SELECT * FROM unnest({arrays}) ON CONFLICT {conflict}'  # noqa: S608  (our own names)


def _listed(table: Table) -> str:
    return ", ".join(f'"{name}"' for name in table.columns.keys())  # noqa: SIM118  (a collection, not a mapping)


def _copy(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Copy by the driver, whose refusals are SQLAlchemy's as those of any other statement.

    Raises:
        IntegrityError: a row is there already.
        OperationalError: the database is away, or gave the transaction up for another's sake.
    """
    driver: Any = connection.connection.driver_connection
    base = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except base as error:
        raise DBAPIError.instance(
            statement, None, error, base, hide_parameters=True, dialect=connection.dialect
        ) from None


class Among(ColumnElement[bool]):
    """`column IN (values)`: on PostgreSQL one array, on SQLite so many parameters, spelled out at execution.

    An array is one statement for any number of values, which is parsed and planned once and sent as one parameter.
    """

    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012  (the library's way to say what a statement is cached by)
        ("column", InternalTraversal.dp_clauseelement),
        ("listed", InternalTraversal.dp_clauseelement),
        ("array", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[Any], values: Iterable[Any]) -> None:
        listed = list(values)
        self.column = column
        self.listed = bindparam(None, listed, type_=column.type, expanding=True)
        self.array = bindparam(None, listed, type_=ARRAY(unbounded(column)))

    def self_group(self, against: OperatorType | None = None) -> "Among":  # noqa: ARG002  (the library's)
        """A condition as it is: SQLite would compare it with 1."""
        return self


@compiles(Among)
def _among_listed(these: Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  (the library's)
    return compiler.process(these.column.in_(these.listed), **options)


@compiles(Among, "postgresql")
def _among_array(these: Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  (the library's)
    return compiler.process(these.column == any_(these.array), **options)


def unbounded(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """The column's type without its length, to which a value would be cut off."""
    return String() if isinstance(column.type, String) else column.type


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """`column IN (values)`, cached as one statement whatever the values are."""
    return Among(column, values)


def lock_rows(connection: Connection, column: Column[Any], values: Iterable[Any]) -> None:
    """Hold the rows with these keys until the transaction ends, in the order of keys, so that nobody waits in a ring.

    SQLite has one writer, who holds everything.
    """
    if connection.dialect.name == "sqlite":
        return
    for part in chunked(sorted(set(values))):
        connection.execute(select(column).where(among(column, part)).order_by(column).with_for_update()).close()


def which(connection: Connection, column: Column[UUID], ids: Sequence[UUID]) -> list[UUID]:
    """Those of the ids that the column has.

    On SQLite by a statement of a fixed length: to spell out thousands of parameters takes longer than to look.
    """
    if connection.dialect.name != "sqlite":
        return list(connection.execute(select(column).where(among(column, ids))).scalars())
    values = sqlite_rows.ids_bound(ids) + [0] * (CHUNK - len(ids))
    rows = connection.exec_driver_sql(_sqlite_which(column), tuple(values))
    return [UUID(bytes=row[0]) for row in rows]


@lru_cache(maxsize=64)
def _sqlite_which(column: Column[UUID]) -> str:
    marks = ", ".join("?" * CHUNK)
    return f"SELECT {column.name} FROM {column.table.name} WHERE {column.name} IN ({marks})"  # noqa: S608  (our own names)


def chunked(items: Sequence[Any], size: int = CHUNK) -> Iterable[Sequence[Any]]:
    """The items, so many at a time: databases limit the parameters of a statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def driver_rows(connection: Connection, query: Select[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows as the driver gives them, for pages of the log: SQLAlchemy makes an object of each."""
    with closing(connection.execute(query)) as result:
        cursor: Any = result.cursor
        yield from cursor
