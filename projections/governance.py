"""Where in the log the rules are: packs, triggers, switches. The rulebook is folded from these facts."""

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from projections.bulk import insert_rows
from projections.tables import governance


def note(connection: Connection, position: int, topic: str) -> None:
    """A governance fact was appended."""
    insert_rows(connection, governance, [(position, topic)])


def positions(connection: Connection, topics: Collection[str] = ()) -> list[int]:
    """All of them, or those of these topics, in the order of the log."""
    query = select(governance.c.position).order_by(governance.c.position)
    return list(connection.execute(query.where(governance.c.topic.in_(topics)) if topics else query).scalars())


def latest(connection: Connection) -> int:
    """The newest of them, or 0: another number means that the rules have changed."""
    return int(connection.execute(_LATEST).scalar_one())


_LATEST = select(func.coalesce(func.max(governance.c.position), 0))
