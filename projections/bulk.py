"""Many rows at once, by the driver's fastest way, inside the caller's transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Dialect,
    Select,
    String,
    Table,
    Update,
    any_,
    bindparam,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeEngine

from projections.tables import Id

CHUNK = 4096


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], *, ignore: bool = False
) -> int:
    """Insert rows given as tuples in the order of the table's columns; `ignore` skips rows that exist.

    PostgreSQL gets COPY, or with `ignore` one insert from arrays. Return the number of rows inserted.
    """
    if not rows:
        return 0
    if connection.dialect.name == "sqlite":
        return _sqlite(connection, table, rows, "OR IGNORE" if ignore else "")
    return _postgresql(connection, table, rows, ignore=ignore)


def inserting(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that can say what becomes of a row with the same primary key (`on_conflict_…`)."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def add_counts(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], column: str = "count"
) -> None:
    """Add the count of each row, in that column, to that of the row with the same primary key."""
    new = inserting(connection, table)
    grown = {column: table.c[column] + new.excluded[column]}
    connection.execute(new.on_conflict_do_update(index_elements=table.primary_key, set_=grown), rows)


def replace_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, replacing those with the same primary key."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        _sqlite(connection, table, rows, "OR REPLACE")
    else:
        _from_arrays(connection, table, rows, _replacing(table))


def _sqlite(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], conflict: str) -> int:
    """Insert by the driver, which stores all but ids as they are; SQLAlchemy would process every value."""
    marks = ", ".join("?" * len(table.columns))
    columns = zip(table.columns, zip(*rows, strict=True), strict=True)
    stored = [_bytes(values) if isinstance(column.type, Id) else values for column, values in columns]
    statement = f"INSERT {conflict} INTO {table.name} VALUES ({marks})"  # noqa: S608  (our own names)
    return connection.exec_driver_sql(statement, list(zip(*stored, strict=True))).rowcount


def _bytes(ids: Iterable[UUID | None]) -> list[bytes | None]:
    return [None if each is None else each.bytes for each in ids]


def _postgresql(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], *, ignore: bool) -> int:
    if ignore:
        return _from_arrays(connection, table, rows, "DO NOTHING")
    _copy(connection, f'COPY "{table.name}" ({_listed(table)}) FROM STDIN', rows)
    return len(rows)


def _from_arrays(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], conflict: str) -> int:
    values = tuple(map(list, zip(*rows, strict=True)))
    return connection.exec_driver_sql(_unnest_insert(table, connection.dialect, conflict), values).rowcount


@lru_cache(maxsize=64)
def _replacing(table: Table) -> str:
    """Return the SQL that replaces all columns of an existing row except its key."""
    key = ", ".join(f'"{column.name}"' for column in table.primary_key)
    others = ", ".join(f'"{each.name}" = excluded."{each.name}"' for each in table.columns if not each.primary_key)
    return f"({key}) DO UPDATE SET {others}"


@lru_cache(maxsize=64)
def _unnest_insert(table: Table, dialect: Dialect, conflict: str) -> str:
    """Return one statement for any number of rows, given as an array a column, since COPY cannot handle conflicts."""
    types = [column.type.compile(dialect).partition("(")[0] for column in table.columns]  # a length would truncate
    arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
    return f'INSERT INTO "{table.name}" ({_listed(table)}) SELECT * FROM unnest({arrays}) ON CONFLICT {conflict}'  # noqa: S608  (our own names)


def _listed(table: Table) -> str:
    return ", ".join(f'"{name}"' for name in table.columns.keys())  # noqa: SIM118  (a collection, not a mapping)


def _copy(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Copy by the driver, raising SQLAlchemy's errors as any other statement.

    Raises:
        IntegrityError: a row exists already.
        OperationalError: the database is gone, or aborted the transaction in favour of another.
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
    """`column IN (values)`: one array on PostgreSQL, one parameter for each value on SQLite.

    With an array the statement is the same for any number of values: parsed and planned once, with one parameter.
    """

    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012  (the library's way to say what a statement is cached by)
        ("column", InternalTraversal.dp_clauseelement),
        ("listed", InternalTraversal.dp_clauseelement),
        ("array", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[Any], listed: BindParameter[Any], array: BindParameter[Any]) -> None:
        self.column, self.listed, self.array = column, listed, array

    def self_group(self, against: OperatorType | None = None) -> "Among":  # noqa: ARG002  (the library's)
        """Return the condition itself; otherwise SQLite would compare it with 1."""
        return self


@compiles(Among)
def _among_listed(these: Among, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(these.column.in_(these.listed), **options)


@compiles(Among, "postgresql")
def _among_array(these: Among, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(these.column == any_(these.array), **options)


def unbounded(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """Return the column's type without its length, which would truncate values."""
    return String() if isinstance(column.type, String) else column.type


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Return `column IN (values)`, cached as one statement for all values."""
    given = list(values)
    listed = bindparam(None, given, type_=column.type, expanding=True)
    return Among(column, listed, bindparam(None, given, type_=ARRAY(unbounded(column))))


def among_keys(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return `column IN (keys)`, for a query that is built once and executed by `rows_of`."""
    listed = bindparam("keys", type_=column.type, expanding=True)
    return Among(column, listed, bindparam("keys", type_=ARRAY(unbounded(column))))


def rows_of(connection: Connection, query: Select[Any], keys: Sequence[Any], **given: object) -> Iterator[Any]:
    """Yield the rows of these keys; the query has `among_keys`, and its other parameters are given by name."""
    for part in chunked(keys):
        yield from connection.execute(query, {"keys": list(part), **given}).all()


def rows_with(
    connection: Connection, query: Select[Any], column: ColumnElement[Any], values: Iterable[Any]
) -> Iterator[Any]:
    """Yield the query's rows with one of these values in the column, for any number of values."""
    for part in chunked(list(values)):
        yield from connection.execute(query.where(among(column, part))).all()


def change_with(
    connection: Connection, change: Update | Delete, column: ColumnElement[Any], values: Iterable[Any]
) -> int:
    """Change or delete the rows with one of these values in the column; return how many."""
    return sum(connection.execute(change.where(among(column, part))).rowcount for part in chunked(list(values)))


def lock_rows(connection: Connection, column: Column[Any], values: Iterable[Any]) -> None:
    """Lock the rows with these keys until the transaction ends, in the order of keys to avoid deadlocks.

    SQLite has only one writer, which holds everything.
    """
    if connection.dialect.name == "sqlite":
        return
    for part in chunked(sorted(set(values))):
        connection.execute(select(column).where(among(column, part)).order_by(column).with_for_update()).close()


def chunked(items: Sequence[Any], size: int = CHUNK) -> Iterable[Sequence[Any]]:
    """Yield the items, `size` at a time: databases limit the parameters of a statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def driver_rows(connection: Connection, query: Select[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows as the driver gives them, without an object of SQLAlchemy for each."""
    with closing(connection.execute(query)) as result:
        cursor: Any = result.cursor
        yield from cursor
