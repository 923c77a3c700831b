"""Where in the log the rules are: packs, triggers, switches. The rulebook is folded from these facts."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from projections.bulk import insert_rows
from projections.positions import position_of, save
from projections.spelled import Query
from projections.tables import governance
from projections.tables import positions as positions_table


def note(connection: Connection, position: int, topic: str) -> None:
    """A governance fact was appended."""
    insert_rows(connection, governance, [(position, topic)])


def positions(connection: Connection, topics: Collection[str] = ()) -> list[int]:
    """All of them, or those of these topics, in the order of the log."""
    query = select(governance.c.position).order_by(governance.c.position)
    return list(connection.execute(query.where(governance.c.topic.in_(topics)) if topics else query).scalars())


def latest(connection: Connection) -> int:
    """The newest of them, or 0: another number means that the rules have changed."""
    newest = _NEWEST.first(connection)
    return 0 if newest is None else int(newest[0])


class Mark(NamedTuple):
    """What tells these rules from others: the newest fact, and how often the view was mended."""

    latest: int
    mended: int


def mark(connection: Connection) -> Mark:
    """As of now: with another one the rules may be others."""
    found = _MARK.first(connection)
    return Mark(*(int(each or 0) for each in found or (0, 0)))


def note_mended(connection: Connection) -> None:
    """Older rows than the newest have changed, so whoever has the rules at hand reads them again."""
    save(connection, _MENDINGS, position_of(connection, _MENDINGS) + 1)


_MENDINGS = "governance mended"
"""Kept among the positions of readers: a number that processes look at, in a table that all of them have."""
_NEWEST = Query(select(governance.c.position).order_by(governance.c.position.desc()).limit(1))
_MARK = Query(
    select(
        select(func.max(governance.c.position)).scalar_subquery(),
        select(positions_table.c.position).where(positions_table.c.reader == _MENDINGS).scalar_subquery(),
    )
)
