"""The view `history`: the facts of each person, and which of them are not planned yet."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from projections.bulk import among, among_keys, change_with, driver_rows, insert_rows, rows_of, rows_with
from projections.for_each import ForEach
from projections.tables import IS_WRITTEN, Position, history, optional_moment, revisions


class HistoryVersion(NamedTuple):
    """The version of a person's history; it differs once the history has changed, or was planned meanwhile.

    `first_waiting`: position of the first fact that waits to be planned, None if none does.
    """

    rows: int
    last: int
    loads: int
    live: int
    waiting: int
    first_waiting: int | None


class News(NamedTuple):
    """A person's facts that wait to be planned: the types of their new events.

    `replan`: the whole plan is made again, because more came than new events that are later than the first; `since`:
    time of the first fact that waits (microseconds), None if none does, or only at leisure.
    """

    version: HistoryVersion
    types: frozenset[str]
    replan: bool
    since: int | None


class Concerns(NamedTuple):
    """One row of the view. Times in microseconds; `ahead_from` of the load, None for a live fact.

    `recorded`: time when the fact joined the person's history; `woken`: time since when it waits for its plan;
    `replan`: the person's whole plan is made again, not only what a new event of that type may change.
    """

    person: str
    position: int
    time: int
    type: str
    ahead_from: int | None
    planned: bool
    recorded: int
    woken: int
    replan: bool = False


def add(connection: Connection, rows: Sequence[Concerns]) -> None:
    """Add new facts of persons, which wakes these. Positions are given once, so no row is there already."""
    insert_rows(connection, history, rows)


def wake(connection: Connection, rows: Sequence[Concerns]) -> None:
    """Add facts that persons may already have, and wake these in any case."""
    insert_rows(connection, history, rows, ignore=True)
    woken = max((row.woken for row in rows), default=0)
    _WOKEN.execute(connection, [(row.person, row.position) for row in rows], woken=woken)


def wake_again(connection: Connection, person: str, positions: Sequence[int], woken: int) -> None:
    """Wake the person, because something in these facts has changed that their plan may have read."""
    theirs = update(history).where(history.c.person == person)
    change_with(connection, theirs.values(planned=False, replan=True, woken=woken), history.c.position, positions)


_LATEST = history.alias("latest")
AT_LEISURE = 2**62
"""Added to the time since when a person waits, this puts them behind everybody who waits without it."""


def wake_at_leisure(connection: Connection, persons: Iterable[str], woken: int) -> None:
    """Have these persons planned once nobody else waits; persons who wait already keep their turn."""
    newest = select(func.max(_LATEST.c.position)).where(_LATEST.c.person == bindparam("whose")).scalar_subquery()
    theirs = update(history).where(history.c.person == bindparam("whose"), history.c.position == newest)
    rows = [{"whose": person} for person in persons]
    if rows:
        connection.execute(theirs.values(planned=False, replan=True, woken=_at_leisure(woken)), rows)


def wake_types(connection: Connection, types: Sequence[str], since: int, woken: int) -> None:
    """Have all with such an event since then planned once nobody else waits; persons who wait keep their turn.

    Rows that wait already are written too, so that a concurrent `mark_planned` comes either before or after this.
    """
    theirs = update(history).where(among(history.c.type, types), history.c.time >= since)
    connection.execute(theirs.values(planned=False, replan=True, woken=_at_leisure(woken)))


def _at_leisure(woken: int) -> ColumnElement[int]:
    return case((history.c.planned, AT_LEISURE + woken), else_=history.c.woken)


def with_types(connection: Connection, persons: Sequence[str], types: Iterable[str]) -> set[str]:
    """Return those of the persons who have a fact of these types."""
    if not (wanted := sorted(types)):
        return set()
    query = select(history.c.person).where(among(history.c.type, wanted)).distinct()
    return {person for (person,) in rows_with(connection, query, history.c.person, persons)}


def move_ahead(connection: Connection, position: int, ahead_from: int | None, *, woken: int) -> None:
    """Give a loaded fact the `ahead_from` of an earlier load (None: it came live), and wake its persons."""
    connection.execute(
        update(history)
        .where(history.c.position == position, history.c.ahead_from.is_not(None))
        .values(ahead_from=ahead_from, planned=False, replan=True, woken=woken)
    )


def unplanned(connection: Connection, limit: int, woken_before: int | None = None) -> list[str]:
    """Return persons with facts that are not planned yet, the longest waiting first."""
    turn = tuple_(history.c.woken, history.c.person)
    waiting = (
        select(history.c.woken, history.c.person).where(~history.c.planned).distinct().order_by(*turn).limit(limit)
    )
    if woken_before is not None:
        waiting = waiting.where(history.c.woken < woken_before)
    page = connection.execute(waiting).all()
    found = dict.fromkeys(person for _, person in page)
    while len(page) == limit and len(found) < limit:
        page = connection.execute(waiting.where(turn > tuple_(*map(literal, page[-1])))).all()
        found.update(dict.fromkeys(person for _, person in page))
    return list(found)[:limit]


def unplanned_at_leisure(connection: Connection, limit: int) -> list[str]:
    """Return persons whose facts are planned at leisure, the longest waiting first; `limit`: rows of the view."""
    query = select(history.c.person).where(~history.c.planned, history.c.woken >= AT_LEISURE)
    found = connection.execute(query.order_by(history.c.woken, history.c.person).limit(limit)).scalars()
    return list(dict.fromkeys(found))


def waiting_among(connection: Connection, persons: Sequence[str]) -> set[str]:
    """Return those of the persons who have facts that are not planned yet."""
    query = select(history.c.person).where(~history.c.planned).distinct()
    return {person for (person,) in rows_with(connection, query, history.c.person, persons)}


def all_waiting(connection: Connection) -> set[str]:
    """Return everybody who has facts that are not planned yet."""
    return set(connection.execute(select(history.c.person).where(~history.c.planned).distinct()).scalars())


def has_facts_before(connection: Connection, end: int) -> bool:
    """Return True if any fact was recorded before `end`, or loaded as history that happened before it."""
    loaded = and_(history.c.ahead_from.is_not(None), history.c.time < end)
    queries = (select(history.c.position).where(each).limit(1) for each in (history.c.recorded < end, loaded))
    return any(connection.execute(query).first() is not None for query in queries)


def changed_within(connection: Connection, since: int | None, until: int | None) -> set[str]:
    """Return persons with facts recorded in that time, or who were woken in it and still wait."""
    start, end = since or 0, AT_LEISURE - 1 if until is None else until
    woken = or_(
        and_(history.c.woken >= start, history.c.woken < end),
        and_(history.c.woken >= AT_LEISURE + start, history.c.woken < AT_LEISURE + end),
    )
    queries = (
        select(history.c.person).where(history.c.recorded >= start, history.c.recorded < end),
        select(history.c.person).where(~history.c.planned, woken),
    )
    return {person for query in queries for person in connection.execute(query.distinct()).scalars()}


def versions(connection: Connection, persons: Iterable[str]) -> dict[str, HistoryVersion]:
    """Return person -> version of their history."""
    query = select(history.c.person, *_VERSION).group_by(history.c.person)
    rows = rows_with(connection, query, history.c.person, persons)
    return {person: HistoryVersion(*version) for person, *version in rows}


def waiting_types(connection: Connection, persons: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return person -> the types of their facts that wait for a plan, not at leisure -> since when (microseconds)."""
    found: dict[str, dict[str, int]] = {}
    for person, type_, since in rows_of(connection, _WAITING_TYPES, sorted(persons)):
        found.setdefault(person, {})[type_] = since
    return found


_WAITING_TYPES = (
    select(history.c.person, history.c.type, func.min(history.c.woken))
    .where(among_keys(history.c.person), ~history.c.planned, history.c.woken < AT_LEISURE)
    .group_by(history.c.person, history.c.type)
)


def with_events_after(connection: Connection, persons: Iterable[str], position: int) -> dict[str, int]:
    """Return those of the persons with events after that position -> the position of the last."""
    return dict(rows_of(connection, _EVENTS_AFTER, sorted(persons), after=position))


_EVENTS_AFTER = (
    select(history.c.person, func.max(history.c.position))
    .where(among_keys(history.c.person), history.c.position > bindparam("after"))
    .group_by(history.c.person)
)


_VERSION = (
    func.count(),
    func.max(history.c.position),
    func.coalesce(func.sum(history.c.ahead_from), 0),
    func.count(history.c.ahead_from),
    func.count().filter(~history.c.planned),
    func.min(history.c.position).filter(~history.c.planned),
)


def news(connection: Connection, persons: Iterable[str]) -> dict[str, News]:
    """Return person -> what waits of them, with the version of their history; persons without one are left out."""
    found: dict[str, News] = {}
    query = select(history.c.person, *_NEWS, *_VERSION).group_by(history.c.person)
    rows = rows_with(connection, query, history.c.person, persons)
    for person, types, replan, new, known, since, *version in rows:
        told = frozenset(types.split(",")) if types else frozenset()
        first = bool(told) and (known is None or new <= known)
        found[person] = News(HistoryVersion(*version), told, bool(replan) or first, since)
    return found


_NEWS = (
    func.aggregate_strings(history.c.type, ",").filter(~history.c.planned),
    func.coalesce(func.max(case((history.c.replan, 1), else_=0)).filter(~history.c.planned), 0),
    func.min(history.c.time).filter(~history.c.planned),
    func.min(history.c.time).filter(history.c.planned),
    func.min(history.c.recorded).filter(~history.c.planned, history.c.woken < AT_LEISURE),
)


def count_of_type(connection: Connection, person: str, type_: str, since: int) -> int:
    """Return how many events of that type were recorded of the person since then."""
    mine = (history.c.person == person, history.c.type == type_, history.c.recorded > since)
    return connection.execute(select(func.count()).select_from(history).where(*mine)).scalar_one()


def last_recorded(connection: Connection) -> datetime | None:
    """Return the time of the latest record of a fact about a person; None if there is none."""
    return optional_moment(connection.execute(select(func.max(history.c.recorded))).scalar())


def mark_planned(connection: Connection, upto: Mapping[str, HistoryVersion], *, by_news: bool = False) -> None:
    """Mark these persons as planned up to these versions; later facts still wait.

    `by_news`: only new events were planned, so a fact that has come to ask for the whole plan meanwhile still waits.
    """
    statement = _PLANNED_BY_NEWS if by_news else _PLANNED
    ranges = [(person, one.first_waiting, one.last) for person, one in upto.items() if one.waiting]
    statement.execute(connection, ranges)


def _this(whose: ColumnElement[str], position: ColumnElement[int]) -> ColumnElement[bool]:
    return and_(history.c.person == whose, history.c.position == position)


def _between(whose: ColumnElement[str], first: ColumnElement[int], last: ColumnElement[int]) -> ColumnElement[bool]:
    return and_(history.c.person == whose, history.c.position.between(first, last))


_KEY = (history.c.person, history.c.position)
_WOKEN = ForEach(update(history).values(planned=False, replan=True, woken=bindparam("woken")), _KEY, _this)
_UNPLANNED = update(history).where(~history.c.planned)
_RANGE = (history.c.person, Column("first", Position), Column("last", Position))
_PLANNED = ForEach(_UNPLANNED.values(planned=True, replan=False), _RANGE, _between)
_PLANNED_BY_NEWS = ForEach(_UNPLANNED.where(~history.c.replan).values(planned=True), _RANGE, _between)


def note_revisions(connection: Connection, placed: Iterable[tuple[UUID, int]]) -> None:
    """Add revisions, each by its original, which may come later, and its own position."""
    insert_rows(connection, revisions, [(original, position, False) for original, position in placed])


def revisions_of(connection: Connection, originals: Sequence[UUID]) -> dict[UUID, list[int]]:
    """Return original -> positions of its revisions."""
    found: dict[UUID, list[int]] = {}
    query = select(revisions.c.original, revisions.c.position)
    for original, position in rows_with(connection, query, revisions.c.original, originals):
        found.setdefault(original, []).append(position)
    return found


def originals_arrived(connection: Connection, originals: Sequence[UUID]) -> None:
    """Record that these originals have arrived, so that their revisions no longer wait."""
    waiting = update(revisions).where(~revisions.c.arrived)
    change_with(connection, waiting.values(arrived=True), revisions.c.original, originals)


def has_revisions(connection: Connection) -> bool:
    """Return True if any revision was ever recorded; otherwise batches need not look for theirs."""
    return connection.execute(select(revisions.c.position).limit(1)).first() is not None


def count_of_facts(connection: Connection, persons: Sequence[str]) -> int:
    """Return the number of facts of these persons."""
    query = select(func.count()).select_from(history)
    return sum(count for (count,) in rows_with(connection, query, history.c.person, persons))


def persons_after(connection: Connection, person: str, limit: int, upto: str | None = None) -> list[str]:
    """Return the next persons who have a history, by pseudonym, up to and including `upto`."""
    return list(connection.execute(_persons(person, upto).limit(limit)).scalars())


def persons_with(
    connection: Connection, types: Iterable[str], after: str = "", upto: str | None = None, since: int | None = None
) -> list[str]:
    """Return all persons after one and up to another with a fact of these types (since then), by pseudonym."""
    query = _with(_persons(after, upto), types, since)
    return [person for (person,) in driver_rows(connection, query)]


def with_types_since(
    connection: Connection, persons: Sequence[str], types: Iterable[str], since: int | None
) -> list[str]:
    """Return those of the persons with a fact of these types (since then), by pseudonym."""
    query = _with(_persons("", None), types, since)
    return [person for (person,) in rows_with(connection, query, history.c.person, persons)]


def _with(persons: Select[Any], types: Iterable[str], since: int | None) -> Select[Any]:
    query = persons.where(among(history.c.type, sorted(types)))
    return query if since is None else query.where(history.c.time >= since)


def _persons(after: str, upto: str | None) -> Select[Any]:
    query = select(history.c.person).where(history.c.person > after).distinct().order_by(history.c.person)
    return query if upto is None else query.where(history.c.person <= upto)


def waiting(connection: Connection, aside: Select[tuple[str | None]] | None = None) -> tuple[int, int | None]:
    """Return the number of unplanned rows, and since when the oldest waits, without persons in `aside`."""
    woken = history.c.woken if aside is None else case((history.c.person.not_in(aside), history.c.woken))
    count, oldest = connection.execute(select(func.count(), func.min(woken)).where(~history.c.planned)).one()
    return count, oldest


def orphaned_revisions(connection: Connection) -> int:
    """Return the number of originals that have revisions and have not come: the revisions wait."""
    query = select(func.count(func.distinct(revisions.c.original))).where(~revisions.c.arrived)
    return int(connection.execute(query).scalar_one())


def citizens_texts(connection: Connection, before: int | None, limit: int) -> Sequence[int]:
    """Return the latest positions of texts that citizens wrote, before that position (None: of all)."""
    query = select(history.c.position).where(IS_WRITTEN).order_by(history.c.position.desc()).limit(limit)
    query = query if before is None else query.where(history.c.position < before)
    return connection.execute(query).scalars().all()
