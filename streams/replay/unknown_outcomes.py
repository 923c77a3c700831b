"""Unknown outcomes: attempts that may or may not have reached the provider, and an operator's decisions about them.

The causes are a killed process, a provider that hung up, or a log restored from a backup. Such a message is not
repeated by itself, as it may have arrived. An operator has the provider asked, has it sent again, or closes it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.translatable import Said
from domain.facts.facts import NudgeResolved
from domain.nudges.delivery import Delivery, Due
from domain.nudges.digest import is_digest
from domain.nudges.nudge import Nudge
from projections import inbox, nudges
from projections.tables import micros
from streams.log.appending import append_if_unmoved
from streams.replay.retry_failed import DeliveryFilter, FailedDeliveries, agencies_of
from streams.replay.walk import FIRST, Stride, Walk, delivery_at, place_of
from streams.rules.context import WriteContext
from streams.storage.database import Priority

BATCH = 500
LONGEST_WHY = 500
"""Characters of the reason for a decision."""
AGES = {"under an hour": timedelta(hours=1), "under a day": timedelta(days=1), "under a week": timedelta(days=7)}
OLDER = "older"


class Resolution(StrEnum):
    """The decisions: `ask` the provider, send `again` what surely did not leave, or `close` it as it is."""

    ASK = "ask"
    AGAIN = "again"
    CLOSE = "close"


class OutcomeFilter(DeliveryFilter, frozen=True):
    """The unknown outcomes to decide about. `cause`: why they are unknown."""

    cause: str | None = None

    def has(self, nudge: Nudge, delivery: Delivery, agencies: Collection[str]) -> bool:
        """Return True if this delivery is selected. `agencies`: those whose message it is."""
        return self.is_about(nudge, agencies) and self.has_last(delivery) and self.cause in {None, delivery.reason}


class OutcomeKind(Struct, frozen=True, order=True):
    """A group of unknown outcomes: cause, provider, channel, and age, from when it first went or was last tried."""

    cause: str
    provider: str
    channel: str
    age: str


class ResolutionBatch(Struct, frozen=True):
    """A batch of unknown outcomes up to and including `upto`: the number looked at, and those decided about."""

    upto: Due
    looked: int
    how: str
    meant: Sequence[tuple[Nudge, Delivery]]

    @property
    def stride(self) -> Stride:
        """The batch as a stride of a job."""
        kinds = Counter(f"{self.how}({delivery.reason})" for _, delivery in self.meant)
        return Stride(place_of(self.upto), self.looked, kinds)


class UnknownOutcomes:
    """Lists unknown outcomes and records an operator's decisions. `askable`: the providers that can be asked."""

    def __init__(
        self, context: WriteContext, renewing: FailedDeliveries, askable: Callable[[], frozenset[str]]
    ) -> None:
        self._database, self._log, self._library = context.database, context.log, context.library
        self._renewing, self._clock, self._askable = renewing, context.clock, askable

    def work(self, which: OutcomeFilter, how: Resolution, by: str, why: str) -> Walk:
        """Return the decision as the work of a job."""
        return Walk(
            Said("resolve"),
            "unknown outcomes",
            self._library,
            lambda after: self.look(which, how, delivery_at(after)),
            lambda after: self.resolve(which, how, (by, why), delivery_at(after)),
        )

    def counts(self, which: OutcomeFilter = OutcomeFilter()) -> Counter[OutcomeKind]:  # noqa: B008  (frozen)
        """Count unknown outcomes by kind, however many there are; where none are selected, the database counts."""
        found, now, after = Counter[OutcomeKind](), self._clock(), FIRST
        with self._database.reading() as connection:
            if which == OutcomeFilter():
                ages = {age: micros(now - most) for age, most in AGES.items()}
                by_age = inbox.unresolved_by_age(connection, ages, OLDER)
                return Counter({OutcomeKind(*cause, age): count for (cause, age), count in by_age.items()})
            while rows := inbox.unknown(connection, after, BATCH):
                found.update(_kind(delivery, now) for _, delivery in self._selected(connection, rows, which))
                after = rows[-1]
        return found

    def look(self, which: OutcomeFilter, how: Resolution, after: Due = FIRST) -> Iterator[ResolutionBatch]:
        """Yield the deliveries that would be decided about, a batch at a time, without writing anything."""
        while True:
            with self._database.reading() as connection:
                rows = inbox.unknown(connection, after, BATCH)
                meant = self._meant(connection, rows, which, how)
            if not rows:
                return
            yield ResolutionBatch(rows[-1], len(rows), how, meant)
            after = rows[-1]

    def resolve(
        self, which: OutcomeFilter, how: Resolution, said: tuple[str, str], after: Due = FIRST
    ) -> Iterator[ResolutionBatch]:
        """Record the decision, one transaction a batch, and yield the deliveries. `said`: by whom, and the reason.

        Nudges that changed meanwhile are left alone.
        """
        for found in self.look(which, how, after):
            now = self._clock()
            facts = [
                (nudge, NudgeResolved(now, delivery.recipient, delivery.attempt, how.value, *said))
                for nudge, delivery in found.meant
            ]
            kept = self._database.write(
                lambda connection, facts=facts: append_if_unmoved(connection, self._log, facts),  # type: ignore[misc]
                Priority.DISPATCH,
            )
            done = [(nudge, delivery) for nudge, delivery in found.meant if nudge.intent.id in kept]
            yield ResolutionBatch(found.upto, found.looked, how, done)

    def _meant(
        self, connection: Connection, rows: Sequence[Due], which: OutcomeFilter, how: Resolution
    ) -> list[tuple[Nudge, Delivery]]:
        found = self._selected(connection, rows, which)
        if how is Resolution.ASK:
            askable = self._askable()
            return [
                (nudge, delivery)
                for nudge, delivery in found
                if delivery.provider in askable and not is_digest(nudge.intent)
            ]
        if how is Resolution.CLOSE:
            return found
        return self._of_use(connection, found)

    def _selected(
        self, connection: Connection, rows: Sequence[Due], which: OutcomeFilter
    ) -> list[tuple[Nudge, Delivery]]:
        unresolved = _unresolved(connection, rows)
        agencies = agencies_of(connection, [nudge for nudge, _ in unresolved], self._library.rules().governed.owners)
        return [one for one in unresolved if which.has(*one, agencies[one[0].intent.id])]

    def _of_use(
        self, connection: Connection, found: Sequence[tuple[Nudge, Delivery]]
    ) -> list[tuple[Nudge, Delivery]]:
        """Return what may be sent again: still planned, not expired, and no digest, whose members may have gone."""
        now = self._clock()
        left = [
            (nudge, delivery)
            for nudge, delivery in found
            if not (nudge.gone or is_digest(nudge.intent) or _is_over(nudge, now))
        ]
        wanted = self._renewing.wanted(connection, [nudge for nudge, _ in left], now)
        return [(nudge, delivery) for nudge, delivery in left if nudge.intent.id in wanted]


def _unresolved(connection: Connection, rows: Sequence[Due]) -> list[tuple[Nudge, Delivery]]:
    found = nudges.by_id(connection, [row.nudge for row in rows])
    every = [(found[row.nudge], found[row.nudge].to(row.recipient)) for row in rows]
    return [(nudge, delivery) for nudge, delivery in every if delivery.is_unresolved]


def _kind(delivery: Delivery, now: datetime) -> OutcomeKind:
    old = now - (delivery.sent_at or delivery.attempted_at or now)
    age = next((name for name, most in AGES.items() if old < most), OLDER)
    return OutcomeKind(delivery.reason or "", delivery.provider or "", delivery.channel or "", age)


def _is_over(nudge: Nudge, now: datetime) -> bool:
    return nudge.intent.expires is not None and nudge.intent.expires <= now
