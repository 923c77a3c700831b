"""Counts of what will be due by a time, and a sample of it by recipients."""

from sqlalchemy import Connection, func, literal_column, select

from domain.nudges.delivery import Due
from projections.tables import IS_STOPPED, due

HOUR = 3_600_000_000  # microseconds


def by_hour(connection: Connection, until: int) -> list[tuple[int, int, int]]:
    """Return hour (number since 1970), lane and count of deliveries due before a time.

    Deliveries that a kill switch or a pause holds back are not counted.
    """
    hour = due.c.due_at.op("/")(HOUR).label("hour")
    query = select(hour, due.c.lane, func.count()).where(due.c.due_at < until, ~due.c.stopped)
    return [(at, lane, many) for at, lane, many in connection.execute(query.group_by(hour, due.c.lane))]


def held_back(connection: Connection) -> list[tuple[int, int]]:
    """Return the number of deliveries of each lane that kill switches and pauses hold back."""
    by_lane = due.c.lane + literal_column(
        "0"
    )  # by the index of the few that are stopped, and not in the order of all lanes
    query = select(by_lane, func.count()).where(IS_STOPPED).group_by(by_lane)
    return [(lane, many) for lane, many in connection.execute(query)]


def stopped(connection: Connection, limit: int) -> list[Due]:
    """Return some of the deliveries that kill switches and pauses hold back, so many at most."""
    query = select(due.c.nudge, due.c.recipient).where(IS_STOPPED).limit(limit)
    return [Due(*row) for row in connection.execute(query)]


def sample_of_recipients(connection: Connection, until: int, before: str) -> list[tuple[int, Due]]:
    """Return due time and delivery for all recipients whose pseudonym comes before that one.

    Pseudonyms are hashes, so these are a sample of all recipients, each with all their due deliveries.
    """
    query = select(due.c.due_at, due.c.nudge, due.c.recipient).where(due.c.due_at < until, ~due.c.stopped)
    rows = connection.execute(query.where(due.c.recipient < before))
    return [(at, Due(nudge, recipient)) for at, nudge, recipient in rows]


def of_lane(connection: Connection, until: int, lane: int, limit: int) -> list[tuple[int, Due]]:
    """Return the first due deliveries of that lane."""
    query = select(due.c.due_at, due.c.nudge, due.c.recipient).where(due.c.lane == lane, due.c.due_at < until)
    rows = connection.execute(query.where(~due.c.stopped).order_by(due.c.due_at).limit(limit))
    return [(at, Due(nudge, recipient)) for at, nudge, recipient in rows]
