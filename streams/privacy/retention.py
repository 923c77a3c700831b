"""Retiring content: what is not to be read any longer is read by nobody, for the keys of its period are destroyed.

A batch of persons is a transaction: keys, fact and view together, or not at all. So whoever is killed in it begins
again, and what was done is not done twice. A key stays for now where anything is still on its way that depends on
what it sealed: that is looked at with the functions that plan, with the content and without it.

Looks whether planning could do without the content of a period: plans with it, and without.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
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
from domain.planning.plan import whole_plan
from projections import history, nudges, retired
from projections.bulk import among, chunked
from projections.tables import erased, micros
from projections.tables import history as rows
from projections.tables import retired as retired_table
from streams.log.decoding import life_of
from streams.log.log import Log
from streams.log.mapper import Entry, sealed_by
from streams.log.person_keys import KEY_ID_BYTES
from streams.log.row_codes import facts_by
from streams.planning import histories
from streams.planning.histories import Learnt, Recorded
from streams.planning.planning import forgotten, leaving
from streams.rules.context import Books
from streams.rules.in_force import Rules
from streams.storage.database import Priority
from streams.storage.tables import log as log_table
from streams.storage.tables import log_rows, period_keys, person_keys, stream_of


class Sealed(Struct, frozen=True):
    """What some keys seal: event -> role -> the key's id; `named`: whom these events name, in any revision."""

    parts: Mapping[UUID, Mapping[str, bytes]]
    named: frozenset[str]

    def without(self, event: LifeEvent, keys: AbstractSet[bytes], now: datetime) -> LifeEvent:
        """The event as it is read once these keys are gone."""
        gone = {role for role, key in self.parts.get(event.stream, {}).items() if key in keys}
        if not gone:
            return event
        fields = {role: part for role, part in event.fields.items() if role not in gone}
        return replace(event, fields=fields, retired=now)


class Trial:
    """The histories and nudges of all whom the events name; to be made while they are held."""

    def __init__(self, connection: Connection, log: Log, rules: Rules, sealed: Sealed, now: datetime) -> None:
        self._rulebook, self._sealed, self._now = rules.rulebook, sealed, now
        persons = sorted(history.marks(connection, sealed.named))
        self._recorded = histories.recorded(connection, log, persons, rules.rulebook)
        self._nudges = nudges.of_persons(connection, persons)
        self._left = forgotten(connection, log, self._nudges)

    def needed(self, keys: AbstractSet[bytes]) -> set[bytes]:
        """Those of the keys without which something on its way, or yet to be planned, would not be what it is."""
        kept: set[bytes] = set()
        while more := self._needed(keys - kept):
            kept |= more
        return kept

    def _needed(self, gone: AbstractSet[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        for person, whole in self._recorded.items():
            events = (each.event.stream for each in whole.own)
            theirs = {key for stream in events for key in self._sealed.parts.get(stream, {}).values()} & gone
            if theirs and self._depends(person, whole, gone):
                found |= theirs
        return found

    def _depends(self, person: str, whole: Recorded, gone: AbstractSet[bytes]) -> bool:
        own = [Learnt(self._sealed.without(each.event, gone, self._now), each.recorded) for each in whole.own]
        known = self._nudges[person]
        try:
            plans = [
                leaving(whole_plan(each.history(person, self._rulebook.catalogue), self._rulebook), self._left)
                for each in (whole, Recorded(own, whole.areas))
            ]
        except Exception:  # noqa: BLE001  (who cannot be planned keeps what they have, whatever it is)
            return True
        if any(diff(plan, known, self._rulebook, self._now) for plan in plans):
            return True  # not planned yet, or it would look as if something had changed
        return any(nudge.waits and plans[1].leaves(nudge.intent) for nudge in known.values())


BATCH = 100
"""Persons of one transaction."""
EVENTS = 1000
"""Events of one transaction, where it is looked which keys are gone."""
SOURCE = "/habarshy/retired"


class Over(Struct, frozen=True):
    """The content of a type and year whose time is over: `limit` as the type has it (ISO 8601).

    `keys`: how many are to be destroyed, one a person; `facts`: how many events of that type and year name them.
    """

    type: str
    year: int
    limit: str
    keys: int
    facts: int


class Done(Struct, frozen=True):
    """What became of it: keys destroyed, and keys that stay for now because something on its way depends on them."""

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
    """The limit as types say it."""
    years, months = divmod(limit.months, 12)
    return "P" + (f"{years}Y" if years else "") + (f"{months}M" if months else "")


class Retiring:
    """Retires content, for operators."""

    def __init__(self, books: Books) -> None:
        self._books, self._database, self._log = books, books.database, books.log

    def scope(self) -> list[Over]:
        """What `retire` would do now; changes nothing."""
        limits, now = self._books.library.rules().catalogue.limited, self._books.clock()
        with self._database.reading() as connection:
            return [
                Over(type_, year, text_of(limits[type_]), keys, _facts(connection, type_, year))
                for type_, year, keys in _periods(connection, limits, now.year)
                if _ends(year, limits[type_]) <= now
            ]

    def retire(self, who: Principal, wanted: Sequence[Over], batch: int = BATCH) -> tuple[list[Done], bool]:
        """Retire this; gives what became of it, and whether it is out of SQLite's write-ahead log as well."""
        done = [self._retire(one, who, batch) for one in wanted]
        return done, self._database.tidy()

    def again(self, periods: AbstractSet[tuple[str, int]]) -> list[Over]:
        """Those of the periods of which an older copy of the database brought keys back."""
        limits = self._books.library.rules().catalogue.limited
        with self._database.reading() as connection:
            found = _periods(connection, {type_ for type_, _ in periods}, 9999)
            return [
                Over(type_, year, text_of(limits.get(type_, Offset())), keys, _facts(connection, type_, year))
                for type_, year, keys in found
                if (type_, year) in periods
            ]

    def recognise(self, who: Principal, periods: AbstractSet[tuple[str, int]]) -> int:
        """Say of keys of these periods that they are gone, where the log is older than that and does not know.

        So an old log with the newest copy of the keys. Returns how many there were.
        """
        limits = self._books.library.rules().catalogue.limited
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
            for part in chunked(sorted(lost)):
                lost -= set(connection.execute(select(table.c.key_id).where(among(table.c.key_id, part))).scalars())
        self._note(connection, one, who, lost)
        return positions[-1], len(lost)

    def _retire(self, one: Over, who: Principal, batch: int) -> Done:
        after, keys, kept = "", 0, 0
        while (last := self._write(one, who, after, batch)) is not None:
            after, keys, kept = last.last, keys + last.keys, kept + last.kept
        return Done(one.type, one.year, one.limit, keys, kept)

    def _write(self, one: Over, who: Principal, after: str, batch: int) -> _Batch | None:
        rules = self._books.library.rules()
        return self._database.write(
            lambda connection: self._batch(connection, one, who, after, batch, rules), Priority.AREAS
        )

    def _batch(
        self, connection: Connection, one: Over, who: Principal, after: str, batch: int, rules: Rules
    ) -> _Batch | None:
        """Locks in the order of all: persons, then the log."""
        keys = _keys(connection, one, after, batch)
        if not keys:
            return None
        held = keys.keys() | self._sealed(connection, one, keys).named
        self._log.keys.hold(connection, held)
        last, keys = (
            max(keys),
            {person: key for person, key in _keys(connection, one, after, batch).items() if person in keys},
        )
        sealed = self._sealed(connection, one, keys)
        if not sealed.named <= held:
            return _Batch(after, 0, 0)  # others are named by now: once more, with them
        gone = set(keys.values())
        kept = Trial(connection, self._log, rules, sealed, self._books.clock()).needed(gone)
        self._log.keys.destroy_periods(connection, gone - kept)
        self._note(connection, one, who, gone - kept)
        return _Batch(last, len(gone - kept), len(kept))

    def _sealed(self, connection: Connection, one: Over, keys: Mapping[str, bytes]) -> Sealed:
        """What these keys seal, with all whom these events name in any revision."""
        ids, parts, originals = set(keys.values()), {}, set()
        for row in _events(connection, one, sorted(keys)):
            state, stream = life_of(row), stream_of(row[1])
            by = {role: part[:KEY_ID_BYTES] for role, part in state.sealed.items()}
            if theirs := {role: key for role, key in by.items() if key in ids}:
                parts[stream] = theirs
                originals.add(
                    stream if state.corrects is None else self._books.names.stream(state.source, state.corrects)
                )
        later = [at for some in history.revisions_of(connection, list(originals)).values() for at in some]
        facts = [*self._log.streams(connection, originals), *self._log.read(connection, later)]
        events = [each.fact for each in facts if isinstance(each.fact, LifeEvent)]
        return Sealed(parts, frozenset(person for event in events for person in event.everybody))

    def _note(self, connection: Connection, one: Over, who: Principal, keys: AbstractSet[bytes]) -> None:
        """The fact that these keys are gone, and its view."""
        if not keys:
            return
        ids, now = tuple(sorted(keys)), self._books.clock()
        fact = ContentRetired(now, who.name, who.agency, one.type, one.year, one.limit, ids)
        stream = self._books.names.stream(SOURCE, f"{one.type}/{one.year}/{ids[0].hex()}")
        position = self._log.append(connection, [Entry(stream, 1, fact)]) + 1
        retired.note(connection, ids, position, now)


def _ends(year: int, limit: Offset) -> datetime:
    """From when on the content of that year is not to be read any more."""
    return shift(datetime(year + 1, 1, 1, tzinfo=UTC), limit, ZoneInfo("UTC"))


def _periods(connection: Connection, types: Collection[str], before: int) -> list[tuple[str, int, int]]:
    """Type, year and how many keys, of the years before that one."""
    query = select(period_keys.c.type, period_keys.c.year, func.count()).where(
        among(period_keys.c.type, sorted(types)), period_keys.c.year < before
    )
    key = (period_keys.c.type, period_keys.c.year)
    return [(type_, year, count) for type_, year, count in connection.execute(query.group_by(*key).order_by(*key))]


def _keys(connection: Connection, one: Over, after: str, limit: int) -> dict[str, bytes]:
    """The next persons with a key of that period -> its id."""
    query = select(period_keys.c.person, period_keys.c.key_id).where(
        period_keys.c.type == one.type, period_keys.c.year == one.year, period_keys.c.person > after
    )
    rows = connection.execute(query.order_by(period_keys.c.person).limit(limit))
    return {person: bytes(key) for person, key in rows}


def _of_period(type_: str, year: int) -> ColumnElement[bool]:
    edges = [micros(datetime(each, 1, 1, tzinfo=UTC)) for each in (year, year + 1)]
    return and_(rows.c.type == type_, rows.c.time >= edges[0], rows.c.time < edges[1])


def _events(connection: Connection, one: Over, persons: Sequence[str]) -> Iterator[Any]:
    """The events of that period that name any of the persons, as the log has them, each once."""
    of_period = _of_period(one.type, one.year)
    for part in chunked(persons):
        theirs = select(rows.c.position).where(among(rows.c.person, part), of_period)
        yield from facts_by(connection, log_rows.where(log_table.c.position.in_(theirs)))


def _facts(connection: Connection, type_: str, year: int) -> int:
    holders = select(period_keys.c.person).where(period_keys.c.type == type_, period_keys.c.year == year)
    theirs = rows.c.person.in_(holders)  # whose histories are found by their key: there is no index by type
    query = select(func.count(func.distinct(rows.c.position))).where(theirs, _of_period(type_, year))
    return connection.execute(query).scalar_one()
