"""The suppression list: an address that a provider calls bad is not written to until the contact changes.

An address is refused at once by an answer that nobody can be reached there, or after days in which every email to it
bounced (soft bounces). A provider that reports nearly every address as bad is not believed: it has another trouble.
Immediate answers are judged by those before them (`notifiers.port.routes`). Reports come one by one, in any order, to
any process, and many providers never report what arrived; so they are compared with the messages that the provider
accepted just before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from itertools import islice

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAttempted, NudgeDelivered, NudgeFailed, NudgeOpened, NudgeSent, NudgeUnknown
from domain.facts.receipts import ReceiptStatus
from domain.persons.channels import ADDRESS_OF, REFUSED
from domain.persons.history import History
from domain.persons.own_choices import event_of_person, time_after
from domain.persons.person import person_as_of
from notifiers.port.interface import GiveUp, Message, Outcome, Reason
from notifiers.port.routes import Provider
from projections import inbox
from projections.handed_over import AttemptId
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.delivery.outcomes.references import attempt_id_of
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.log.person_keys import PersonKey
from streams.planning import histories
from streams.rules.context import EventWriter, WriteContext
from streams.rules.in_force import Rules
from streams.storage.database import Priority
from streams.storage.tables import log, log_rows

SOURCE, TYPE, ROLE = "/habarshy/refusal", "citizen.address_refused", "citizen"


class RefusedAttempt(Struct, frozen=True):
    """An attempt whose address was refused for good; None: the address that the recipient had at the attempt."""

    attempt: AttemptId
    address: str | None = None


def refuses_address(outcome: Outcome) -> bool:
    """Return whether the outcome says that nobody can ever be reached at the address."""
    return isinstance(outcome, GiveUp) and outcome.reason is Reason.BAD_ADDRESS


def refused_by(provider: Provider, messages: Iterable[Message], outcomes: Sequence[Outcome]) -> list[RefusedAttempt]:
    """Return the bad addresses, where the provider's word about an address counts."""
    return [
        RefusedAttempt(AttemptId(message.nudge, message.recipient, message.attempt), message.address)
        for message, outcome in zip(messages, outcomes, strict=True)
        if refuses_address(outcome) and provider.knows_addresses() and provider.notifier.reaches(message.address)
    ]


def bad_addresses_among(receipts: Sequence[Receipt]) -> list[RefusedAttempt]:
    """Return the reports about bad addresses."""
    return [
        RefusedAttempt(receipt.attempt_id)
        for receipt in receipts
        if receipt.status is ReceiptStatus.FAILED and receipt.reason == Reason.BAD_ADDRESS
    ]


class BounceThreshold(Struct, frozen=True):
    """The threshold of suppression: emails that bounce in a row, and the days that they must span."""

    bounces: int
    days: int


class SuppressionList(EventWriter):
    """Keeps refused addresses, as life events of the recipient."""

    def __init__(self, context: WriteContext, endurance: BounceThreshold) -> None:
        super().__init__(context)
        self._endurance = endurance

    def suppress_reported(self, receipts: Sequence[Receipt]) -> None:
        """Suppress addresses that are reported as bad, or from which emails have bounced for days."""
        if refused := [*bad_addresses_among(receipts), *self._soft_bounced(soft_bounces_among(receipts))]:
            self.suppress(refused)

    def _soft_bounced(self, soft: Sequence[Receipt]) -> list[RefusedAttempt]:
        """Return the attempts at addresses that bounced for days, unless half of the server's messages did."""
        if not soft:
            return []
        rules = self._library.rules()
        with self._database.reading() as connection:
            attempts = [receipt.attempt_id for receipt in soft]
            kept = credible(connection, self._log, attempts, SOFT_BOUNCES)
            rows = [bounce_row(connection, self._log, receipt, self._endurance) for receipt in soft]
            return [
                RefusedAttempt(attempt)
                for attempt, row in zip(attempts, rows, strict=True)
                if attempt in kept and row and len({*self._addresses_at(connection, row, rules)}) == 1
            ]

    def _addresses_at(self, connection: Connection, row: Sequence[Entry], rules: Rules) -> Iterator[str | None]:
        for entry in row:
            assert isinstance(entry.fact, NudgeAttempted)
            yield self._address_at(connection, entry.fact, entry.position, rules)

    def suppress(self, refused: Sequence[RefusedAttempt]) -> None:
        """Store refused addresses, each once."""
        rules = self._library.rules()
        self._write(lambda connection: self._suppress(connection, refused, rules), Priority.DISPATCH)

    def _suppress(
        self, connection: Connection, refused: Sequence[RefusedAttempt], rules: Rules
    ) -> Mapping[str, PersonKey]:
        refused = self._credible(connection, refused)
        persons = sorted({each.attempt.recipient for each in refused})
        self._log.keys.hold(connection, persons)  # of two refusals at once, neither is lost
        known = histories.of_personal_types(connection, self._log, persons, rules.rulebook)
        events = [
            self._event(
                connection, [each for each in refused if each.attempt.recipient == person], known[person], rules
            )
            for person in persons
        ]
        return dict(self._append(connection, [event for event in events if event is not None]))

    def _credible(self, connection: Connection, refused: Sequence[RefusedAttempt]) -> list[RefusedAttempt]:
        """Leave out the reports of a provider that reports nearly everybody."""
        late = [each.attempt for each in refused if each.address is None]
        kept = credible(connection, self._log, late, BAD_ADDRESSES) if late else set()
        return [each for each in refused if each.address or each.attempt in kept]

    def _addresses(
        self, connection: Connection, refused: Sequence[RefusedAttempt], rules: Rules
    ) -> Iterator[str | None]:
        """Yield the addresses; a report names none, so it means the address at the time of the attempt."""
        yield from (each.address for each in refused if each.address is not None)
        late = {each.attempt for each in refused if each.address is None}
        for entry in self._log.streams(connection, {attempt.nudge for attempt in late}):
            if isinstance(entry.fact, NudgeAttempted) and attempt_id_of(entry) in late:
                yield self._address_at(connection, entry.fact, entry.position, rules)

    def _address_at(self, connection: Connection, attempt: NudgeAttempted, position: int, rules: Rules) -> str | None:
        who = [attempt.recipient]
        then = histories.persons(connection, self._log, who, rules.rulebook, position)
        address = then[attempt.recipient].get(ADDRESS_OF.get(attempt.channel, ""))
        return None if address is None else str(address)

    def _event(
        self, connection: Connection, refused: Sequence[RefusedAttempt], history: History, rules: Rules
    ) -> LifeEvent | None:
        person, theirs = history.person, history.facts
        known = person_as_of(person, theirs, rules.catalogue)
        before = known.get(REFUSED) or ()
        addresses = sorted(
            {*before, *(address for address in self._addresses(connection, refused, rules) if address)}
        )
        if addresses == sorted(before):
            return None
        first = refused[0].attempt
        id_ = f"{first.nudge}.{person}.{first.attempt}"
        time, fields = time_after(theirs, [REFUSED], rules.catalogue, self._clock()), {ROLE: {"addresses": addresses}}
        return event_of_person(self._names, SOURCE, id_, TYPE, ROLE, person, fields, time)


SOFT_BOUNCES = frozenset({Reason.EXPIRED_THERE.value, Reason.MAILBOX_FULL.value, Reason.UNDELIVERED.value})
CHANNEL, LAST_MESSAGES = "email", 50
"""So many of the person's last messages are read. One that was delivered, or sent and not reported, ends a row."""


def soft_bounces_among(receipts: Sequence[Receipt]) -> list[Receipt]:
    """Return the receipts of soft bounces: not delivered, without a word against the address."""
    return [
        receipt for receipt in receipts if receipt.status is ReceiptStatus.FAILED and receipt.reason in SOFT_BOUNCES
    ]


def bounce_row(connection: Connection, log: Log, receipt: Receipt, endurance: BounceThreshold) -> list[Entry]:
    """Return the attempts of the row that the receipt completes, its own last; none if the row is not long enough."""
    shown = inbox.page(connection, receipt.recipient, None, LAST_MESSAGES)
    entries = log.streams(connection, [message.nudge for message in shown])
    letters = sorted(_letters(entries, receipt.recipient), key=_at)
    own = [number for number, letter in enumerate(letters) if attempt_id_of(letter) == receipt.attempt_id]
    row = letters[: own[-1] + 1][-endurance.bounces :] if own else []
    failed = _failed_softly(entries)
    if len(row) < endurance.bounces or not all(attempt_id_of(entry) in failed for entry in row):
        return []
    long = failed[attempt_id_of(row[-1])] - failed[attempt_id_of(row[0])] >= timedelta(days=endurance.days)
    return row if long else []


def _letters(entries: Sequence[Entry], recipient: str) -> Iterator[Entry]:
    """Yield the attempts by email that a server may have accepted."""
    gone = {attempt_id_of(each) for each in entries if isinstance(each.fact, NudgeSent | NudgeUnknown)}
    for entry in entries:
        fact = entry.fact
        letter = isinstance(fact, NudgeAttempted) and (fact.channel, fact.recipient) == (CHANNEL, recipient)
        if letter and attempt_id_of(entry) in gone:
            yield entry


def _failed_softly(entries: Sequence[Entry]) -> Mapping[AttemptId, datetime]:
    """Return when each was first reported as a soft bounce: the end of the cascade repeats the report later."""
    arrived = {attempt_id_of(entry) for entry in entries if isinstance(entry.fact, NudgeDelivered | NudgeOpened)}
    return {
        attempt_id_of(entry): entry.fact.at
        for entry in reversed(entries)
        if isinstance(entry.fact, NudgeFailed)
        and entry.fact.reason in SOFT_BOUNCES
        and attempt_id_of(entry) not in arrived
    }


def _at(entry: Entry) -> datetime:
    assert isinstance(entry.fact, NudgeAttempted)
    return entry.fact.at


DOUBTED_FROM, COMPARED_WITH, NEAR_FACTS = 5, 20, 2_000
"""A provider is doubted from DOUBTED_FROM bad addresses on, if they are half of its messages before.

Of these the last COMPARED_WITH count, as far as they are among the NEAR_FACTS facts before the report's message.
"""
BAD_ADDRESSES = frozenset({Reason.BAD_ADDRESS.value})


def credible(
    connection: Connection, log_: Log, reported: Sequence[AttemptId], reasons: AbstractSet[str]
) -> set[AttemptId]:
    """Return the attempts around which their provider reported few for these reasons."""
    entries = log_.streams(connection, {nudge for nudge, *_ in reported})
    sent = {attempt_id_of(entry): entry for entry in entries if isinstance(entry.fact, NudgeSent)}
    return {one for one in reported if one not in sent or not _too_many(connection, log_, sent[one], reasons)}


def _too_many(connection: Connection, log_: Log, sent: Entry, reasons: AbstractSet[str]) -> bool:
    """Return whether half of what the same provider accepted before was reported so, too."""
    assert isinstance(sent.fact, NudgeSent)
    near = log.c.position.between(sent.position - NEAR_FACTS, sent.position - 1)
    rows = connection.execute(log_rows.where(near, log.c.topic == NudgeSent.TOPIC).order_by(log.c.position.desc()))
    same = (entry for entry in log_.genuine_entries(connection, rows) if _provider(entry) == sent.fact.provider)
    before = {attempt_id_of(entry) for entry in islice(same, COMPARED_WITH)}
    facts = log_.streams(connection, {nudge for nudge, *_ in before})
    bad = before.intersection(attempt_id_of(entry) for entry in facts if _is_bad(entry, reasons))
    return len(bad) >= max(DOUBTED_FROM, len(before) / 2)


def _provider(entry: Entry) -> str:
    assert isinstance(entry.fact, NudgeSent)
    return entry.fact.provider


def _is_bad(entry: Entry, reasons: AbstractSet[str]) -> bool:
    return isinstance(entry.fact, NudgeFailed) and entry.fact.reason in reasons
