"""Which dead letters are meant: by their ids, or by kind and cause."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Select

from projections.bulk import among, chunked
from streams.tables import dead_letters


class Choice(Struct, frozen=True):
    """Which letters are meant; what is None does not matter."""

    ids: tuple[UUID, ...] | None = None
    kind: str | None = None
    cause: str | None = None


def chosen(query: Select[Any], choice: Choice) -> Select[Any]:
    """The query, of those letters only that are meant."""
    if choice.ids is not None:
        query = query.where(among(dead_letters.c.id, choice.ids))
    for column, value in ((dead_letters.c.kind, choice.kind), (dead_letters.c.cause, choice.cause)):
        query = query if value is None else query.where(column == value)
    return query


def rows_of(connection: Connection, query: Select[Any], choice: Choice) -> Iterator[Any]:
    """What the query says of the letters that are meant, however many ids were named; in no order."""
    parts = [choice] if choice.ids is None else [replace(choice, ids=tuple(part)) for part in chunked(choice.ids)]
    for part in parts:
        yield from connection.execute(chosen(query, part))
