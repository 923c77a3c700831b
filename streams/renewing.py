"""Repair after a provider's outage: what failed by it has its turn again, once; sending it is the dispatcher's."""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.digest import is_digest, travels
from domain.facts import NUDGE_FACTS, NudgeFact, NudgeRenewed
from domain.nudge import Nudge
from domain.plan import plan
from domain.renewing import has_failed, passing_failures
from domain.triggers import CORRECTION
from projections import inbox, nudges
from projections.nudges import Due
from streams import reading
from streams.appending import append_if_unmoved
from streams.database import Database, Priority
from streams.library import Library
from streams.log import Log
from streams.walking import Stride, Walk

BATCH = 500
NOBODY = Due(UUID(int=0), "")


class Outage(Struct, frozen=True):
    """Which failures are meant: their last attempt failed from `since` on and before `until`, and so on."""

    since: datetime | None = None
    until: datetime | None = None
    provider: str | None = None
    channel: str | None = None
    trigger: str | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether the moment is within its time."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


class Renewal(Struct, frozen=True):
    """A delivery that is to be tried anew, on these channels; `reason`: why the last of them failed."""

    nudge: Nudge
    recipient: str
    channels: tuple[str, ...]
    provider: str
    reason: str


class Found(Struct, frozen=True):
    """A batch of failed deliveries: up to which, how many, and which of them are to be tried anew."""

    upto: Due
    failed: int
    renewals: Sequence[Renewal]

    @property
    def stride(self) -> Stride:
        """As a job counts it."""
        reasons = Counter(f"renew({each.reason})" for each in self.renewals)
        return Stride(f"{self.upto.recipient}/{self.upto.nudge}", self.failed, reasons)


class Renewing:
    """Finds what an outage ended, and makes it due again."""

    def __init__(self, database: Database, log: Log, library: Library, clock: Callable[[], datetime]) -> None:
        self._database, self._log, self._library, self._clock = database, log, library, clock

    def work(self, outage: Outage, by: str) -> Walk:
        """The repair as the work of a job."""
        return Walk(
            "try again", "failed deliveries", lambda: self._library.rules().position,
            lambda after: (each.stride for each in self.look(outage, _place(after))),
            lambda after: (each.stride for each in self.renew(outage, by, _place(after))),
        )  # fmt: skip

    def look(self, outage: Outage, after: Due = NOBODY) -> Iterator[Found]:
        """What would be tried anew, a batch at a time; nothing is changed."""
        while True:
            with self._database.reading() as connection:
                rows = inbox.failed(connection, after, BATCH)
                renewals = list(self._renewals(connection, rows, outage))
            if not rows:
                return
            yield Found(rows[-1], len(rows), renewals)
            after = rows[-1]

    def renew(self, outage: Outage, by: str, after: Due = NOBODY) -> Iterator[Found]:
        """Make it due again, a batch a transaction; gives what was. What has moved meanwhile is left alone."""
        for found in self.look(outage, after):
            yield Found(found.upto, found.failed, self._commit(found.renewals, by))

    def _commit(self, renewals: Sequence[Renewal], by: str) -> Sequence[Renewal]:
        now = self._clock()
        facts = [(each.nudge, NudgeRenewed(now, each.recipient, each.channels, by)) for each in renewals]
        kept = self._database.write(
            lambda connection: append_if_unmoved(connection, self._log, facts), Priority.DISPATCH
        )
        return [each for each in renewals if each.nudge.intent.id in kept]

    def _renewals(self, connection: Connection, rows: Sequence[Due], outage: Outage) -> Iterator[Renewal]:
        now = self._clock()
        found = nudges.by_id(connection, [row.nudge for row in rows])
        failed = [
            (found[row.nudge], row.recipient) for row in rows
            if outage.trigger in {None, found[row.nudge].intent.trigger}
            and has_failed(found[row.nudge], found[row.nudge].to(row.recipient), now)
        ]  # fmt: skip
        told = self._facts(connection, [nudge.intent.id for nudge, _ in failed])
        wanted = self._wanted(connection, [nudge for nudge, _ in failed], now)
        for nudge, recipient in failed:
            channels = {
                channel: each for channel, each in passing_failures(told[nudge.intent.id], recipient).items()
                if outage.channel in {None, channel} and outage.provider in {None, each.provider}
            }  # fmt: skip
            last = next(reversed(channels.values()), None)
            if last is not None and outage.covers(last.at) and nudge.intent.id in wanted:
                yield Renewal(nudge, recipient, _in_order(nudge, channels), last.provider, last.reason)

    def _facts(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, list[NudgeFact]]:
        told: dict[UUID, list[NudgeFact]] = {id_: [] for id_ in ids}
        for entry in self._log.streams(connection, ids):
            if isinstance(entry.fact, NUDGE_FACTS):
                told[entry.originator_id].append(entry.fact)
        return told

    def _wanted(self, connection: Connection, found: Sequence[Nudge], now: datetime) -> set[UUID]:
        """Those that are still to be said: nobody took them out of the plan when they failed, for they had ended."""
        rulebook = self._library.rules().rulebook
        planned = {one.intent.id for one in found if one.intent.step != CORRECTION and not is_digest(one.intent)}
        persons = {one.intent.person for one in found if one.intent.id in planned}
        histories = reading.histories(connection, self._log, persons, rulebook)
        intents = [intent for history in histories.values() for intent in plan(history, rulebook)]
        still = {each.id for each in intents if each.moot_from is None or now < each.moot_from}
        others = [one for one in found if one.intent.id not in planned]
        return still.union(one.intent.id for one in others if _has_members(connection, one, now))


def _has_members(connection: Connection, nudge: Nudge, now: datetime) -> bool:
    """Of a digest: whether anything that would go with it has not expired."""
    if not is_digest(nudge.intent):
        return True
    members = nudges.by_id(connection, nudge.members).values()
    return any(travels(one, nudge) and (one.intent.expires is None or now < one.intent.expires) for one in members)


def _in_order(nudge: Nudge, channels: Container[str]) -> tuple[str, ...]:
    return tuple(channel for channel in nudge.intent.channels if channel in channels)


def _place(kept: str) -> Due:
    recipient, _, nudge = kept.partition("/")
    return Due(UUID(nudge), recipient) if nudge else NOBODY
