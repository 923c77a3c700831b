"""The inbox view: what was handed over to whom, what counts towards their cap, and what came to nothing."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, literal, literal_column, select, tuple_

from domain.nudges.delivery import State
from projections.lookup import Lookup
from projections.nudges import Due
from projections.tables import inbox, moment


def messages(connection: Connection, recipients: Iterable[str], since: int) -> dict[str, list[datetime]]:
    """Recipient -> since when each message counts that counts towards their cap, if that is later than `since`."""
    found: dict[str, list[datetime]] = {recipient: [] for recipient in recipients}
    for recipient, counted in _COUNTED.rows(connection, list(found), since=since):
        found[recipient].append(moment(counted))
    return found


_SINCE = inbox.c.counted > bindparam("since", type_=inbox.c.counted.type)
_COUNTED = Lookup(select(inbox.c.recipient, inbox.c.counted).where(_SINCE), inbox.c.recipient)


def failed(connection: Connection, after: Due, limit: int) -> list[Due]:
    """The next deliveries whose attempts came to nothing, by recipient and nudge; some of them are still tried."""
    return _in_state(connection, _FAILED, after, limit)


def unknown(connection: Connection, after: Due, limit: int) -> list[Due]:
    """The next deliveries of which nobody knows whether they went, by recipient and nudge; some are still tried."""
    return _in_state(connection, _IS_UNKNOWN, after, limit)


_FAILED, _IS_UNKNOWN = inbox.c.state == State.FAILED.value, inbox.c.state == literal_column("'unknown'")
"""Spelled out in the query, else PostgreSQL does not see that its partial index is meant."""


def _in_state(connection: Connection, state: ColumnElement[bool], after: Due, limit: int) -> list[Due]:
    place = tuple_(inbox.c.recipient, inbox.c.nudge)
    query = select(inbox.c.nudge, inbox.c.recipient).where(state)
    query = query.where(place > tuple_(literal(after.recipient), literal(after.nudge, inbox.c.nudge.type)))
    return [Due(*row) for row in connection.execute(query.order_by(*place).limit(limit))]


class Received(NamedTuple):
    """A nudge that went to a recipient: when, by which channel, and how far it came. `at` in microseconds."""

    nudge: UUID
    at: int
    channel: str
    state: str


class Place(NamedTuple):
    """Where in an inbox a page ends."""

    at: int
    nudge: UUID


def page(connection: Connection, recipient: str, before: Place | None, limit: int) -> list[Received]:
    """The next of them, from there on backwards in time; what comes in meanwhile shifts nothing."""
    query = select(inbox.c.nudge, inbox.c.at, inbox.c.channel, inbox.c.state).where(inbox.c.recipient == recipient)
    if before is not None:
        ends = tuple_(literal(before.at), literal(before.nudge, inbox.c.nudge.type))
        query = query.where(tuple_(inbox.c.at, inbox.c.nudge) < ends)
    rows = connection.execute(query.order_by(inbox.c.at.desc(), inbox.c.nudge.desc()).limit(limit))
    return [Received(*row) for row in rows]
