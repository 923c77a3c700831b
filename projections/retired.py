"""Keys of periods that were destroyed because their retention time was over, with the fact that says so."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from projections.bulk import insert_rows, rows_with
from projections.tables import micros, moment, retired


class RetiredKey(NamedTuple):
    """The position and the time of the fact that retired a key."""

    position: int
    at: datetime


def note(connection: Connection, keys: Iterable[bytes], position: int, at: datetime) -> None:
    """Add retired keys."""
    insert_rows(connection, retired, [(key, position, micros(at)) for key in keys], ignore=True)


def retired_among(connection: Connection, keys: Iterable[bytes]) -> dict[bytes, RetiredKey]:
    """Return those of the keys that are retired."""
    rows = rows_with(connection, select(retired), retired.c.key_id, keys)
    return {bytes(key): RetiredKey(position, moment(at)) for key, position, at in rows}
