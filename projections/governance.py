"""Where in the log the rules are: packs, triggers, switches. The rulebook is folded from these facts."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from projections.bulk import insert_rows
from projections.spelled import Query
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
    newest = _NEWEST.first(connection)
    return 0 if newest is None else int(newest[0])


_NEWEST = Query(select(governance.c.position).order_by(governance.c.position.desc()).limit(1))
