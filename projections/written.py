"""Positions of the texts that citizens wrote, the latest first, from a partial index of the history."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from projections.tables import IS_WRITTEN, history


def positions(connection: Connection, before: int | None, limit: int) -> Sequence[int]:
    """Return the latest positions before one (None: of all)."""
    query = select(history.c.position).where(IS_WRITTEN).order_by(history.c.position.desc()).limit(limit)
    query = query if before is None else query.where(history.c.position < before)
    return connection.execute(query).scalars().all()
