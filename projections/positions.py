"""How far each reader of the log has come; committed with what it made of it."""

from sqlalchemy import Connection, select

from projections.bulk import insert_rows, lock_rows
from projections.tables import positions


def position_of(connection: Connection, reader: str) -> int:
    """The position up to which the reader has read."""
    return connection.execute(select(positions.c.position).where(positions.c.reader == reader)).scalar() or 0


def hold(connection: Connection, reader: str) -> int:
    """As `position_of`, and no other hand of that reader moves on until the transaction ends."""
    insert_rows(connection, positions, [(reader, 0)], ignore=True)
    lock_rows(connection, positions.c.reader, [reader])
    return position_of(connection, reader)


def save(connection: Connection, reader: str, position: int) -> None:
    """The reader has read up to there."""
    moved = positions.update().where(positions.c.reader == reader).values(position=position)
    if connection.execute(moved).rowcount == 0:
        insert_rows(connection, positions, [(reader, position)])
