"""The suppression list: an address that a provider calls bad is not written to until the contact changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAttempted
from domain.facts.receipts import ReceiptStatus
from domain.persons.channels import ADDRESS_OF, REFUSED
from domain.persons.history import History
from domain.persons.own_choices import times_of
from domain.persons.person import person_as_of
from notifiers.port.interface import GiveUp, Message, Outcome, Reason
from notifiers.port.routes import Provider
from projections.references import AttemptId
from streams.delivery.outcomes.bounce_credibility import BAD, believed
from streams.delivery.outcomes.receipts import Receipt
from streams.delivery.outcomes.soft_bounces import SOFT, Endurance, row_before, soft_among
from streams.log.mapper import Entry
from streams.log.person_keys import PersonKey
from streams.planning import histories
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules
from streams.storage.database import Priority

SOURCE, TYPE, ROLE = "/habarshy/refusal", "citizen.address_refused", "citizen"


class Refused(Struct, frozen=True):
    """An attempt whose address was refused for good; None: the address that the recipient had at the attempt."""

    nudge: UUID
    recipient: str
    attempt: int
    address: str | None = None

    @property
    def attempt_id(self) -> AttemptId:
        """The attempt."""
        return AttemptId(self.nudge, self.recipient, self.attempt)


def refused_of(message: Message) -> Refused:
    """Return the message's attempt, with the address that it went to."""
    return Refused(message.nudge, message.recipient, message.attempt, message.address)


def refuses_address(outcome: Outcome) -> bool:
    """Return whether the outcome says that nobody can ever be reached at the address."""
    return isinstance(outcome, GiveUp) and outcome.reason is Reason.BAD_ADDRESS


def refused_by(provider: Provider, messages: Iterable[Message], outcomes: Sequence[Outcome]) -> list[Refused]:
    """Return the bad addresses, where the provider's word about an address counts."""
    return [
        refused_of(message)
        for message, outcome in zip(messages, outcomes, strict=True)
        if refuses_address(outcome) and provider.knows_addresses() and provider.notifier.reaches(message.address)
    ]


def among_receipts(receipts: Sequence[Receipt]) -> list[Refused]:
    """Return the reports about bad addresses."""
    return [
        Refused(each.nudge, each.recipient, each.attempt)
        for each in receipts
        if each.heard is ReceiptStatus.FAILED and each.reason == Reason.BAD_ADDRESS
    ]


class SuppressionList:
    """Keeps refused addresses, as life events of the recipient."""

    def __init__(self, context: WriteContext, soft_bounces: int, soft_bounce_days: int) -> None:
        self._endurance = Endurance(soft_bounces, soft_bounce_days)
        self._database, self._log, self._library, self._names = (
            context.database,
            context.log,
            context.library,
            context.names,
        )
        self._append, self._clock = context.append, context.clock

    def learn(self, receipts: Sequence[Receipt]) -> None:
        """Suppress addresses that are reported as bad, or from which emails have bounced for days."""
        if refused := [*among_receipts(receipts), *self._worn_out(soft_among(receipts))]:
            self.keep(refused)

    def _worn_out(self, soft: Sequence[Receipt]) -> list[Refused]:
        """Return the attempts at addresses that bounced for days, unless half of the server's messages did."""
        if not soft:
            return []
        rules = self._library.rules()
        with self._database.reading() as connection:
            attempts = [each.attempt_id for each in soft]
            kept = believed(connection, self._log, attempts, SOFT)
            rows = [row_before(connection, self._log, each, self._endurance) for each in soft]
            return [
                Refused(attempt.nudge, attempt.recipient, attempt.attempt)
                for attempt, row in zip(attempts, rows, strict=True)
                if attempt in kept and row and len({*self._addresses_then(connection, row, rules)}) == 1
            ]

    def _addresses_then(self, connection: Connection, row: Sequence[Entry], rules: Rules) -> Iterator[str | None]:
        for each in row:
            assert isinstance(each.fact, NudgeAttempted)
            yield self._address_then(connection, each.fact, each.position, rules)

    def keep(self, refused: Sequence[Refused]) -> None:
        """Store refused addresses, each once."""
        rules = self._library.rules()
        made = self._database.write(lambda connection: self._kept(connection, refused, rules), Priority.DISPATCH)
        self._log.keys.remember(made)

    def _kept(self, connection: Connection, refused: Sequence[Refused], rules: Rules) -> Mapping[str, PersonKey]:
        refused = self._believed(connection, refused)
        persons = sorted({each.recipient for each in refused})
        self._log.keys.hold(connection, persons)  # of two refusals at once, neither is lost
        known = histories.histories(connection, self._log, persons, rules.rulebook)
        events = [
            self._event(connection, [each for each in refused if each.recipient == person], known[person], rules)
            for person in persons
        ]
        return dict(self._append(connection, [event for event in events if event is not None]))

    def _believed(self, connection: Connection, refused: Sequence[Refused]) -> list[Refused]:
        """Leave out the reports of a provider that reports nearly everybody."""
        late = [each.attempt_id for each in refused if each.address is None]
        kept = believed(connection, self._log, late, BAD) if late else set()
        return [each for each in refused if each.address or each.attempt_id in kept]

    def _addresses(self, connection: Connection, refused: Sequence[Refused], rules: Rules) -> Iterator[str | None]:
        """Yield the addresses; a report names none, so it means the address at the time of the attempt."""
        late = [each for each in refused if each.address is None]
        entries = self._log.streams(connection, [each.nudge for each in late])
        for each in refused:
            if each.address is not None:
                yield each.address
        for entry in entries:
            fact, nudge = entry.fact, entry.originator_id
            if isinstance(fact, NudgeAttempted) and Refused(nudge, fact.recipient, fact.attempt) in late:
                yield self._address_then(connection, fact, entry.position, rules)

    def _address_then(
        self, connection: Connection, attempt: NudgeAttempted, position: int, rules: Rules
    ) -> str | None:
        who = [attempt.recipient]
        history = histories.histories(connection, self._log, who, rules.rulebook, position)[attempt.recipient]
        person = person_as_of(attempt.recipient, history.facts, rules.catalogue)
        address = person.get(ADDRESS_OF.get(attempt.channel, ""))
        return None if address is None else str(address)

    def _event(
        self, connection: Connection, refused: Sequence[Refused], history: History, rules: Rules
    ) -> LifeEvent | None:
        person, theirs = history.person, history.facts
        known = person_as_of(person, theirs, rules.catalogue)
        before = known.get(REFUSED) or ()
        addresses = sorted({*before, *(each for each in self._addresses(connection, refused, rules) if each)})
        if addresses == sorted(before):
            return None
        first = refused[0]
        id_ = f"{first.nudge}.{person}.{first.attempt}"
        moment = timedelta(microseconds=1)
        time = max([self._clock(), *(at + moment for at in times_of(theirs, REFUSED, rules.catalogue))])
        return LifeEvent(
            stream=self._names.stream(SOURCE, id_),
            source=SOURCE,
            id=id_,
            type=TYPE,
            time=time,
            persons={ROLE: (person,)},
            fields={ROLE: {"addresses": addresses}},
            digest=self._names.digest(id_.encode()),
        )
