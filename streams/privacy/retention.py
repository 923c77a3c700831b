"""Retention: content whose retention limit is over becomes unreadable, because the keys of its period are destroyed.

A batch of persons is a transaction: keys, fact and view together, or not at all. So after a crash it is begun again,
and nothing is done twice. A key stays for now where a waiting or future nudge depends on what it sealed: that is
found by planning with the content and without it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, and_, func, select

from domain.core.events import LifeEvent
from domain.core.timing import Offset, shift
from domain.facts.access_facts import ContentRetired
from domain.facts.principals import Principal
from domain.nudges.diff import diff
from domain.nudges.later_completion import is_note
from domain.planning.plan import whole_plan
from projections import history, nudges, retired
from projections.bulk import among, chunked, rows_with
from projections.tables import erased, micros
from projections.tables import history as rows
from projections.tables import retired as retired_table
from streams.log.decoding import life_of
from streams.log.log import Log
from streams.log.mapper import Entry, sealed_by
from streams.log.person_keys import KEY_ID_BYTES
from streams.log.row_codes import facts_by
from streams.planning import histories
from streams.planning.histories import RecordedEvent, Revisions
from streams.planning.person_plans import leaving_undecided, planned_before_erasure
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules
from streams.storage.database import Priority
from streams.storage.tables import log as log_table
from streams.storage.tables import log_rows, period_keys, person_keys, stream_of


class Sealed(Struct, frozen=True):
    """The parts that keys seal: event -> role -> key id; `named`: the persons in any revision of these events."""

    parts: Mapping[UUID, Mapping[str, bytes]]
    named: frozenset[str]

    def without(self, event: LifeEvent, keys: AbstractSet[bytes], now: datetime) -> LifeEvent:
        """Return the event as it is read once these keys are gone."""
        gone = {role for role, key in self.parts.get(event.stream, {}).items() if key in keys}
        if not gone:
            return event
        fields = {role: part for role, part in event.fields.items() if role not in gone}
        return replace(event, fields=fields, retired=now)


class RetentionTrial:
    """Plans the persons that the events name with and without content; made while these persons are locked."""

    def __init__(self, connection: Connection, log: Log, rules: Rules, sealed: Sealed, now: datetime) -> None:
        self._rulebook, self._sealed, self._now = rules.rulebook, sealed, now
        persons = sorted(history.versions(connection, sealed.named))
        self._recorded = histories.revisions_of(connection, log, persons, rules.rulebook)
        self._nudges = nudges.of_persons(connection, persons)
        self._left = planned_before_erasure(connection, log, self._nudges)

    def needed_keys(self, keys: AbstractSet[bytes]) -> set[bytes]:
        """Return those of the keys without which a waiting nudge, or the plan, would change."""
        kept: set[bytes] = set()
        while more := self._needed(keys - kept):
            kept |= more
        return kept

    def _needed(self, gone: AbstractSet[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        for person, whole in self._recorded.items():
            events = (learnt.event.stream for learnt in whole.own)
            theirs = {key for stream in events for key in self._sealed.parts.get(stream, {}).values()} & gone
            if theirs and self._depends(person, whole, gone):
                found |= theirs
        return found

    def _depends(self, person: str, whole: Revisions, gone: AbstractSet[bytes]) -> bool:
        own = [
            RecordedEvent(self._sealed.without(learnt.event, gone, self._now), learnt.recorded)
            for learnt in whole.own
        ]
        known = self._nudges[person]
        try:
            plans = [
                leaving_undecided(
                    whole_plan(recorded.history(person, self._rulebook.catalogue), self._rulebook), self._left
                )
                for recorded in (whole, Revisions(own, whole.areas))
            ]
        except Exception:  # noqa: BLE001  (a person who cannot be planned keeps their content)
            return True
        changes = [change for plan in plans for change in diff(plan, known, self._rulebook, self._now)]
        if any(not is_note(change, known.get(change.nudge)) for change in changes):
            return True  # the plan is out of date, or would change without the content
        return any(nudge.waits and plans[1].leaves(nudge.intent) for nudge in known.values())


BATCH = 100
"""Persons of one transaction."""
EVENTS = 1000
"""Events of one transaction that looks for destroyed keys."""
SOURCE = "/habarshy/retired"


class Over(Struct, frozen=True):
    """The content of a type and year whose retention limit (ISO 8601) is over.

    `keys`: the number of keys to destroy, one for each person; `facts`: the number of events that name them.
    """

    type: str
    year: int
    limit: str
    keys: int
    facts: int


class RetentionResult(Struct, frozen=True):
    """The result: keys destroyed, and keys kept for now because a nudge depends on them."""

    type: str
    year: int
    limit: str
    keys: int
    kept: int


class _Batch(NamedTuple):
    last: str
    keys: int
    kept: int


def text_of(limit: Offset) -> str:
    """Return the limit as an ISO 8601 duration."""
    years, months = divmod(limit.months, 12)
    return "P" + (f"{years}Y" if years else "") + (f"{months}M" if months else "")


class Retiring:
    """Retires content, for operators."""

    def __init__(self, context: WriteContext) -> None:
        self._context, self._database, self._log = context, context.database, context.log

    def scope(self) -> list[Over]:
        """Return what `retire` would do now; changes nothing.

        Raises:
            WrongClock: our clock and the database's are too far apart.
        """
        limits, now = self._context.library.rules().catalogue.limited, self._context.clock()
        with self._database.reading() as connection:
            self._database.server_clock.check(connection)
            return [
                Over(type_, year, text_of(limits[type_]), keys, _facts(connection, type_, year))
                for type_, year, keys in _periods(connection, limits, now.year)
                if _ends(year, limits[type_]) <= now
            ]

    def retire(
        self, who: Principal, wanted: Sequence[Over], stopping: Callable[[], bool] = lambda: False
    ) -> tuple[list[RetentionResult], bool]:
        """Retire this content, or what of it there is time for until it is `stopping`.

        Return the results, and whether SQLite's write-ahead log was emptied too.
        """
        done = [self._retire(one, who, stopping) for one in wanted]
        return done, self._database.tidy()

    def brought_back(self, periods: AbstractSet[tuple[str, int]]) -> list[Over]:
        """Return those of the periods whose keys a restored copy of the database brought back."""
        limits = self._context.library.rules().catalogue.limited
        with self._database.reading() as connection:
            found = _periods(connection, {type_ for type_, _ in periods}, 9999)
            return [
                Over(type_, year, text_of(limits.get(type_, Offset())), keys, _facts(connection, type_, year))
                for type_, year, keys in found
                if (type_, year) in periods
            ]

    def recognise(self, who: Principal, periods: AbstractSet[tuple[str, int]]) -> int:
        """Append the retirement of keys of these periods that are gone, where a restored log lacks it.

        That is so after restoring an old log with the newest copy of the keys. Return the number of keys.
        """
        limits = self._context.library.rules().catalogue.limited
        found = 0
        for type_, year in sorted(periods):
            one = Over(type_, year, text_of(limits.get(type_, Offset())), 0, 0)
            after = 0
            while last := self._database.write(lambda connection: self._recognise(connection, one, who, after)):  # noqa: B023  (runs at once)
                after, more = last
                found += more
        return found

    def _recognise(self, connection: Connection, one: Over, who: Principal, after: int) -> tuple[int, int] | None:
        theirs = select(rows.c.position).where(_of_period(one.type, one.year), rows.c.position > after)
        positions = list(connection.execute(theirs.distinct().order_by(rows.c.position).limit(EVENTS)).scalars())
        if not positions:
            return None
        events = list(facts_by(connection, log_rows.where(among(log_table.c.position, positions))))
        lost = {key for row in events for key in sealed_by(life_of(row))}
        for table in (person_keys, period_keys, erased, retired_table):
            known = rows_with(connection, select(table.c.key_id), table.c.key_id, sorted(lost))
            lost -= {key for (key,) in known}
        self._note(connection, one, who, lost)
        return positions[-1], len(lost)

    def _retire(self, one: Over, who: Principal, stopping: Callable[[], bool]) -> RetentionResult:
        after, keys, kept = "", 0, 0
        while not stopping() and (last := self._write(one, who, after)) is not None:
            after, keys, kept = last.last, keys + last.keys, kept + last.kept
        return RetentionResult(one.type, one.year, one.limit, keys, kept)

    def _write(self, one: Over, who: Principal, after: str) -> _Batch | None:
        rules = self._context.library.rules()
        return self._database.write(
            lambda connection: self._batch(connection, one, who, after, rules), Priority.AREAS
        )

    def _batch(self, connection: Connection, one: Over, who: Principal, after: str, rules: Rules) -> _Batch | None:
        """Retire a batch in the caller's transaction. Locks in the common order: persons, then the log."""
        keys = _keys(connection, one, after)
        if not keys:
            return None
        held = keys.keys() | self._sealed(connection, one, keys).named
        self._log.keys.hold(connection, held)
        last, keys = (
            max(keys),
            {person: key for person, key in _keys(connection, one, after).items() if person in keys},
        )
        sealed = self._sealed(connection, one, keys)
        if not sealed.named <= held:
            return _Batch(after, 0, 0)  # new persons are named by now: begin again, with them
        gone = set(keys.values())
        kept = RetentionTrial(connection, self._log, rules, sealed, self._context.clock()).needed_keys(gone)
        self._log.keys.destroy_periods(connection, gone - kept)
        self._note(connection, one, who, gone - kept)
        return _Batch(last, len(gone - kept), len(kept))

    def _sealed(self, connection: Connection, one: Over, keys: Mapping[str, bytes]) -> Sealed:
        """Return the parts that these keys seal, and the persons in any revision of their events."""
        ids, parts, originals = set(keys.values()), {}, set()
        for row in _events(connection, one, sorted(keys)):
            state, stream = life_of(row), stream_of(row[1])
            by = {role: part[:KEY_ID_BYTES] for role, part in state.sealed.items()}
            if theirs := {role: key for role, key in by.items() if key in ids}:
                parts[stream] = theirs
                originals.add(
                    stream if state.corrects is None else self._context.names.stream(state.source, state.corrects)
                )
        later = [at for some in history.revisions_of(connection, list(originals)).values() for at in some]
        facts = [*self._log.streams(connection, originals), *self._log.read(connection, later)]
        events = [entry.fact for entry in facts if isinstance(entry.fact, LifeEvent)]
        return Sealed(parts, frozenset(person for event in events for person in event.everybody))

    def _note(self, connection: Connection, one: Over, who: Principal, keys: AbstractSet[bytes]) -> None:
        """Append the fact that these keys are gone, and update its view."""
        if not keys:
            return
        ids, now = tuple(sorted(keys)), self._context.clock()
        fact = ContentRetired(now, who.name, who.agency, one.type, one.year, one.limit, ids)
        stream = self._context.names.stream(SOURCE, f"{one.type}/{one.year}/{ids[0].hex()}")
        position = self._log.append(connection, [Entry(stream, 1, fact)]) + 1
        retired.note(connection, ids, position, now)


def _ends(year: int, limit: Offset) -> datetime:
    """Return the end of the retention limit of that year's content."""
    return shift(datetime(year + 1, 1, 1, tzinfo=UTC), limit, ZoneInfo("UTC"))


def _periods(connection: Connection, types: Collection[str], before: int) -> list[tuple[str, int, int]]:
    """Return type, year and number of keys for the years before that one."""
    query = select(period_keys.c.type, period_keys.c.year, func.count()).where(
        among(period_keys.c.type, sorted(types)), period_keys.c.year < before
    )
    key = (period_keys.c.type, period_keys.c.year)
    return [(type_, year, count) for type_, year, count in connection.execute(query.group_by(*key).order_by(*key))]


def _keys(connection: Connection, one: Over, after: str) -> dict[str, bytes]:
    """Return the next BATCH of persons with a key of that period, and its id."""
    query = select(period_keys.c.person, period_keys.c.key_id).where(
        period_keys.c.type == one.type, period_keys.c.year == one.year, period_keys.c.person > after
    )
    rows = connection.execute(query.order_by(period_keys.c.person).limit(BATCH))
    return {person: bytes(key) for person, key in rows}


def _of_period(type_: str, year: int) -> ColumnElement[bool]:
    edges = [micros(datetime(begin, 1, 1, tzinfo=UTC)) for begin in (year, year + 1)]
    return and_(rows.c.type == type_, rows.c.time >= edges[0], rows.c.time < edges[1])


def _events(connection: Connection, one: Over, persons: Sequence[str]) -> Iterator[Any]:
    """Yield the rows of the events of that period that name any of the persons."""
    of_period = _of_period(one.type, one.year)
    for part in chunked(persons):
        theirs = select(rows.c.position).where(among(rows.c.person, part), of_period)
        yield from facts_by(connection, log_rows.where(log_table.c.position.in_(theirs)))


def _facts(connection: Connection, type_: str, year: int) -> int:
    holders = select(period_keys.c.person).where(period_keys.c.type == type_, period_keys.c.year == year)
    theirs = rows.c.person.in_(holders)  # histories are indexed by person, not by type
    query = select(func.count(func.distinct(rows.c.position))).where(theirs, _of_period(type_, year))
    return connection.execute(query).scalar_one()
