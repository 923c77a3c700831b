"""Counts of recorded facts by hour: the time series of the console's charts.

The follower adds to them in the transaction in which it follows the log, so nothing is counted twice. They are no
view: they are kept for a week and are not rebuilt.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from projections.bulk import add_counts
from streams.storage.tables import hourly

KEPT = 7 * 24
"""Hours."""
ARRIVED = "arrived"
"""Recorded life events. All else is the name of a fact of nudges, with the channel of its attempt: `sent.sms`."""
PRICED = "sent.sms"
"""What has a price, which depends on the trigger; only this is counted by trigger, so that few rows make a day."""
Hour = tuple[int, str, str]
"""Hour (number since 1970), trigger ("" for all but PRICED), and what was counted."""


def hour_of(moment: datetime) -> int:
    """Return the number of the hour since 1970."""
    return int(moment.timestamp()) // 3600


def add(connection: Connection, counts: Mapping[Hour, int]) -> None:
    """Add to the counts; hours more than a week before the newest one are deleted in the same call."""
    if not counts:
        return
    first = max(hour for hour, _, _ in counts) - KEPT
    rows = [
        {"hour": hour, "trigger": trigger, "what": what, "count": count}
        for (hour, trigger, what), count in sorted(counts.items())
        if hour > first
    ]
    add_counts(connection, hourly, rows)
    connection.execute(delete(hourly).where(hourly.c.hour <= first))


def by_hour(connection: Connection, since: int, until: int) -> dict[str, Counter[int]]:
    """Return what -> hour -> count, of the hours from one up to and including another, over all triggers."""
    query = select(hourly.c.what, hourly.c.hour, func.sum(hourly.c.count)).where(hourly.c.hour.between(since, until))
    found: dict[str, Counter[int]] = {}
    for what, hour, count in connection.execute(query.group_by(hourly.c.what, hourly.c.hour)):
        found.setdefault(what, Counter())[hour] = int(count)
    return found


def priced(connection: Connection, since: int, until: int) -> Counter[tuple[int, str]]:
    """Return (hour, trigger) -> count of what has a price, of the hours from one up to and including another."""
    query = select(hourly.c.hour, hourly.c.trigger, hourly.c.count).where(hourly.c.what == PRICED)
    rows = connection.execute(query.where(hourly.c.hour.between(since, until)))
    return Counter({(hour, trigger): count for hour, trigger, count in rows})
