"""How far the shadow of a rebuild has come, kept in it with what came of the facts."""

from enum import IntEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, select

from streams.database import Database
from streams.shadow_tables import standing


class Stage(IntEnum):
    """What a rebuild does, one after the other."""

    FACTS = 0
    NUDGES = 1
    KEYS = 2
    CORRECTIONS = 3
    LOADS = 4
    RESIDENTS = 5
    TAIL = 6
    READY = 7


class Standing(Struct, frozen=True):
    """How far a shadow has come: `cursor` within its stage, `done` facts, `upto` which position before the tail.

    `parts`: in how many what is shared out was divided at the beginning, whoever goes on with it.
    """

    stage: Stage
    cursor: str
    done: int
    upto: int
    parts: int


def read(views: Database) -> Standing:
    """Where the shadow stands."""
    with views.reading() as connection:
        row = connection.execute(select(standing)).one()
    return Standing(Stage(row.stage), row.cursor, row.done, row.upto, row.parts)


def following(at: Standing, count: int = 0) -> Standing:
    """The beginning of the next stage."""
    return replace(at, stage=Stage(at.stage + 1), cursor="", done=at.done + count)


def within(at: Standing, cursor: str, count: int = 0) -> Standing:
    """Further on in the stage."""
    return replace(at, cursor=cursor, done=at.done + count)


def keep(views: Connection, at: Standing) -> Standing:
    """Note it, in the transaction of what was done."""
    kept: dict[str, Any] = {name: getattr(at, name) for name in Standing.__struct_fields__}
    views.execute(standing.update().values(kept))
    return at
