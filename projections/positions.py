"""The position of each reader of the log, committed with the rows that it made.

The names of all rows of the table stand here. Three rows of it are no positions: `PUBLICATION`, `REPAIRS`
and `DRAFTS`.
"""

from sqlalchemy import Connection, select

from projections.bulk import insert_rows, lock_rows
from projections.tables import positions

VIEWS, RELAY = "views", "relay"
"""The readers of the log: the follower, and the relay to Kafka."""
PUBLICATION = "publication"
"""The end of the log, plus 1, when a publication began to wake persons.

It is 0 once whoever came in while the publication committed is woken too.
"""
REPAIRS = "governance mended"
"""The number of repairs of the view `governance`: a counter, kept in a table that every database has."""
DRAFTS = "drafts"
"""The highest id that a draft has had: a counter as `REPAIRS`, which stays when the draft is deleted."""


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
