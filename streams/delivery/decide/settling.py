"""Before anything is sent: for each delivery whose turn has come, all that `settle` reads, and its decision."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.nudges.cap import window_start
from domain.nudges.class_overrides import OVERRIDES
from domain.nudges.delivery import Delivery, State
from domain.nudges.digest import is_digest, travels
from domain.nudges.nudge import Nudge, is_asked
from domain.nudges.settle import (
    Decision,
    Ledger,
    Reason,
    Send,
    Settlement,
    Withhold,
    is_stopped,
    recipients,
    settle,
)
from domain.persons.history import History
from domain.persons.person import Person
from domain.planning.deaths import Deaths, spoken_of
from projections import inbox, nudges
from projections.nudges import Due
from projections.tables import micros
from streams.delivery.decide.case import Case, decide_digest
from streams.log.log import Log
from streams.planning import histories
from streams.rules.in_force import Rules


class Turn(Struct, frozen=True):
    """What a claim found: open attempts whose lease is over, unknown ones that their providers are to be asked about.

    And cases to decide, and what moved on since the claim.
    """

    lost: list[Settlement]
    asked: list[Settlement]
    cases: list[Case]
    moved_on: list[UUID]


def look(connection: Connection, log: Log, rules: Rules, claimed: Sequence[Due], now: datetime) -> Turn:
    """Read what the claimed deliveries need, and decide each."""
    found = nudges.by_id(connection, [row.nudge for row in claimed])
    lost, asked, fresh, moved_on = [], [], [], []
    for row in claimed:
        nudge = found[row.nudge]
        if not _is_due(nudge, row.recipient, now):
            moved_on.append(row.nudge)
        elif nudge.to(row.recipient).state is State.ATTEMPTED:
            lost.append((nudge, row.recipient))
        elif is_asked(nudge.to(row.recipient)):
            asked.append((nudge, row.recipient))
        else:
            fresh.append((nudge, row.recipient))
    looking = Looking(connection, log, rules, now)
    return Turn(looking.settlements(lost), looking.settlements(asked), list(looking.cases(fresh)), moved_on)


def _is_due(nudge: Nudge, recipient: str, now: datetime) -> bool:
    """Whether its turn is still now: it may have been cancelled, moved or sent since it was claimed.

    What a kill switch holds back has its turn whenever somebody looks whether that still holds.
    """
    theirs = (one for one in nudge.deliveries if one.recipient == recipient and one.digest is None)
    return any(one.due is not None and (one.due <= now or is_stopped(one)) for one in theirs)


class Looking:
    """Reads, for a set of deliveries at once, everything that deciding and writing them needs."""

    def __init__(
        self, connection: Connection, log: Log, rules: Rules, now: datetime, before: int | None = None
    ) -> None:
        self.connection, self.log, self.rules, self.now, self.before = connection, log, rules, now, before
        self.persons: dict[str, Person] = {}
        self.ledgers: dict[str, dict[UUID, Nudge]] = {}
        self.messages: dict[str, list[datetime]] = {}
        self.reported: Mapping[UUID, LifeEvent] = {}
        self.members: Mapping[UUID, Nudge] = {}
        self.histories: dict[str, History] = {}
        self.deaths: dict[str, Deaths] = {}

    def cases(self, rows: Sequence[tuple[Nudge, str]]) -> Iterator[Case]:
        """A case for each delivery; a minor's nudge that nobody looked at yet gives one for each guardian.

        What is to be sent counts for what comes after it.
        """
        self.members = nudges.by_id(self.connection, {each for nudge, _ in rows for each in nudge.members})
        every = [*(nudge for nudge, _ in rows), *self.members.values()]
        concerned = {nudge.intent.person for nudge in every}
        self._load(concerned | {recipient for _, recipient in rows})
        whom = [(nudge, self._recipients(nudge, recipient)) for nudge, recipient in rows]
        recipients_ = {recipient for _, named in whom for recipient in named}
        self._load(recipients_)
        self.ledgers |= nudges.of_persons(self.connection, concerned, {each.intent.id: each for each in every})
        since = micros(window_start(self.rules.defaults, self.now))
        self.messages = inbox.messages(self.connection, recipients_, since)
        self.reported = self._causes(every)
        self._load({each for nudge in every for each in self._spoken_of(nudge)})
        for nudge, named in whom:
            yield from self._decided(nudge, named)

    def settlements(self, rows: Sequence[tuple[Nudge, str]]) -> list[Settlement]:
        """All that speaks for and against deliveries, without deciding on them."""
        concerned = {nudge.intent.person for nudge, _ in rows}
        self._load(concerned | {recipient for _, recipient in rows})
        self.ledgers |= nudges.of_persons(self.connection, concerned)
        return [self._settlement(nudge, recipient) for nudge, recipient in rows]

    def _load(self, pseudonyms: Iterable[str]) -> None:
        missing = set(pseudonyms).difference(self.persons)
        if missing:
            found = histories.histories(self.connection, self.log, missing, self.rules.rulebook, self.before)
            self.histories |= found
            self.persons |= histories.folded(found, self.rules.rulebook)

    def _recipients(self, nudge: Nudge, recipient: str) -> tuple[str, ...]:
        """Whoever was chosen before stays; the first look at a nudge chooses."""
        if recipient != nudge.intent.person or nudge.to(recipient).state is not State.PLANNED:
            return (recipient,)
        trigger = self.rules.rulebook.version(nudge.intent.version).trigger
        return recipients(nudge, trigger, self.persons[recipient], self.rules.defaults, self.now)

    def _causes(self, found: Iterable[Nudge]) -> Mapping[UUID, LifeEvent]:
        """The events behind these nudges: most are in their persons' histories."""
        wanted = {nudge.intent.cause: nudge.intent.person for nudge in found}
        known = {
            one.event.stream: one.event
            for person in set(wanted.values())
            for one in self.histories[person].facts
            if one.event.stream in wanted
        }
        entries = self.log.streams(self.connection, wanted.keys() - known.keys())
        return known | {each.originator_id: each.fact for each in entries if isinstance(each.fact, LifeEvent)}

    def _decided(self, nudge: Nudge, named: Sequence[str]) -> Iterator[Case]:
        about = self.persons[nudge.intent.person]
        for recipient in named or (about.pseudonym,):
            settlement = self._settlement(nudge, recipient)
            if is_digest(nudge.intent):
                yield self._digest(settlement)
            else:
                decision = settle(settlement, self.now) if named else Withhold(Reason.NO_GUARDIAN)
                yield self._case(settlement, self._noted(settlement, decision))

    def _settlement(self, nudge: Nudge, recipient: str) -> Settlement:
        ledger = Ledger(tuple(self.ledgers[nudge.intent.person].values()), tuple(self.messages.get(recipient, ())))
        trigger = self.rules.rulebook.version(nudge.intent.version).trigger
        deaths, rules = self._deaths(nudge.intent.person), self.rules
        mourned = deaths.mourned(self.reported.get(nudge.intent.cause), trigger) or self._has_died(nudge)
        return Settlement(nudge, trigger, self.persons[recipient], ledger, rules.controls, rules.defaults, mourned)

    def _spoken_of(self, nudge: Nudge) -> tuple[str, ...]:
        trigger = self.rules.rulebook.version(nudge.intent.version).trigger
        return spoken_of(self.reported.get(nudge.intent.cause), trigger, self.rules.catalogue.types)

    def _has_died(self, nudge: Nudge) -> bool:
        """Whether somebody whom it speaks of has died, as their own history says."""
        return any(self.persons[each].died is not None for each in self._spoken_of(nudge))

    def _deaths(self, person: str) -> Deaths:
        if (found := self.deaths.get(person)) is None:
            found = self.deaths[person] = Deaths(self.histories[person], self.rules.rulebook)
        return found

    def _case(self, settlement: Settlement, decision: Decision) -> Case:
        intent = settlement.nudge.intent
        cause, history = self.reported.get(intent.cause), self.histories[intent.person]
        return Case(settlement, self.persons[intent.person], cause, decision, history)

    def _noted(self, settlement: Settlement, decision: Decision) -> Decision:
        counts = OVERRIDES[settlement.trigger.klass].counts
        if isinstance(decision, Send) and counts and self._delivery(settlement).attempted_at is None:
            self.messages.setdefault(settlement.person.pseudonym, []).append(self.now)
        return decision

    @staticmethod
    def _delivery(settlement: Settlement) -> Delivery:
        return settlement.nudge.to(settlement.person.pseudonym)

    def _digest(self, settlement: Settlement) -> Case:
        """A digest, with what goes with it by now and what does not any more."""
        digest, recipient = settlement.nudge, settlement.person.pseudonym
        found = (self.members[id_] for id_ in digest.members)
        travelling = [self._settlement(one, recipient) for one in found if travels(one, digest)]
        case = decide_digest(settlement, travelling, self.now, self._case)
        self._noted(settlement, case.decision)
        return case
