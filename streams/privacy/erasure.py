"""Erasure: a person's keys are destroyed, all views forget them, their nudges end; the facts stay, sealed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, delete, func, select

from domain.core.events import LifeEvent
from domain.facts.access_facts import PersonErased
from domain.facts.chain import leaf
from domain.facts.facts import NUDGE_FACTS, NudgeCancelled, NudgeFact, NudgeWithheld
from domain.facts.principals import Principal
from domain.nudges.delivery import State
from domain.nudges.nudge import Nudge
from domain.nudges.settle import NotSentReason
from projections import area_plans, erased, governance, history, nudges, trail
from projections.erased import Erasure
from projections.tables import erased as erased_table
from projections.tables import micros
from projections.tables import retired as retired_table
from streams.delivery.inbound import sms_parts
from streams.log.appending import record
from streams.log.mapper import Entry
from streams.log.person_keys import PersonKeys
from streams.queues import dead_letters
from streams.queues.dead_letters import DeadLetterQueue
from streams.replay.follower import Follower
from streams.rules.context import WriteContext
from streams.storage.database import Priority
from streams.storage.tables import (
    conversations,
    fake_messages,
    log_rows,
    period_keys,
    person_keys,
    sent_parts,
    stream_of,
    webhooks,
)
from streams.storage.tables import log as log_table

ERASED = NotSentReason.ERASED.value
SOURCE = "/habarshy/erased"


class NobodyKnown(Exception):
    """Raised for a person about whom nothing is known."""

    def __init__(self) -> None:
        super().__init__("Nothing is known about this person, so there is nothing to erase.")


class Scope(Struct, frozen=True):
    """The effect of an erasure: `sealed` facts become unreadable in the person's part, `ending` nudges end.

    `others`: the number of persons who share facts with them, and keep their own parts. `kept`: the facts that stay,
    by topic, because the law requires proof of what was done; nobody can read the person's data in them.
    """

    person: str
    key: bool
    sealed: int
    ending: int
    others: int
    kept: Mapping[str, int]


class Certificate(Struct, frozen=True):
    """The proof of an erasure. Digests are SHA-256 in hexadecimal digits.

    `position`, `fact`: the position of its fact in the log, and the digest of that row; `key`, `wrapped`: the id of
    the destroyed key, and the digest of its wrapped form; `clean`: SQLite's write-ahead log was emptied too.
    """

    person: str
    at: datetime
    by: str
    agency: str
    reason: str
    position: int
    fact: str
    key: str
    wrapped: str
    removed: Mapping[str, int]
    kept: Mapping[str, int]
    clean: bool


class _Concerned(Struct, frozen=True):
    """The facts about a person: life events by position, nudges for or about them, and all facts by topic."""

    events: Mapping[int, LifeEvent]
    nudges: frozenset[UUID]
    kept: Mapping[str, int]


class Erasing:
    """Erases persons, each in one transaction; after a crash it is simply begun again."""

    def __init__(self, context: WriteContext, letters: DeadLetterQueue) -> None:
        self._context, self._letters = context, letters
        self._follower = Follower(context.database, context.log)
        self._database, self._log, self._clock = context.database, context.log, context.clock

    def scope(self, person: str) -> Scope:
        """Return the effect of erasing the person now; changes nothing.

        Raises:
            NobodyKnown: nothing is known about the person, and never was.
        """
        self._follower.drain()
        with self._database.reading() as connection:
            found = self._concerned(connection, person)
            key = bool(self._keys.load(connection, [person]))
            known = nudges.by_id(connection, found.nudges)
            others = {other for event in found.events.values() for other in event.everybody} - {person}
            before = erased.last_erasures(connection, [person])
        if not (key or found.kept or before):
            raise NobodyKnown
        sealed = sum(at > before.get(person, 0) for at in found.events)
        ending = len(list(_endings(person, known.values(), self._clock())))
        return Scope(person, key, sealed, ending, len(others), found.kept)

    def erase(self, person: str, who: Principal, reason: str) -> Certificate:
        """Erase the person and return the certificate; where nothing is left, return that of the last erasure.

        Raises:
            NobodyKnown: nothing is known about the person, and never was.
        """
        scope = self.scope(person)
        if scope.key or scope.sealed or scope.ending:
            self._database.write(lambda connection: self._erase(connection, person, who, reason), Priority.INTAKE)
        clean = self._database.tidy()
        self._follower.drain()
        with self._database.reading() as connection:
            return self._certificate(connection, person, clean=clean)

    @property
    def _keys(self) -> PersonKeys:
        return self._log.keys

    def _concerned(self, connection: Connection, person: str, upto: int | None = None) -> _Concerned:
        events: dict[int, LifeEvent] = {}
        told: set[UUID] = set(nudges.of_persons(connection, [person])[person])
        kept: dict[str, int] = {}
        after = 0
        while positions := trail.positions(connection, person, after=after):
            for entry in self._log.read(connection, [at for at in positions if upto is None or at <= upto]):
                kept[entry.fact.TOPIC] = kept.get(entry.fact.TOPIC, 0) + 1
                if isinstance(entry.fact, LifeEvent):
                    events[entry.position] = entry.fact
                elif isinstance(entry.fact, NUDGE_FACTS):
                    told.add(entry.originator_id)
            after = positions[-1]
        return _Concerned(events, frozenset(told), dict(sorted(kept.items())))

    def _erase(self, connection: Connection, person: str, who: Principal, reason: str) -> None:
        """Erase in the caller's transaction. Locks in the common order: persons, areas, nudges, views, the log."""
        now = self._clock()
        found = self._concerned(connection, person)
        others = {other for event in found.events.values() for other in event.everybody} - {person}
        self._keys.hold(connection, others | {person})
        area_plans.hold_all(connection)  # residents are planned without locking their persons
        self._follower.catch_up(connection)
        found = self._concerned(connection, person)
        held = nudges.held(connection, found.nudges)
        endings = list(_endings(person, held.values(), now))
        record(connection, self._log, endings)
        removed = self._removed(connection, person, found)
        kept = connection.execute(select(person_keys).where(person_keys.c.person == person)).first()
        self._keys.destroy(connection, person)
        for other in sorted(others):
            at = [position for position, event in found.events.items() if other in event.everybody]
            history.wake_again(connection, other, at, micros(now))
        fact = PersonErased(
            now,
            who.name,
            who.agency,
            person,
            reason,
            b"" if kept is None else kept.key_id,
            b"" if kept is None else sha256(kept.wrapped).digest(),
            {**removed, "due": len(endings)},
        )
        self._note(connection, fact)

    def _note(self, connection: Connection, fact: PersonErased) -> None:
        """Append the fact. It counts as a change of the rules too, so that plans made without it are made again."""
        stream = self._context.names.stream(SOURCE, fact.person)
        version = len(self._log.streams(connection, [stream])) + 1
        position = self._log.append(connection, [Entry(stream, version, fact)]) + 1
        erased.note(connection, Erasure(fact.person, position, fact.key), fact.at)
        governance.note(connection, position, fact.TOPIC)

    def _removed(self, connection: Connection, person: str, found: _Concerned) -> dict[str, int]:
        removed = erased.purge(connection, person)
        keys = select(func.count()).select_from(period_keys).where(period_keys.c.person == person)
        removed[period_keys.name] = connection.execute(keys).scalar_one()
        for table in (conversations, fake_messages, sent_parts):
            removed[table.name] = connection.execute(delete(table).where(table.c.recipient == person)).rowcount
        for event in found.events.values():
            gone = connection.execute(delete(webhooks).where(webhooks.c.event == event.stream)).rowcount
            removed[webhooks.name] = removed.get(webhooks.name, 0) + gone
        removed["pieces"] = sms_parts.forget(connection, self._keys, self._context.names, person)
        removed["dead_letters"] = dead_letters.forget(connection, self._letters, self._context.names, person)
        return {name: count for name, count in removed.items() if count}

    def _certificate(self, connection: Connection, person: str, *, clean: bool) -> Certificate:
        last = select(func.max(erased_table.c.position)).where(erased_table.c.person == person)
        position = connection.execute(last).scalar()
        if position is None:
            raise NobodyKnown
        row = connection.execute(log_rows.where(log_table.c.position == position)).one()
        [entry] = self._log.genuine_entries(connection, [row])
        fact, digest = entry.fact, leaf(position, stream_of(row[1]).bytes, *row[2:5])
        assert isinstance(fact, PersonErased)
        return Certificate(
            person,
            fact.at,
            fact.by,
            fact.agency,
            fact.reason,
            position,
            digest.hex(),
            fact.key.hex(),
            fact.wrapped.hex(),
            fact.removed,
            self._concerned(connection, person, position).kept,
            clean,
        )


def _endings(person: str, found: Iterable[Nudge], now: datetime) -> Iterable[tuple[UUID, NudgeFact]]:
    """Yield the facts that end the person's nudges, and the deliveries to them of other persons' nudges.

    An open attempt keeps its lease: its message is already at the provider, and its outcome is still recorded.
    """
    for nudge in found:
        if nudge.intent.person == person:
            if nudge.waits and not nudge.gone:
                yield nudge.intent.id, NudgeCancelled(now, ERASED)
        else:
            theirs = [one for one in nudge.deliveries if one.recipient == person]
            if any(one.due is not None and one.state is not State.ATTEMPTED for one in theirs):
                yield nudge.intent.id, NudgeWithheld(now, person, ERASED)


def destroy_restored_keys(connection: Connection, keys: PersonKeys) -> int:
    """Destroy keys that a restored copy brought back although they were destroyed; return how many."""
    same = (person_keys.c.person == erased_table.c.person) & (person_keys.c.key_id == erased_table.c.key_id)
    back = list(connection.execute(select(person_keys.c.person).join(erased_table, same).distinct()).scalars())
    for person in back:
        keys.destroy(connection, person)
    gone = select(period_keys.c.key_id).join(retired_table, period_keys.c.key_id == retired_table.c.key_id)
    return len(back) + keys.destroy_periods(connection, connection.execute(gone).scalars())
