"""The limit of what a person may change by themselves in a day: each change is a life event that every plan reads."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from domain.core.translatable import Words
from projections import history
from projections.tables import micros

MOST_A_DAY = 200
"""Of one kind: choices, devices, texts about messages. Stopping a topic by its link or by SMS counts for nothing."""
A_DAY = timedelta(days=1)


class TooManyChanges(Exception):
    """Raised for one more change of a kind than a person may make in a day."""


def refuse_too_many(connection: Connection, person: str, type_: str, now: datetime) -> None:
    """Check that the person may make one more change of that event type. Raises TooManyChanges where they may not."""
    if history.count_of_type(connection, person, type_, micros(now - A_DAY)) >= MOST_A_DAY:
        raise TooManyChanges(
            Words(
                "You have changed this {count} times within a day, which is the most. Try tomorrow.", count=MOST_A_DAY
            )
        )
