"""The view `inbox`: the attempted deliveries of each recipient, their state, and which count towards the cap."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)

from domain.nudges.delivery import Due, State
from domain.rules.built_in_triggers import DIGEST
from projections.bulk import among_keys, rows_of
from projections.tables import inbox, moment


class Cause(NamedTuple):
    """The cause of an unknown outcome, with the provider and channel of the attempt."""

    cause: str
    provider: str
    channel: str


def messages(connection: Connection, recipients: Iterable[str], since: int) -> dict[str, list[datetime]]:
    """Return recipient -> times from which messages count towards the cap, later than `since` (microseconds)."""
    found: dict[str, list[datetime]] = {recipient: [] for recipient in recipients}
    for recipient, counted in rows_of(connection, _COUNTED, list(found), since=since):
        found[recipient].append(moment(counted))
    return found


_SINCE = inbox.c.counted > bindparam("since", type_=inbox.c.counted.type)
_COUNTED = select(inbox.c.recipient, inbox.c.counted).where(_SINCE, among_keys(inbox.c.recipient))


def digests(connection: Connection, recipients: Iterable[str], since: int) -> list[UUID]:
    """Return the recipients' digests that were attempted since then (microseconds)."""
    return [nudge for (nudge,) in rows_of(connection, _DIGESTS, sorted(recipients), since=since)]


_LATELY = inbox.c.at >= bindparam("since", type_=inbox.c.at.type)
_OF_DIGESTS = or_(inbox.c.trigger == DIGEST, inbox.c.trigger.is_(None))  # rows of an older version lack it
_DIGESTS = select(inbox.c.nudge).where(_LATELY, _OF_DIGESTS, among_keys(inbox.c.recipient))


def failed(connection: Connection, after: Due, limit: int) -> list[Due]:
    """Return the next failed deliveries, by recipient and nudge; some of them are still retried."""
    return _in_state(connection, _FAILED, after, limit)


def unknown(connection: Connection, after: Due, limit: int) -> list[Due]:
    """Return the next deliveries with an unknown outcome, by recipient and nudge; some of them are still retried."""
    return _in_state(connection, _IS_UNKNOWN, after, limit)


def unresolved(connection: Connection) -> dict[Cause, int]:
    """Count the deliveries with an unknown outcome about which an operator has to decide, however many there are."""
    query = select(*_CAUSE, func.count()).where(inbox.c.cause.is_not(None)).group_by(*_CAUSE)
    return {Cause(*row[:3]): row[3] for row in connection.execute(query)}


def unresolved_by_age(connection: Connection, ages: Mapping[str, int], older: str) -> dict[tuple[Cause, str], int]:
    """Count them by age as well. `ages`: age -> the time after which a message has it, the youngest first."""
    age = case(*((inbox.c.at > since, name) for name, since in ages.items()), else_=older).label("age")
    query = select(*_CAUSE, age, func.count()).where(inbox.c.cause.is_not(None)).group_by(*_CAUSE, age)
    return {(Cause(*row[:3]), row[3]): row[4] for row in connection.execute(query)}


_CAUSE = (inbox.c.cause, inbox.c.provider, inbox.c.channel)


_FAILED, _IS_UNKNOWN = inbox.c.state == State.FAILED.value, inbox.c.state == literal_column("'unknown'")
"""The state is a literal in the query; otherwise PostgreSQL does not use its partial index."""


def _in_state(connection: Connection, state: ColumnElement[bool], after: Due, limit: int) -> list[Due]:
    place = tuple_(inbox.c.recipient, inbox.c.nudge)
    query = select(inbox.c.nudge, inbox.c.recipient).where(state)
    query = query.where(place > tuple_(literal(after.recipient), literal(after.nudge, inbox.c.nudge.type)))
    return [Due(*row) for row in connection.execute(query.order_by(*place).limit(limit))]


class Received(NamedTuple):
    """A nudge sent to a recipient: time (microseconds), channel, state; `may_be_open`: only `unsettled` asks it."""

    nudge: UUID
    at: int
    channel: str
    state: str
    may_be_open: bool = False


class Place(NamedTuple):
    """The last row of a page of an inbox, or of a search."""

    at: int
    nudge: UUID


def page(connection: Connection, recipient: str, before: Place | None, limit: int) -> list[Received]:
    """Return the next rows before a place, the latest first. New rows do not shift the pages."""
    query = select(*_RECEIVED).where(inbox.c.recipient == recipient)
    if before is not None:
        ends = tuple_(literal(before.at), literal(before.nudge, inbox.c.nudge.type))
        query = query.where(tuple_(inbox.c.at, inbox.c.nudge) < ends)
    rows = connection.execute(query.order_by(inbox.c.at.desc(), inbox.c.nudge.desc()).limit(limit))
    return [Received(*row) for row in rows]


def unsettled(
    connection: Connection, recipient: str, now: int, lasting: Collection[str], limit: int
) -> list[Received]:
    """Return the rows of each trigger by which the recipient may still have something to do, the latest first.

    `lasting`: triggers with something to do also after their messages have ended.
    """
    may_be_open = and_(
        inbox.c.open_until.is_not(None), or_(inbox.c.open_until > now, inbox.c.trigger.in_(sorted(lasting)))
    )
    triggers = select(inbox.c.trigger).where(inbox.c.recipient == recipient, may_be_open)
    query = select(*_RECEIVED, may_be_open).where(inbox.c.recipient == recipient, inbox.c.trigger.in_(triggers))
    rows = connection.execute(query.order_by(inbox.c.at.desc(), inbox.c.nudge.desc()).limit(limit))
    return [Received(*row) for row in rows]


_RECEIVED = (inbox.c.nudge, inbox.c.at, inbox.c.channel, inbox.c.state)
RARE = (State.FAILED.value, State.UNKNOWN.value)
PAGE, SCANNED = 25, 6_000
"""The rows of a page of a search, and the rows that are looked at for one at most."""
_RECIPIENTS = 25
"""More recipients than a nudge has."""


class Search(NamedTuple):
    """A search among messages that were tried; None: any. Times in microseconds, `until` exclusive."""

    state: str | None = None
    triggers: tuple[str, ...] | None = None
    provider: str | None = None
    channel: str | None = None
    since: int | None = None
    until: int | None = None


class Tried(NamedTuple):
    """A message that was tried: time of its first success or last attempt (microseconds); without its recipient."""

    nudge: UUID
    at: int
    channel: str
    state: str
    provider: str | None
    trigger: str | None

    @property
    def place(self) -> Place:
        """Return its place in the order of a search."""
        return Place(self.at, self.nudge)


class Searched(NamedTuple):
    """A page of a search. `further`: where the next begins, also where nothing was found on this; None: the end."""

    rows: list[Tried]
    further: Place | None


def search(connection: Connection, wanted: Search, before: Place | None = None, scanned: int = SCANNED) -> Searched:
    """Return the next messages before a place, the latest first.

    The rows are read along an index of their times, at most `scanned` of them, so that a search for what is rare may
    take several pages, but none takes long. The recipients of a nudge stand on one page.
    """
    along = _along(wanted, before)
    chosen = (wanted.provider, wanted.channel, wanted.triggers)
    every = all(each is None for each in chosen) and wanted.state in {None, *RARE}
    some = along.limit(min(scanned, PAGE + _RECIPIENTS) if every else scanned).subquery()
    query = select(some).order_by(some.c.at.desc(), some.c.nudge.desc()).limit(PAGE + _RECIPIENTS)
    for column, value in ((some.c.provider, wanted.provider), (some.c.channel, wanted.channel)):
        query = query if value is None else query.where(column == value)
    if wanted.triggers is not None:
        query = query.where(some.c.trigger.in_(wanted.triggers))
    if wanted.state is not None:
        query = query.where(some.c.state == wanted.state)
    rows = [Tried(*row) for row in connection.execute(query)]
    if len(rows) > PAGE:
        last = rows[PAGE - 1].place
        page = [row for at, row in enumerate(rows) if at < PAGE or row.place == last]
        return Searched(page, last if len(rows) > len(page) else None)
    end = connection.execute(along.offset(scanned - 1).limit(1)).first()
    return Searched(rows, None if end is None else Tried(*end).place)


def _along(wanted: Search, before: Place | None) -> Select[Any]:
    """Return the rows in the order of a search, by an index: of what is rare by one of its own."""
    columns = (inbox.c.nudge, inbox.c.at, inbox.c.channel, inbox.c.state, inbox.c.provider, inbox.c.trigger)
    query = select(*columns).order_by(inbox.c.at.desc(), inbox.c.nudge.desc())
    if wanted.state in RARE:
        query = query.where(inbox.c.state == literal_column(f"'{wanted.state}'"))
    if wanted.since is not None:
        query = query.where(inbox.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(inbox.c.at < wanted.until)
    if before is not None:
        ends = tuple_(literal(before.at), literal(before.nudge, inbox.c.nudge.type))
        query = query.where(inbox.c.at <= before.at, tuple_(inbox.c.at, inbox.c.nudge) < ends)
    return query
