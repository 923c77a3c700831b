"""Repair after a provider's outage: make deliveries that failed by it due again, once; the dispatcher sends them."""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.translatable import Said
from domain.facts.facts import NUDGE_FACTS, NudgeCancelled, NudgeFact, NudgeRenewed
from domain.nudges.delivery import Delivery, Due
from domain.nudges.digest import goes_with, is_digest
from domain.nudges.nudge import Nudge
from domain.nudges.retryable import Failure, is_retryable, passing_failures
from domain.planning.plan import plan
from domain.rules.triggers import CORRECTION
from projections import inbox, nudges
from streams.log.appending import append_if_unmoved
from streams.planning import histories
from streams.replay.walk import FIRST, Stride, Walk, delivery_at, place_of
from streams.rules.context import WriteContext
from streams.storage.database import Priority

BATCH = 500


class DeliveryFilter(Struct, frozen=True):
    """Deliveries last attempted from `since` on and before `until`, by provider, trigger, its agency and so on."""

    since: datetime | None = None
    until: datetime | None = None
    provider: str | None = None
    channel: str | None = None
    trigger: str | None = None
    agency: str | None = None

    def is_about(self, nudge: Nudge, agencies: Collection[str]) -> bool:
        """Return True if the trigger and the agency are meant. `agencies`: those whose message it is."""
        return self.trigger in {None, nudge.intent.trigger} and (self.agency is None or self.agency in agencies)

    def has_last(self, delivery: Delivery) -> bool:
        """Return True if the delivery's last attempt is meant."""
        at = delivery.attempted_at
        return self.is_by(delivery.channel, delivery.provider) and at is not None and self.covers(at)

    def covers(self, moment: datetime) -> bool:
        """Return True if the moment is within the times."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)

    def is_by(self, channel: str | None, provider: str | None) -> bool:
        """Return True if the channel and the provider are meant."""
        return self.channel in {None, channel} and self.provider in {None, provider}


class Outage(DeliveryFilter, frozen=True):
    """The failures to retry. `last_only`: the last attempt of the delivery has to be meant, not any of them."""

    last_only: bool = False

    def concerns(self, nudge: Nudge, delivery: Delivery, agencies: Collection[str]) -> bool:
        """Return True if the delivery may be meant, before its failures are read."""
        return self.is_about(nudge, agencies) and (self.has_last(delivery) or not self.last_only)

    def of(self, failures: Mapping[str, Failure]) -> dict[str, Failure]:
        """Return the failures on the outage's channel and by its provider."""
        return {channel: failure for channel, failure in failures.items() if self.is_by(channel, failure.provider)}


class Renewal(Struct, frozen=True):
    """A delivery to retry on these channels; `provider`, `reason`: of the last failure.

    `leaving`: members of this digest that are not planned any more.
    """

    nudge: Nudge
    recipient: str
    channels: tuple[str, ...]
    provider: str
    reason: str
    leaving: tuple[Nudge, ...] = ()


class NotRetried(StrEnum):
    """The reasons not to retry a failed delivery, as `repair` prints them."""

    TRIED_AGAIN = "tried again by themselves"
    MAYBE_SENT = "may have been sent on another channel"
    OVER = "no longer useful"
    NO_OUTAGE = "failed for another reason than an outage"
    NOT_ASKED = "not asked for"


class FailedBatch(Struct, frozen=True):
    """A batch of failed deliveries up to and including `upto`, and those to retry.

    `left`: reason -> number of the others; `next_at`: the first time at which one is tried again by itself.
    """

    upto: Due
    failed: int
    renewals: Sequence[Renewal]
    left: Mapping[NotRetried, int] = {}
    next_at: datetime | None = None

    @property
    def stride(self) -> Stride:
        """The batch as a stride of a job."""
        reasons = Counter(f"renew({renewal.reason})" for renewal in self.renewals)
        again = self.left.get(NotRetried.TRIED_AGAIN, 0)
        return Stride(place_of(self.upto), self.failed, reasons, again=again, next_at=self.next_at)


class FailedDeliveries:
    """Finds deliveries that an outage ended, and makes them due again."""

    def __init__(self, context: WriteContext) -> None:
        self._database, self._log = context.database, context.log
        self._library, self._clock = context.library, context.clock

    def work(self, outage: Outage, by: str) -> Walk:
        """Return the repair as the work of a job."""
        return Walk(
            Said("try again"),
            "failed deliveries",
            self._library,
            lambda after: self.look(outage, delivery_at(after)),
            lambda after: self.renew(outage, by, delivery_at(after)),
        )

    def look(self, outage: Outage, after: Due = FIRST) -> Iterator[FailedBatch]:
        """Yield what would be retried, a batch at a time, without writing anything."""
        while True:
            with self._database.reading() as connection:
                rows = inbox.failed(connection, after, BATCH)
                again = list[datetime]()
                judged = list(self._renewals_or_reasons(connection, rows, outage, again))
            if not rows:
                return
            renewals = [one for one in judged if isinstance(one, Renewal)]
            left = Counter(one for one in judged if isinstance(one, NotRetried))
            yield FailedBatch(rows[-1], len(rows), renewals, left, min(again, default=None))
            after = rows[-1]

    def renew(self, outage: Outage, by: str, after: Due = FIRST) -> Iterator[FailedBatch]:
        """Make deliveries due again, one transaction a batch, and yield them. Nudges that changed are left alone."""
        for found in self.look(outage, after):
            yield FailedBatch(found.upto, found.failed, self._commit(found.renewals, by), found.left, found.next_at)

    def _commit(self, renewals: Sequence[Renewal], by: str) -> Sequence[Renewal]:
        now, facts = self._clock(), list[tuple[Nudge, NudgeFact]]()
        for each in renewals:
            facts.append((each.nudge, NudgeRenewed(now, each.recipient, each.channels, by)))
            facts += [(member, NudgeCancelled(now)) for member in each.leaving]
        tied = {renewal.nudge.intent.id: renewal.leaving for renewal in renewals}
        kept = self._database.write(
            lambda connection: append_if_unmoved(connection, self._log, facts, tied), Priority.DISPATCH
        )
        return [renewal for renewal in renewals if renewal.nudge.intent.id in kept]

    def _renewals_or_reasons(
        self, connection: Connection, rows: Sequence[Due], outage: Outage, again: list[datetime]
    ) -> Iterator[Renewal | NotRetried]:
        """Yield a renewal for each row to retry, and the reason for each other row.

        The times at which others are tried again by themselves are added to `again`.
        """
        now = self._clock()
        found = nudges.by_id(connection, [row.nudge for row in rows])
        agencies = agencies_of(connection, found.values(), self._library.rules().governed.owners)
        failed = list[tuple[Nudge, str]]()
        for row in rows:
            nudge = found[row.nudge]
            if not outage.concerns(nudge, nudge.to(row.recipient), agencies[row.nudge]):
                yield NotRetried.NOT_ASKED
            elif is_retryable(nudge, nudge.to(row.recipient), now):
                failed.append((nudge, row.recipient))
            else:
                delivery = nudge.to(row.recipient)
                again += [delivery.due] if delivery.due is not None else []
                yield _left(delivery)
        told = self._facts(connection, [nudge.intent.id for nudge, _ in failed])
        members = nudges.by_id(connection, {member for nudge, _ in failed for member in nudge.members})
        wanted = self.wanted(connection, [*(nudge for nudge, _ in failed), *members.values()], now)
        for nudge, recipient in failed:
            along = [members[id_] for id_ in nudge.members if goes_with(members[id_], nudge)]
            leaving = tuple(member for member in along if member.intent.id not in wanted)
            passing = passing_failures(told[nudge.intent.id], recipient)
            channels = outage.of(passing)
            last = next(reversed(channels.values()), None)
            of_use = nudge.intent.id in wanted and (
                not is_digest(nudge.intent) or _has_lasting_member(along, wanted, now)
            )
            if not of_use:
                yield NotRetried.OVER
            elif last is not None and (outage.last_only or outage.covers(last.at)):
                yield Renewal(nudge, recipient, _in_order(nudge, channels), last.provider, last.reason, leaving)
            else:
                yield NotRetried.NOT_ASKED if passing else NotRetried.NO_OUTAGE

    def _facts(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, list[NudgeFact]]:
        told: dict[UUID, list[NudgeFact]] = {id_: [] for id_ in ids}
        for entry in self._log.streams(connection, ids):
            if isinstance(entry.fact, NUDGE_FACTS):
                told[entry.originator_id].append(entry.fact)
        return told

    def wanted(self, connection: Connection, found: Sequence[Nudge], now: datetime) -> set[UUID]:
        """Return the nudges that are still planned. Those that failed had ended, so planning did not cancel them."""
        rulebook = self._library.rules().rulebook
        planned = {one.intent.id for one in found if one.intent.step != CORRECTION and not is_digest(one.intent)}
        persons = {one.intent.person for one in found if one.intent.id in planned}
        known = histories.histories(connection, self._log, persons, rulebook)
        intents = [intent for history in known.values() for intent in plan(history, rulebook)]
        still = {intent.id for intent in intents if intent.moot_from is None or now < intent.moot_from}
        return still.union(one.intent.id for one in found if one.intent.id not in planned)


def _left(delivery: Delivery) -> NotRetried:
    """Return the reason not to retry a delivery that has not failed for good, or is no longer useful."""
    if delivery.due is not None:
        return NotRetried.TRIED_AGAIN
    return NotRetried.MAYBE_SENT if delivery.maybe_sent else NotRetried.OVER


def _has_lasting_member(members: Iterable[Nudge], wanted: Container[UUID], now: datetime) -> bool:
    """Return True if any member of a digest is still planned and has not expired."""
    left = (one.intent for one in members if one.intent.id in wanted)
    return any(intent.expires is None or now < intent.expires for intent in left)


def _in_order(nudge: Nudge, channels: Container[str]) -> tuple[str, ...]:
    return tuple(channel for channel in nudge.intent.channels if channel in channels)


def agencies_of(
    connection: Connection, found: Collection[Nudge], owners: Mapping[str, str]
) -> dict[UUID, frozenset[str]]:
    """Map each nudge to the agencies whose message it is: a digest is of each whose message was to go with it.

    `owners`: the agency of each trigger.
    """
    members = nudges.by_id(connection, {member for nudge in found for member in nudge.members})
    every = {nudge.intent.id: [nudge, *(members[id_] for id_ in nudge.members)] for nudge in found}
    return {
        id_: frozenset(owners[one.intent.trigger] for one in some if one.intent.trigger in owners)
        for id_, some in every.items()
    }
