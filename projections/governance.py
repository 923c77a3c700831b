"""Positions of the governance facts (packs, triggers, switches), from which the rulebook is folded."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from domain.facts.governance import APPROVAL_FACTS
from projections.bulk import insert_rows
from projections.positions import REPAIRS, position_of, save
from projections.tables import governance
from projections.tables import positions as positions_table


def note(connection: Connection, position: int, topic: str) -> None:
    """Add a governance fact."""
    insert_rows(connection, governance, [(position, topic)])


def positions(connection: Connection, topics: Collection[str] = ()) -> list[int]:
    """Return the positions of all governance facts, or of these topics, in the order of the log."""
    query = select(governance.c.position).order_by(governance.c.position)
    return list(connection.execute(query.where(governance.c.topic.in_(topics)) if topics else query).scalars())


def latest(connection: Connection) -> int:
    """Return the newest position of a fact that changes the rules in force, or 0."""
    return connection.execute(_NEWEST).scalar() or 0


class RulesVersion(NamedTuple):
    """The version of the rules: the newest position of any fact and of one that changes the rules; the repairs."""

    newest: int
    latest: int
    mended: int


def version(connection: Connection) -> RulesVersion:
    """Return the version of now; it differs once the rules may have changed."""
    return RulesVersion(*(int(each or 0) for each in connection.execute(_VERSION).one()))


def note_mended(connection: Connection) -> None:
    """Record a repair of older rows, so that processes read the rules again."""
    save(connection, REPAIRS, position_of(connection, REPAIRS) + 1)


_CHANGES = governance.c.topic.not_in(sorted(each.TOPIC for each in APPROVAL_FACTS))
_NEWEST = select(governance.c.position).where(_CHANGES).order_by(governance.c.position.desc()).limit(1)
_VERSION = select(
    select(func.max(governance.c.position)).scalar_subquery(),
    _NEWEST.scalar_subquery(),
    select(positions_table.c.position).where(positions_table.c.reader == REPAIRS).scalar_subquery(),
)
