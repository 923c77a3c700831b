"""The views of nudges: the state of each, the due deliveries, and (written here) the inbox."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update

from domain.nudges.cap import counted_from
from domain.nudges.delivery import Delivery, Due, State
from domain.nudges.nudge import Nudge
from domain.nudges.settle import is_stopped
from domain.planning.plan import Intent
from domain.rules.triggers import RANKS
from projections.bulk import among_keys, insert_rows, lock_rows, replace_rows, rows_of
from projections.for_each import ForEach
from projections.lanes import lane_of
from projections.tables import ENDLESS, IS_ATTEMPTED, IS_STOPPED, due, erased, inbox, micros, nudges, optional_micros

_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_decode = msgspec.msgpack.Decoder(Nudge).decode


def store(connection: Connection, changed: Sequence[Nudge], before: Mapping[UUID, Nudge]) -> None:
    """Update the views to these nudges; `before`: the nudges as the views have them, without new ones."""
    known = [nudge for nudge in changed if nudge.intent.id in before]
    old = [before[nudge.intent.id] for nudge in known]
    _GONE.execute(connection, due_keys(old))
    there = _inbox_of(connection, known)
    gone = {key for nudge in old for key in _inbox_keys(nudge)}.difference(row[:2] for row in there)
    for recipient, id_ in gone:
        connection.execute(delete(inbox).where(inbox.c.recipient == recipient, inbox.c.nudge == id_))
    replace_rows(connection, nudges, [_row(nudge) for nudge in known])
    replace_rows(connection, inbox, there)
    insert_rows(connection, due, sorted(row for nudge in known for row in _due_rows(nudge)))
    add(connection, [nudge for nudge in changed if nudge.intent.id not in before])


def add(connection: Connection, fresh: Sequence[Nudge], *, keyed: bool = True) -> None:
    """Add new nudges to the views; `keyed`: the tables have keys, so sorted rows are faster."""
    insert_rows(connection, nudges, [_row(nudge) for nudge in fresh])
    rows = [row for nudge in fresh for row in _due_rows(nudge)]
    insert_rows(connection, due, sorted(rows) if keyed else rows)
    insert_rows(connection, inbox, _inbox_of(connection, fresh))


def _row(nudge: Nudge) -> tuple[Any, ...]:
    return (nudge.intent.id, nudge.intent.person, nudge.version, nudge.state.value, _encode(nudge))


def _due_rows(nudge: Nudge) -> Iterable[tuple[Any, ...]]:
    rank = RANKS[nudge.intent.klass]
    for one in nudge.deliveries:
        if one.due is not None and one.digest is None:  # a member of a digest has no row: its digest has one
            attempted, stopped = one.state is State.ATTEMPTED, is_stopped(one)
            yield (
                micros(one.due),
                rank,
                nudge.intent.id,
                one.recipient,
                attempted,
                stopped,
                None,
                None,
                lane(nudge.intent),
                micros(max(one.due, nudge.planned_at)),
            )


def lane(intent: Intent) -> int:
    """Return the lane in which the intent's deliveries are claimed."""
    return lane_of(intent.trigger, RANKS[intent.klass])


KEY = (due.c.due_at, due.c.rank, due.c.nudge, due.c.recipient)


def due_keys(found: Iterable[Nudge]) -> list[tuple[Any, ...]]:
    """Return the keys of the nudges' rows in the table `due`."""
    return [row[:4] for nudge in found for row in _due_rows(nudge)]


def keys_of(connection: Connection, these: Iterable[Due]) -> list[tuple[Any, ...]]:
    """Return the keys of the deliveries' rows in the table `due`; of an undivided nudge all have the same row."""
    recipients: dict[UUID, set[str]] = {}
    for id_, recipient in these:
        recipients.setdefault(id_, set()).add(recipient)
    found = by_id(connection, recipients).values()
    return [
        key
        for nudge in found
        for key in due_keys([nudge])
        if nudge.is_undivided or key[3] in recipients[nudge.intent.id]
    ]


def this_delivery(*key: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition for the row of that key."""
    return and_(*(column == value for column, value in zip(KEY, key, strict=True)))


_GONE = ForEach(delete(due), KEY, this_delivery)
_LET_GO = ForEach(update(due).values(holder=None, held_until=None), KEY, this_delivery)


def _inbox_of(connection: Connection, changed: Sequence[Nudge]) -> list[tuple[Any, ...]]:
    """Return the nudges' inbox rows, without attempts from before their recipient was erased."""
    tried = {one.recipient for nudge in changed for one in nudge.deliveries if one.attempted_at is not None}
    erased_at = erasures(connection, tried)
    return [row for nudge in changed for row in _inbox_rows(nudge, erased_at)]


def erasures(connection: Connection, persons: Iterable[str]) -> dict[str, int]:
    """Return those of the persons who were erased -> time of the last erasure (microseconds)."""
    return dict(rows_of(connection, _ERASURES, sorted(persons)))


def was_erased_since(connection: Connection, person: str, moment: datetime) -> bool:
    """Return True if the person was erased at that moment or later: who comes back is somebody new."""
    return erasures(connection, [person]).get(person, -1) >= micros(moment)


def is_from_before_erasure(connection: Connection, nudge: Nudge, person: str) -> bool:
    """Return True if the nudge is from before the person's erasure, so that links in old messages show nothing."""
    erased_at = erasures(connection, [person])
    return bool(erased_at) and (nudge.gone or is_forgotten(nudge.to(person), erased_at))


_ERASURES = (
    select(erased.c.person, func.max(erased.c.at)).where(among_keys(erased.c.person)).group_by(erased.c.person)
)


def is_forgotten(delivery: Delivery, erased_at: Mapping[str, int]) -> bool:
    """Return True if the delivery was attempted before its recipient was erased."""
    attempted = optional_micros(delivery.attempted_at)
    return attempted is not None and attempted <= erased_at.get(delivery.recipient, -1)


def _inbox_rows(nudge: Nudge, erased_at: Mapping[str, int]) -> Iterable[tuple[Any, ...]]:
    for one in nudge.deliveries:
        if one.attempted_at is not None and not is_forgotten(one, erased_at):
            counted = optional_micros(counted_from(one, nudge.intent.klass))
            cause = one.reason or "" if one.is_unresolved else None
            provider = one.provider or ("" if one.is_unresolved else None)
            where = (one.recipient, nudge.intent.id, micros(_at(one)), one.channel, one.state.value)
            yield (*where, counted, cause, provider, nudge.intent.trigger, _open_until(nudge, one.recipient))


def _open_until(nudge: Nudge, recipient: str) -> int | None:
    if nudge.intent.moot_from is not None or any(each.recipient == recipient for each in nudge.done):
        return None
    return ENDLESS if nudge.intent.expires is None else micros(nudge.intent.expires)


def _inbox_keys(nudge: Nudge) -> Iterable[tuple[str, UUID]]:
    """Return the keys of the nudge's inbox rows, including forgotten ones."""
    return ((one.recipient, nudge.intent.id) for one in nudge.deliveries if one.attempted_at is not None)


def _at(delivery: Delivery) -> Any:  # noqa: ANN401  (a datetime: an attempted delivery has one)
    return delivery.sent_at or delivery.attempted_at


def of_persons(connection: Connection, persons: Iterable[str]) -> dict[str, dict[UUID, Nudge]]:
    """Return person -> their nudges by id."""
    found: dict[str, dict[UUID, Nudge]] = {person: {} for person in persons}
    for person, id_, folded in rows_of(connection, _OF_PERSONS, list(found)):
        found[person][id_] = _decode(folded)
    return found


_OF_PERSONS = select(nudges.c.person, nudges.c.nudge, nudges.c.folded).where(among_keys(nudges.c.person))


def by_id(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Nudge]:
    """Return the nudges with those ids."""
    return {id_: _decode(folded) for id_, folded in rows_of(connection, _FOLDED, sorted(set(ids)))}


_FOLDED = select(nudges.c.nudge, nudges.c.folded).where(among_keys(nudges.c.nudge))
_PRESENT = select(nudges.c.nudge).where(among_keys(nudges.c.nudge))
_VERSIONS = select(nudges.c.nudge, nudges.c.version).where(among_keys(nudges.c.nudge))
_VERSIONS_HELD = _VERSIONS.order_by(nudges.c.nudge).with_for_update()  # SQLite has one writer


def overdue(connection: Connection, now: int) -> list[Nudge]:
    """Return the nudges that still wait although their due time has come: about to go, deferred, or to be retried."""
    came = select(due.c.nudge).where(due.c.due_at <= now)
    put_off = (
        select(due.c.nudge).join(nudges, nudges.c.nudge == due.c.nudge).where(nudges.c.state != State.PLANNED.value)
    )
    digested = select(nudges.c.nudge).where(nudges.c.state == State.DIGESTED.value)
    ids = [id_ for query in (came, put_off, digested) for id_ in connection.execute(query).scalars()]
    return [one for one in by_id(connection, ids).values() if micros(one.intent.due) <= now]


def hold(connection: Connection, ids: Iterable[UUID]) -> None:
    """Lock these nudges until the transaction ends. The order of locks: docs/decisions/0008."""
    lock_rows(connection, nudges.c.nudge, ids)


def held(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Nudge]:
    """Lock and return the nudges with those ids, with the members of digests.

    All are locked in one statement, to avoid deadlocks. SQLite has only one writer, which holds everything.
    """
    wanted = set(ids)
    found = by_id(connection, wanted)
    if connection.dialect.name == "sqlite":
        return found
    if members := wanted.union(*(one.members for one in found.values())) - wanted:
        hold(connection, wanted | members)
    versions = dict(rows_of(connection, _VERSIONS if members else _VERSIONS_HELD, sorted(wanted)))
    moved = by_id(connection, [id_ for id_, version in versions.items() if version != _version(found, id_)])
    return {id_: moved.get(id_) or found[id_] for id_ in versions}


def _version(found: Mapping[UUID, Nudge], id_: UUID) -> int:
    return found[id_].version if id_ in found else 0


def present(connection: Connection, ids: Sequence[UUID]) -> list[UUID]:
    """Return those of the ids that have a nudge."""
    return [id_ for (id_,) in rows_of(connection, _PRESENT, ids)]


def versions_held(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the version of each of the nudges, which are locked as by `hold`."""
    return dict(rows_of(connection, _VERSIONS_HELD, sorted(set(ids))))


def release(connection: Connection, these: Iterable[Due]) -> None:
    """Release the claims on these deliveries."""
    _LET_GO.execute(connection, keys_of(connection, these))


def next_due(connection: Connection) -> int | None:
    """Return the time of the next delivery that no stop holds back (microseconds); None if there is none."""
    earliest: int | None = connection.execute(select(func.min(due.c.due_at)).where(~due.c.stopped)).scalar_one()
    return earliest


def release_all(connection: Connection) -> None:
    """Release all claims, because the processes that made them are known to be dead."""
    connection.execute(update(due).where(due.c.held_until.is_not(None)).values(holder=None, held_until=None))


def release_stopped(connection: Connection) -> None:
    """Release the claims on deliveries that stops hold back. Decisions in progress on them stay valid."""
    connection.execute(update(due).where(IS_STOPPED).values(holder=None, held_until=None))


def attempted(connection: Connection) -> list[Due]:
    """Return the attempts that have no outcome yet."""
    return [Due(*row) for row in connection.execute(select(due.c.nudge, due.c.recipient).where(IS_ATTEMPTED))]


def open_attempts(connection: Connection) -> int:
    """Return the number of attempts that have no outcome yet."""
    return connection.execute(select(func.count()).select_from(due).where(IS_ATTEMPTED)).scalar_one()


def states(connection: Connection) -> Mapping[str, int]:
    """Return state -> number of nudges."""
    query = select(nudges.c.state, func.count().label("many")).group_by(nudges.c.state)
    return {row.state: row.many for row in connection.execute(query)}


def count_with_attempt_ahead(connection: Connection, state: State) -> int:
    """Return how many of the nudges in that state have a further attempt ahead."""
    query = select(func.count()).select_from(nudges)
    ahead = query.where(nudges.c.state == state.value, nudges.c.nudge.in_(select(due.c.nudge)))
    return connection.execute(ahead).scalar_one()


def waiting(connection: Connection, now: int) -> tuple[int, int | None]:
    """Return how many deliveries are due by now, and the earliest moment at which one of them could have gone.

    An old event that was reported today could go from today on, not from its due time on.
    """
    count, first = connection.execute(select(func.count(), func.min(due.c.since)).where(due.c.due_at <= now)).one()
    return count, first
