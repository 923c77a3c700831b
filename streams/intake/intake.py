"""Intake: events of registries become facts, each once, with the history rows of all whom they name.

What a process counts of its own work, for who watches it: nobody is in it, and each process begins at nothing.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from eventsourcing.persistence import IntegrityError
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.facts.facts import AheadMoved
from projections import area_plans, history
from projections.bulk import among, chunked
from projections.tables import micros, optional_micros
from streams.intake.affected import Concerned
from streams.intake.cloudevents import Envelope, Refused
from streams.intake.validation import Checker
from streams.log import mapper
from streams.log.decoding import life_of
from streams.log.loads import as_loaded, loaded_at
from streams.log.log import Log
from streams.log.mapper import Entry, LifeState, holders
from streams.log.person_keys import PersonKey
from streams.log.row_codes import facts_by
from streams.queues import webhook_outbox
from streams.storage.database import Database, Priority
from streams.storage.measures import accepted
from streams.storage.tables import log as log_table
from streams.storage.tables import log_rows, stream_of

Labels = tuple[str, ...]


class Counts:
    """How often each thing happened, told apart by words; threads may count at once."""

    def __init__(self) -> None:
        self._lock, self._found = threading.Lock(), Counter[Labels]()

    def add(self, happened: Iterable[Labels]) -> None:
        """These happened once more."""
        with self._lock:
            self._found.update(happened)

    def all(self) -> Mapping[Labels, int]:
        """How often each did, as of now."""
        with self._lock:
            return dict(self._found)


class Outcome(NamedTuple):
    """What became of one event: accepted, a duplicate, or refused with the reason."""

    accepted: bool
    refused: Refused | None = None

    @property
    def duplicate(self) -> bool:
        """The same fact was already there."""
        return not self.accepted and self.refused is None


FASTER = 20
"""How often others may be faster than one batch, before it is told to its sender."""
ACCEPTED, DUPLICATE = Outcome(accepted=True), Outcome(accepted=False)


class Intake:
    """Takes events in: checked, with pseudonyms, stored once, whoever they name woken.

    `refused`: how many it refused, by code.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        names: Names,
        checker: Callable[[], Checker],
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._log, self._names, self._checker, self._clock = database, log, names, checker, clock
        self.refused, self.accepted = Counts(), accepted()

    def accept(self, envelopes: Sequence[Envelope | Refused], ahead_from: datetime | None = None) -> list[Outcome]:
        """Check and store; one outcome an envelope, in their order (what could not be read stays refused).

        `ahead_from`: the load is historical, and steps due before that moment are not planned.
        """
        checker = self._checker()
        checked = [_check(checker, envelope, ahead_from) for envelope in envelopes]
        events = [each for each in checked if isinstance(each, LifeEvent)]
        stored = iter(self.store(events, checker)) if events else iter(())
        outcomes = [
            next(stored) if isinstance(each, LifeEvent) else Outcome(accepted=False, refused=each) for each in checked
        ]
        for event, outcome in zip(checked, outcomes, strict=True):
            if outcome.accepted and isinstance(event, LifeEvent):
                self.accepted.labels(event.type).inc()
        self.refused.add((each.refused.code,) for each in outcomes if each.refused is not None)
        return outcomes

    def store(self, events: Sequence[LifeEvent], checker: Checker | None = None) -> list[Outcome]:
        """Append what is new, with its history rows, in one transaction.

        `checker`: refuses what is new and dated too far ahead of our clock, and says of which types events are sealed
        with keys of their own for their period. None: nothing is refused for its time, and no type has such keys.
        """
        outcomes, made = self._stored_in_the_end(events, checker)
        self._log.keys.remember(made)
        return outcomes

    def _stored_in_the_end(
        self, events: Sequence[LifeEvent], checker: Checker | None
    ) -> tuple[list[Outcome], dict[str, PersonKey]]:
        """Another intake may be faster with one of them, and a third with the next: each time one more is known."""
        for _ in range(FASTER):
            try:
                return self._stored(events, checker)
            except IntegrityError:
                continue
        return self._stored(events, checker)

    def append(self, connection: Connection, events: Sequence[LifeEvent]) -> dict[str, PersonKey]:
        """Append what is new within the caller's transaction, which holds the persons whom the events name.

        For what citizens say: lint allows no limit on the types of that.

        Returns the keys that this made, to be remembered once the transaction is committed.
        """
        return _Storing(connection, self._log, self._names, self._clock()).store(events)[1]

    def _stored(
        self, events: Sequence[LifeEvent], checker: Checker | None
    ) -> tuple[list[Outcome], dict[str, PersonKey]]:
        return self._database.write(
            lambda connection: _Storing(connection, self._log, self._names, self._clock(), checker).store(events),
            Priority.INTAKE,
        )


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


class _Storing:
    """One transaction of intake."""

    def __init__(
        self, connection: Connection, log: Log, names: Names, now: datetime, checker: Checker | None = None
    ) -> None:
        self.connection, self.log, self.names, self.now, self.checker = connection, log, names, now, checker
        self.limited: AbstractSet[str] = frozenset() if checker is None else checker.limited
        self.corrected: dict[UUID, _Known] = {}
        self.loaded: list[tuple[LifeEvent, _Known]] = []

    def _original(self, event: LifeEvent) -> UUID:
        return self.names.stream(event.source, event.original)

    def store(self, events: Sequence[LifeEvent]) -> tuple[list[Outcome], dict[str, PersonKey]]:
        known = self._known([event.stream for event in events])
        self.corrected = self._known([self._original(event) for event in events if event.corrects is not None])
        fresh: dict[int, LifeEvent] = {}  # by the stream's number: a UUID's own hash is a call of Python
        outcomes = [self._take(event, known, fresh) for event in events]
        return outcomes, self._append(list(fresh.values()))

    def _known(self, streams: Sequence[UUID]) -> dict[UUID, _Known]:
        found: dict[UUID, _Known] = {}
        first = log_rows.where(log_table.c.originator_version == 1)
        for part in chunked(streams):
            rows = list(facts_by(self.connection, first.where(among(log_table.c.originator_id, part))))
            found |= {stream_of(row[1]): _Known(row[0], life_of(row)) for row in rows}
        return found

    def _take(self, event: LifeEvent, known: Mapping[UUID, _Known], fresh: dict[int, LifeEvent]) -> Outcome:
        if self.corrected and event.corrects is not None and (reason := self._corrects_wrongly(event)):
            return Outcome(accepted=False, refused=Refused("corrects", reason))
        stored = known.get(event.stream) if known else None
        if stored is None:
            if (refused := self._future(event)) is not None:
                return Outcome(accepted=False, refused=refused)
            first = fresh.setdefault(event.stream.int, event)
            return ACCEPTED if first is event else _again(event, first.digest)
        outcome = _again(event, stored.state.digest)
        if outcome.duplicate and stored.state.ahead_from is not None:
            self.loaded.append((event, stored))
        return outcome

    def _future(self, event: LifeEvent) -> Refused | None:
        """The refusal of a new event that is dated too far ahead; what is stored already is a duplicate, whatever its
        time.
        """
        try:
            if self.checker is not None:
                self.checker.refuse_future(event, self.now)
        except Refused as refused:
            return refused
        return None

    def _corrects_wrongly(self, event: LifeEvent) -> str:
        """Why it cannot correct what it names; nothing where it can, or where that has not come yet."""
        original = self.corrected.get(self._original(event))
        if original is not None and original.state.corrects is not None:
            return "names a correction; name the original event, and give this a higher revision"
        if original is not None and original.state.type != event.type:
            return "names an event of another type; a correction has the type of what it corrects"
        return ""

    def _loaded_again(self, event: LifeEvent, known: _Known) -> None:
        """The same event by an earlier load, or live after a historical load: more of it is planned."""
        facts = self.log.streams(self.connection, [event.stream])
        _, counting = as_loaded(facts)[event.stream]
        before = counting.ahead_from
        if before is None or (event.ahead_from is not None and event.ahead_from >= before):
            return
        moved = Entry(event.stream, len(facts) + 1, AheadMoved(event.ahead_from, self.now))
        before_it = self.log.append(self.connection, [moved])
        if known.state.area is not None:
            area_plans.begin(self.connection, event.stream, before_it + 1)
        history.move_ahead(self.connection, known.position, optional_micros(event.ahead_from), woken=micros(self.now))

    def _append(self, events: Sequence[LifeEvent]) -> dict[str, PersonKey]:
        everybody = {person for event in events for named in event.persons.values() for person in named}
        if self.limited:
            everybody |= {holder for event in events for holder in holders(event, self.limited)}
        concerned = Concerned(self.connection, self.connection, self.log, self.names)
        woken = loaded_at(self.connection, [known.position for _, known in self.loaded])
        keys, made = self.log.keys.ensure_held(self.connection, everybody, concerned.others(events) | woken)
        for each in self.loaded:  # now: whoever plans one of those whom it wakes is done, or begins after this
            self._loaded_again(*each)
        rows = [(event.stream, 1, event.TOPIC, mapper.seal(event, keys, self.now, self.limited)) for event in events]
        webhook_outbox.note(self.connection, events, self.now)
        before = self.log.facts.append(self.connection, rows)
        concerned.note(list(enumerate(events, before + 1)), micros(self.now))
        return made


def _again(event: LifeEvent, digest: bytes) -> Outcome:
    """The outcome for an event whose id is known, with a body of that digest."""
    if digest == event.digest:
        return DUPLICATE
    reason = "was already used by this source for an event with another body; a correction has an id of its own"
    return Outcome(accepted=False, refused=Refused("id", reason, "id_reused"))
