"""The position of each reader of the log, committed with the rows that it made."""

from sqlalchemy import Connection, select

from projections.bulk import insert_rows, lock_rows
from projections.tables import positions


def position_of(connection: Connection, reader: str) -> int:
    """Return the position up to which the reader has read."""
    return connection.execute(select(positions.c.position).where(positions.c.reader == reader)).scalar() or 0


def hold(connection: Connection, reader: str) -> int:
    """As `position_of`, but lock the position until the transaction ends."""
    insert_rows(connection, positions, [(reader, 0)], ignore=True)
    lock_rows(connection, positions.c.reader, [reader])
    return position_of(connection, reader)


def save(connection: Connection, reader: str, position: int) -> None:
    """Store the position up to which the reader has read."""
    moved = positions.update().where(positions.c.reader == reader).values(position=position)
    if connection.execute(moved).rowcount == 0:
        insert_rows(connection, positions, [(reader, position)])
