"""One statement for the rows of many keys."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Connection, Delete, Update, bindparam, func

from projections.bulk import unbounded


class ForEach:
    """A statement for the rows that `these` selects by the values of a key, executed for many keys.

    SQLite executes it for each key, PostgreSQL once with the keys as arrays. It is built at the first use.
    """

    def __init__(
        self, statement: Delete | Update, columns: Sequence[Column[Any]], these: Callable[..., ColumnElement[bool]]
    ) -> None:
        self._statement, self._columns, self._these = statement, columns, these
        self._names = [f"key_{column.name}" for column in columns]

    def execute(self, connection: Connection, keys: Sequence[tuple[Any, ...]], **given: object) -> None:
        """Execute the statement for these keys; its own parameters are given by name."""
        if not keys:
            return
        if connection.dialect.name == "sqlite":
            connection.execute(self._of_one, [dict(zip(self._names, key, strict=True)) | given for key in keys])
        else:
            arrays = map(list, zip(*keys, strict=True))
            connection.execute(self._of_all, dict(zip(self._names, arrays, strict=True)) | given)

    @cached_property
    def _of_one(self) -> Delete | Update:
        marks = (bindparam(name, type_=each.type) for name, each in zip(self._names, self._columns, strict=True))
        return self._statement.where(self._these(*marks))

    @cached_property
    def _of_all(self) -> Delete | Update:
        arrays = (
            bindparam(name, type_=ARRAY(unbounded(each)))
            for name, each in zip(self._names, self._columns, strict=True)
        )
        given = func.unnest(*arrays).table_valued(*(column.name for column in self._columns)).render_derived()
        return self._statement.where(self._these(*given.c))
