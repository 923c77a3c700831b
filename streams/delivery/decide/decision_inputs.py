"""The inputs of decisions on deliveries, read in bulk: persons, histories, their nudges, messages and deaths."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.nudges.cap import window_start
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.digest import goes_with, is_digest
from domain.nudges.nudge import Nudge
from domain.nudges.settle import Decision, Ledger, Send, Settlement, guardians, reads_others, recipients, settle
from domain.persons.history import History
from domain.persons.person import Person
from domain.planning.deaths import Deaths, spoken_of
from domain.rules.triggers import Trigger
from projections import inbox, nudges
from projections.tables import micros
from streams.delivery.decide.as_sent import all_planned_before
from streams.delivery.decide.case import Case, decide_digest
from streams.delivery.decide.digesting import recent_digests
from streams.log.log import Log
from streams.planning import histories
from streams.rules.in_force import Rules

_LedgerKey = tuple[str, UUID | str]


def _ledger_key(nudge: Nudge) -> _LedgerKey:
    """Return the same for all nudges that a decision on this one may depend on: those about one thing, or digests."""
    return (nudge.intent.trigger, nudge.intent.person) if is_digest(nudge.intent) else nudge.thing


class DecisionInputs:
    """Reads in bulk what the decisions on deliveries, and their messages, depend on.

    Of most persons it reads only the facts that can change what is known of them, few as these are among all. The
    history of a person is read where words read values of the law, which rest on it.

    `before`: read only facts before this position of the log, also of the members of digests; `whole`: read the
    history of everybody concerned.
    """

    def __init__(
        self,
        connection: Connection,
        log: Log,
        rules: Rules,
        now: datetime,
        before: int | None = None,
        *,
        whole: bool = False,
    ) -> None:
        self.connection, self.log, self.rules, self.now, self.before = connection, log, rules, now, before
        self._whole = whole
        self._upto = log.facts.end(connection)  # read first: what is read afterwards is as new, or newer
        self.persons: dict[str, Person] = {}
        self.ledgers: dict[_LedgerKey, list[Nudge]] = {}
        self.messages: dict[str, list[datetime]] = {}
        self.causes: Mapping[UUID, LifeEvent] = {}
        self.members: dict[UUID, Nudge] = {}
        self.histories: dict[str, History] = {}
        self.deaths: dict[str, Deaths] = {}

    def cases(self, rows: Sequence[tuple[Nudge, str]], awaiting: Mapping[UUID, datetime] = {}) -> Iterator[Case]:
        """Yield a case for each delivery; the first look at a minor's nudge yields one for each guardian.

        A message that is to be sent counts under the cap of those after it. `awaiting`: members that a digest goes
        without, because they wait for a plan, with the next look at each.
        """
        self._load_members(nudge for nudge, _ in rows)
        every = [*(nudge for nudge, _ in rows), *self.members.values()]
        concerned = {nudge.intent.person for nudge in every}
        if whole := {nudge.intent.person for nudge in every if self._needs_history(nudge)}:
            self._keep(histories.histories(self.connection, self.log, whole, self.rules.rulebook, self.before))
        self._load(concerned | {recipient for _, recipient in rows})
        self._load({guardian for nudge in every for guardian in self._guardians(nudge)})
        whom = [(nudge, self._recipients(nudge, recipient)) for nudge, recipient in rows]
        recipients_ = {recipient for _, named in whom for recipient in named}
        self._load_ledgers(every)
        since = micros(window_start(self.rules.defaults, self.now))
        self.messages = inbox.messages(self.connection, recipients_, since)
        self.causes = self._causes(every)
        self._load({person for nudge in every for person in self._spoken_of(nudge)})
        for nudge, named in whom:
            yield from self._cases_of(nudge, named, awaiting)

    def settlements(self, rows: Sequence[tuple[Nudge, str]]) -> list[Settlement]:
        """Return what the decisions on deliveries depend on, without deciding."""
        concerned = {nudge.intent.person for nudge, _ in rows}
        self._load(concerned | {recipient for _, recipient in rows})
        self._load({guardian for nudge, _ in rows for guardian in self._guardians(nudge)})
        self._load_ledgers([nudge for nudge, _ in rows])
        return [self._settlement(nudge, recipient) for nudge, recipient in rows]

    def nudges_by_message(self, found: Iterable[Nudge]) -> dict[UUID, list[Nudge]]:
        """Return message -> the nudges that it tells: itself, or the members of a digest."""
        messages = list(found)
        self._load_members(messages)
        return {each.intent.id: [self.members[id_] for id_ in each.members] or [each] for each in messages}

    def _load_members(self, found: Iterable[Nudge]) -> None:
        missing = {member for nudge in found for member in nudge.members} - self.members.keys()
        members = nudges.by_id(self.connection, missing) if missing else {}
        if self.before is not None:
            members = all_planned_before(self.connection, self.log, members, self.before)
        self.members |= members

    def _needs_history(self, nudge: Nudge) -> bool:
        """Return whether its words can read more of the person's history than `of_personal_types` gives."""
        intent = nudge.intent
        return self._whole or (not is_digest(intent) and self.rules.renderers[intent.version].reads_law)

    def _load(self, pseudonyms: Iterable[str]) -> None:
        if missing := set(pseudonyms).difference(self.persons):
            self._keep(
                histories.of_personal_types(self.connection, self.log, missing, self.rules.rulebook, self.before)
            )

    def _keep(self, found: Mapping[str, History]) -> None:
        self.histories |= found
        self.persons |= histories.folded(found, self.rules.rulebook)

    def _load_ledgers(self, found: Sequence[Nudge]) -> None:
        """Load the other nudges that decisions depend on, by their ids: people may have thousands."""
        known = {nudge.intent.id: nudge for nudge in found}
        reading = [nudge for nudge in found if reads_others(nudge, self._trigger(nudge))]
        twins = {id_ for nudge in reading if not is_digest(nudge.intent) for id_ in self._steps_of(nudge)}
        known |= nudges.by_id(self.connection, twins.difference(known))
        digesting = {nudge.intent.person for nudge in reading if is_digest(nudge.intent)}
        known |= {each.intent.id: each for each in recent_digests(self.connection, digesting, self.now)}
        ledgers = defaultdict[_LedgerKey, list[Nudge]](list)
        for nudge in known.values():
            ledgers[_ledger_key(nudge)].append(nudge)
        self.ledgers |= ledgers

    def _steps_of(self, nudge: Nudge) -> Iterator[UUID]:
        """Yield the ids of all nudges that there can be about the same thing."""
        intent, book = nudge.intent, self.rules.rulebook
        id_of = book.names.nudges(intent.trigger, intent.person, intent.occurrence)
        return map(id_of, book.step_names(intent.trigger))

    def _trigger(self, nudge: Nudge) -> Trigger:
        return self.rules.rulebook.version(nudge.intent.version).trigger

    def _recipients(self, nudge: Nudge, recipient: str) -> tuple[str, ...]:
        """Return whose deliveries to decide on: at the first look at a nudge those of all to whom it goes."""
        return (nudge.is_undivided and self._goes_to(nudge)) or (recipient,)

    def _guardians(self, nudge: Nudge) -> tuple[str, ...]:
        about = self.persons[nudge.intent.person]
        return guardians(self._trigger(nudge), about, self.rules.defaults, self.now) or ()

    def _goes_to(self, nudge: Nudge) -> tuple[str, ...]:
        about = self.persons[nudge.intent.person]
        return recipients(nudge, self._trigger(nudge), about, self.rules.defaults, self.now, self.persons.__getitem__)

    def _causes(self, found: Iterable[Nudge]) -> Mapping[UUID, LifeEvent]:
        """Return the events behind these nudges: some are among what was read of their persons."""
        wanted = {nudge.intent.cause: nudge.intent.person for nudge in found}
        known = {
            one.event.stream: one.event
            for person in set(wanted.values())
            for one in self.histories[person].facts
            if one.event.stream in wanted
        }
        entries = self.log.streams(self.connection, wanted.keys() - known.keys())
        return known | {entry.originator_id: entry.fact for entry in entries if isinstance(entry.fact, LifeEvent)}

    def _cases_of(self, nudge: Nudge, named: Sequence[str], awaiting: Mapping[UUID, datetime]) -> Iterator[Case]:
        for recipient in named:
            settlement = self._settlement(nudge, recipient)
            if is_digest(nudge.intent):
                yield self._digest(settlement, awaiting)
            else:
                yield self._case(settlement, self._counting(settlement, settle(settlement, self.now)))

    def _settlement(self, nudge: Nudge, recipient: str) -> Settlement:
        ledger = Ledger(tuple(self.ledgers.get(_ledger_key(nudge), ())), tuple(self.messages.get(recipient, ())))
        trigger = self._trigger(nudge)
        deaths, rules = self._deaths(nudge.intent.person), self.rules
        mourned = deaths.is_mourned(self.causes.get(nudge.intent.cause), trigger) or self._has_died(nudge)
        goes_to = self._goes_to(nudge)
        return Settlement(
            nudge, trigger, self.persons[recipient], ledger, rules.controls, rules.defaults, goes_to, mourned
        )

    def _spoken_of(self, nudge: Nudge) -> tuple[str, ...]:
        return spoken_of(self.causes.get(nudge.intent.cause), self._trigger(nudge), self.rules.catalogue.types)

    def _has_died(self, nudge: Nudge) -> bool:
        """Return whether somebody whom the nudge speaks of has died, by their own history."""
        return any(self.persons[person].died is not None for person in self._spoken_of(nudge))

    def _deaths(self, person: str) -> Deaths:
        if (found := self.deaths.get(person)) is None:
            found = self.deaths[person] = Deaths(self.histories[person], self.rules.rulebook)
        return found

    def _case(self, settlement: Settlement, decision: Decision) -> Case:
        intent = settlement.nudge.intent
        cause, history = self.causes.get(intent.cause), self.histories[intent.person]
        nudge, recipient = settlement.nudge, settlement.person.pseudonym
        concerned = {intent.person, recipient, *self._spoken_of(nudge), *self._guardians(nudge)}
        return Case(
            settlement,
            self.persons[intent.person],
            cause,
            decision,
            history,
            concerned=frozenset(concerned),
            as_of=self._upto,
        )

    def _counting(self, settlement: Settlement, decision: Decision) -> Decision:
        counts, recipient = CLASS_RULES[settlement.trigger.klass].counts, settlement.person.pseudonym
        if isinstance(decision, Send) and counts and settlement.nudge.to(recipient).attempted_at is None:
            self.messages.setdefault(recipient, []).append(self.now)
        return decision

    def _digest(self, settlement: Settlement, awaiting: Mapping[UUID, datetime]) -> Case:
        """Return the case of a digest, with the members that go with it now and those that leave it."""
        digest, recipient = settlement.nudge, settlement.person.pseudonym
        found = (self.members[id_] for id_ in digest.members)
        travelling = [self._settlement(one, recipient) for one in found if goes_with(one, digest)]
        case = decide_digest(settlement, travelling, self.now, self._case, awaiting)
        self._counting(settlement, case.decision)
        return case
