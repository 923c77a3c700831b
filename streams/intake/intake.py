"""Intake: events of registries become facts, each once, with the history rows of all persons that they name."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from eventsourcing.persistence import IntegrityError
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.facts.facts import AheadMoved
from projections import area_plans, history
from projections.tables import micros, optional_micros
from streams.intake.affected import AffectedPersons
from streams.intake.cloudevents import Envelope, Refused
from streams.intake.validation import Checker
from streams.log import mapper
from streams.log.decoding import life_of
from streams.log.loads import originals_as_loaded, persons_loaded_at
from streams.log.log import Log
from streams.log.mapper import Entry, LifeState, holders
from streams.log.person_keys import PersonKey
from streams.log.row_codes import facts_with
from streams.queues import webhook_outbox
from streams.storage.database import Database, Priority
from streams.storage.measures import accepted_counter
from streams.storage.tables import log as log_table
from streams.storage.tables import log_rows, stream_of

Labels = tuple[str, ...]


class IntakeCounters:
    """Counters of this process by labels, which hold no personal data; safe for threads."""

    def __init__(self) -> None:
        self._lock, self._found = threading.Lock(), Counter[Labels]()

    def add(self, happened: Iterable[Labels]) -> None:
        """Count each of these labels once more."""
        with self._lock:
            self._found.update(happened)

    def all(self) -> Mapping[Labels, int]:
        """Return the present counts."""
        with self._lock:
            return dict(self._found)


class IntakeOutcome(NamedTuple):
    """The outcome of one event: accepted, a duplicate, or refused with the reason."""

    accepted: bool
    refused: Refused | None = None

    @property
    def duplicate(self) -> bool:
        """Return whether the same event was already stored."""
        return not self.accepted and self.refused is None


MOST_REPETITIONS = 20
"""The most repetitions of a batch because another intake stored one of its events first."""
ACCEPTED, DUPLICATE = IntakeOutcome(accepted=True), IntakeOutcome(accepted=False)


class Intake:
    """Accepts events: checks them, replaces national ids, stores each once, and wakes the persons that it names.

    `refused`: the count of refused events by code. `refuse_future`: refuse what is dated further ahead than its type
    allows; a trial with invented events may take it.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        names: Names,
        checker: Callable[[], Checker],
        clock: Callable[[], datetime],
        *,
        refuse_future: bool = True,
    ) -> None:
        self._database, self._log, self._names, self._checker, self._clock = database, log, names, checker, clock
        self._refuse_future = refuse_future
        self.refused, self.accepted = IntakeCounters(), accepted_counter()

    def accept(
        self,
        envelopes: Iterable[Envelope | Refused],
        ahead_from: datetime | None = None,
        checker: Checker | None = None,
    ) -> list[IntakeOutcome]:
        """Check and store events; return an outcome for each, in their order. A refused one stays refused.

        `ahead_from`: the load is historical; steps due before that moment are not planned. `checker`: of the rules
        that the caller has just looked up; None: they are looked up here.
        """
        checker = checker or self._checker()
        checked = [_check(checker, envelope, ahead_from) for envelope in envelopes]
        events = [event for event in checked if isinstance(event, LifeEvent)]
        stored = iter(self.store(events, checker)) if events else iter(())
        outcomes = [
            next(stored) if isinstance(event, LifeEvent) else IntakeOutcome(accepted=False, refused=event)
            for event in checked
        ]
        new = zip(checked, outcomes, strict=True)
        types = Counter(event.type for event, one in new if one.accepted and isinstance(event, LifeEvent))
        for type_, count in types.items():
            self.accepted.labels(type_).inc(count)
        self.refused.add((outcome.refused.code,) for outcome in outcomes if outcome.refused is not None)
        return outcomes

    def store(self, events: Sequence[LifeEvent], checker: Checker | None = None) -> list[IntakeOutcome]:
        """Append the new events with their history rows, in one transaction.

        `checker`: refuses new events that are dated too far ahead of our clock, and knows the types with a retention
        limit, which are sealed with the keys of periods. None: no event is refused, and no type has a limit.
        """
        outcomes, made = self._store(events, checker)
        self._log.keys.remember(made)
        return outcomes

    def append(self, connection: Connection, events: Sequence[LifeEvent]) -> dict[str, PersonKey]:
        """Append the new events in the caller's transaction, which has locked the persons that the events name.

        Used for citizens' answers, whose types have no retention limit (lint refuses it).

        Return the keys that this made, which the caller gives to `PersonKeys.remember` after the commit.
        """
        return _IntakeTransaction(connection, self._log, self._names, self._clock()).store(events)[1]

    def _store(
        self, events: Sequence[LifeEvent], checker: Checker | None
    ) -> tuple[list[IntakeOutcome], dict[str, PersonKey]]:
        """Store the events; repeat where another intake stored one of them first, which is then known."""

        def work(connection: Connection) -> tuple[list[IntakeOutcome], dict[str, PersonKey]]:
            now, refuse = self._clock(), self._refuse_future
            return _IntakeTransaction(connection, self._log, self._names, now, checker, refuse_future=refuse).store(
                events
            )

        for _ in range(MOST_REPETITIONS):
            with suppress(IntegrityError):
                return self._database.write(work, Priority.INTAKE)
        return self._database.write(work, Priority.INTAKE)


def _check(checker: Checker, envelope: Envelope | Refused, ahead_from: datetime | None) -> LifeEvent | Refused:
    if isinstance(envelope, Refused):
        return envelope
    try:
        return checker.check(envelope, ahead_from)
    except Refused as refused:
        return refused


class _Known(NamedTuple):
    position: int
    state: LifeState


class _IntakeTransaction:
    """One transaction of intake."""

    def __init__(
        self,
        connection: Connection,
        log: Log,
        names: Names,
        now: datetime,
        checker: Checker | None = None,
        *,
        refuse_future: bool = False,
    ) -> None:
        self.refuse_future = refuse_future
        self.connection, self.log, self.names, self.now, self.checker = connection, log, names, now, checker
        self.limited: AbstractSet[str] = frozenset() if checker is None else checker.limited
        self.corrected: dict[UUID, _Known] = {}
        self.loaded: list[tuple[LifeEvent, _Known]] = []

    def _original(self, event: LifeEvent) -> UUID:
        return self.names.stream(event.source, event.original)

    def store(self, events: Sequence[LifeEvent]) -> tuple[list[IntakeOutcome], dict[str, PersonKey]]:
        known = self._known([event.stream for event in events])
        self.corrected = self._known([self._original(event) for event in events if event.corrects is not None])
        fresh: dict[int, LifeEvent] = {}  # by the stream's number: hashing a UUID is slow
        outcomes = [self._take(event, known, fresh) for event in events]
        return outcomes, self._append(list(fresh.values()))

    def _known(self, streams: Sequence[UUID]) -> dict[UUID, _Known]:
        first = log_rows.where(log_table.c.originator_version == 1)
        rows = facts_with(self.connection, first, log_table.c.originator_id, streams)
        return {stream_of(row[1]): _Known(row[0], life_of(row)) for row in rows}

    def _take(self, event: LifeEvent, known: Mapping[UUID, _Known], fresh: dict[int, LifeEvent]) -> IntakeOutcome:
        if self.corrected and event.corrects is not None and (reason := self._problem_of_correction(event)):
            return IntakeOutcome(accepted=False, refused=Refused("corrects", reason))
        stored = known.get(event.stream) if known else None
        if stored is None:
            if (refused := self._too_far_ahead(event)) is not None:
                return IntakeOutcome(accepted=False, refused=refused)
            first = fresh.setdefault(event.stream.int, event)
            return ACCEPTED if first is event else _outcome_of_repeat(event, first.digest)
        outcome = _outcome_of_repeat(event, stored.state.digest)
        if outcome.duplicate and stored.state.ahead_from is not None:
            self.loaded.append((event, stored))
        return outcome

    def _too_far_ahead(self, event: LifeEvent) -> Refused | None:
        """Return the refusal of an event dated too far ahead; what is stored already is a duplicate, whatever its
        time.
        """
        try:
            if self.refuse_future and self.checker is not None:
                self.checker.refuse_future(event, self.now)
        except Refused as refused:
            return refused
        return None

    def _problem_of_correction(self, event: LifeEvent) -> str:
        """Return why it cannot correct the event that it names; empty where it can, or that has not come yet."""
        original = self.corrected.get(self._original(event))
        if original is not None and original.state.corrects is not None:
            return "names a revision; name the original event, and give this a higher number"
        if original is not None and original.state.type != event.type:
            return "names an event of another type; a revision has the type of its original"
        return ""

    def _loaded_again(self, event: LifeEvent, known: _Known) -> None:
        """Note that an event came again by an earlier load, or live: then more of its steps are planned."""
        facts = self.log.streams(self.connection, [event.stream])
        _, counting = originals_as_loaded(facts)[event.stream]
        before = counting.ahead_from
        if before is None or (event.ahead_from is not None and event.ahead_from >= before):
            return
        moved = Entry(event.stream, len(facts) + 1, AheadMoved(event.ahead_from, self.now))
        before_it = self.log.append(self.connection, [moved])
        if known.state.area is not None:
            area_plans.begin(self.connection, self._original(event), before_it + 1)
        history.move_ahead(self.connection, known.position, optional_micros(event.ahead_from), woken=micros(self.now))

    def _append(self, events: Sequence[LifeEvent]) -> dict[str, PersonKey]:
        everybody = {person for event in events for named in event.persons.values() for person in named}
        if self.limited:
            everybody |= {holder for event in events for holder in holders(event, self.limited)}
        concerned = AffectedPersons(self.connection, self.log, self.names)
        woken = persons_loaded_at(self.connection, [known.position for _, known in self.loaded])
        keys, made = self.log.keys.ensure_held(self.connection, everybody, concerned.others(events) | woken)
        concerned.hold_areas([*events, *(event for event, _ in self.loaded)])
        for event, known in self.loaded:  # after locking: planning of the woken persons is done, or waits for this
            self._loaded_again(event, known)
        rows = [(event.stream, 1, event.TOPIC, mapper.seal(event, keys, self.now, self.limited)) for event in events]
        webhook_outbox.note(self.connection, events, self.now)
        before = self.log.facts.append(self.connection, rows)
        concerned.note(list(enumerate(events, before + 1)), micros(self.now))
        return made


def _outcome_of_repeat(event: LifeEvent, digest: bytes) -> IntakeOutcome:
    """Return the outcome for an event whose id is known, with a body of that digest."""
    if digest == event.digest:
        return DUPLICATE
    reason = "was already used by this source for an event with another body; a revision has an id of its own"
    return IntakeOutcome(accepted=False, refused=Refused("id", reason, "id_reused"))
