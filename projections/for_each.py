"""One statement for the rows of many keys."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Connection, Delete, Update, bindparam, func

from projections.bulk import unbounded


class ForEach:
    """A statement for those rows that `these` (of a key's values) says, of each of many keys with these columns.

    On SQLite a statement a key, on PostgreSQL one for all, to which the keys come as arrays. Built once, when
    it is first used.
    """

    def __init__(
        self, statement: Delete | Update, columns: Sequence[Column[Any]], these: Callable[..., ColumnElement[bool]]
    ) -> None:  # fmt: skip
        self._statement, self._columns, self._these = statement, columns, these

    def execute(self, connection: Connection, keys: Sequence[tuple[Any, ...]]) -> None:
        """Of each of these keys."""
        if not keys:
            return
        names = [f"key_{each.name}" for each in self._columns]
        if connection.dialect.name == "sqlite":
            connection.execute(self._of_one, [dict(zip(names, key, strict=True)) for key in keys])
        else:
            values = map(list, zip(*keys, strict=True))
            connection.execute(self._of_all, dict(zip(names, values, strict=True)))

    @cached_property
    def _of_one(self) -> Delete | Update:
        marks = (bindparam(f"key_{each.name}", type_=each.type) for each in self._columns)
        return self._statement.where(self._these(*marks))

    @cached_property
    def _of_all(self) -> Delete | Update:
        arrays = (bindparam(f"key_{each.name}", type_=ARRAY(unbounded(each))) for each in self._columns)
        given = func.unnest(*arrays).table_valued(*(each.name for each in self._columns)).render_derived()
        return self._statement.where(self._these(*given.c))
