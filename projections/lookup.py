"""Queries for the rows of many keys, built once."""

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import ARRAY, Column, Connection, Select, any_, bindparam

from projections.bulk import CHUNK, chunked, unbounded
from projections.spelled import Spelled
from projections.sqlite_rows import bind_of

SIZES = (16, 64, 256)
"""The numbers of keys of prepared statements on SQLite: compiling one each time takes longer than the query."""


class Lookup:
    """A query for the rows whose column has one of the keys; the query's own parameters are given by name.

    It is for frequent queries; `bulk.among` builds a query each time.
    """

    def __init__(self, query: Select[Any], column: Column[Any]) -> None:
        self._query, self._column = query, column
        self._bind = bind_of(column.type)
        self._spelled = lru_cache(maxsize=len(SIZES))(self._of_many)

    def rows(self, connection: Connection, keys: Sequence[Any], **given: object) -> Iterator[Any]:
        """Yield the rows of these keys."""
        if connection.dialect.name != "sqlite":
            for part in chunked(keys, CHUNK):
                yield from connection.execute(self._of_array, {"keys": list(part), **given})
            return
        for part in chunked(self._bind(keys), SIZES[-1]):
            size = next(each for each in SIZES if len(part) <= each)
            filled = [*part, *[part[0]] * (size - len(part))]
            named = dict(zip(_names(size), filled, strict=True)) | given
            yield from self._spelled(size).rows(connection, named)

    def _of_many(self, size: int) -> Spelled:
        marks = [bindparam(name, type_=self._column.type) for name in _names(size)]
        return Spelled(self._query.where(self._column.in_(marks)))

    @cached_property
    def _of_array(self) -> Select[Any]:
        return self._query.where(self._column == any_(bindparam("keys", type_=ARRAY(unbounded(self._column)))))


@lru_cache(maxsize=len(SIZES))
def _names(size: int) -> tuple[str, ...]:
    return tuple(f"key_{number}" for number in range(size))
