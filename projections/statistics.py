"""The view `statistics`: counts of facts by day and trigger, without persons."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, func, select

from projections.bulk import add_counts
from projections.tables import statistics

Key = tuple[date, str, str]
"""Day (UTC), trigger ("" for life events), and kind: a life event's type, or `sent`, `withheld.<reason>` …"""


_SOME = statistics.c.count != 0
"""Counts that were taken back entirely are left out."""


def add(connection: Connection, counts: Mapping[Key, int]) -> None:
    """Add to the counts, in the order of their keys to avoid deadlocks."""
    rows = [
        {"day": day, "trigger": trigger, "what": what, "count": count}
        for (day, trigger, what), count in sorted(counts.items())
    ]
    if rows:
        add_counts(connection, statistics, rows)


def totals(connection: Connection) -> dict[tuple[str, str], int]:
    """Return (trigger, what) -> count over all days."""
    query = select(statistics.c.trigger, statistics.c.what, func.sum(statistics.c.count))
    rows = connection.execute(query.group_by(statistics.c.trigger, statistics.c.what))
    return {(trigger, what): int(count) for trigger, what, count in rows}


def between(connection: Connection, since: date, until: date) -> list[tuple[date, str, str, int]]:
    """Return (day, trigger, what, count) of the days from one to another, both inclusive, in this order."""
    query = select(statistics.c.day, statistics.c.trigger, statistics.c.what, statistics.c.count)
    days = query.where(statistics.c.day.between(since, until), _SOME).order_by(*list(statistics.c)[:3])
    return [(day, trigger, what, count) for day, trigger, what, count in connection.execute(days)]


def of_trigger(connection: Connection, trigger: str, since: date, until: date) -> list[tuple[date, str, int]]:
    """Return (day, what, count) of one trigger, of the days from one to another, both inclusive, in this order."""
    query = select(statistics.c.day, statistics.c.what, statistics.c.count).where(statistics.c.trigger == trigger)
    days = query.where(statistics.c.day.between(since, until), _SOME)
    days = days.order_by(statistics.c.day, statistics.c.what)
    return [(day, what, count) for day, what, count in connection.execute(days)]
