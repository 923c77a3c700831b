"""Backfill: extend the reach of a published trigger into the past, and plan what it newly reaches as a repair.

The fact that moves the reach leaves earlier plans as they are; only newly reached events get the new `ahead_from`.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.translatable import Words
from domain.facts.principals import Principal
from domain.facts.submissions import check_acting
from streams.replay.repair import GapFilter, PlanRepair, RepairBatch
from streams.replay.walk import Walk
from streams.rules.aggregates import GovernedTrigger
from streams.rules.approval import nominal
from streams.rules.context import WriteContext
from streams.rules.governed import Governed
from streams.rules.publishing import govern, read_governed
from streams.rules.switches import owner_of


class NotInForce(LookupError):
    """Raised for a withdrawn trigger."""


class BackfillRequest(Struct, frozen=True):
    """A wish to extend a trigger's reach to `since`; `also_overdue`: send overdue steps too, until they expire."""

    trigger: str
    since: datetime
    also_overdue: bool = False


class TriggerBackfill:
    """Lets an agency's staff extend the reach of their trigger."""

    def __init__(self, context: WriteContext, repairing: PlanRepair) -> None:
        self._database, self._log, self._names = context.database, context.log, context.names
        self._library, self._repairing, self._clock = context.library, repairing, context.clock

    def check(self, trigger: str, who: Principal) -> None:
        """Check that the principal may backfill this trigger.

        Raises:
            NotAllowed: it belongs to another agency.
            NotInForce, UnknownName: the trigger is withdrawn, or was never published.
        """
        with self._database.reading() as connection:
            before = read_governed(connection, self._log)
        check_acting(who, owner_of(before, trigger, who), trigger)
        _require_live(before.trigger(trigger))

    def work(self, further: BackfillRequest, by: str) -> Walk:
        """Return the backfill as the work of a job, which moves the reach before its first stride."""
        since = further.since.astimezone(self._library.rules().defaults.zone)
        return Walk(
            Words("backfill {trigger} since {day}", trigger=further.trigger, day=f"{since:%Y-%m-%d}"),
            "persons",
            self._library,
            lambda after: self.look(further, by, after),
            lambda after: self._go(further, by, after),
        )

    def look(self, further: BackfillRequest, by: str, after: str = "") -> Iterator[RepairBatch]:
        """Yield what would be planned, a batch of persons at a time, without writing anything."""
        with self._database.reading() as connection:
            before = read_governed(connection, self._log)
            trigger = before.trigger(further.trigger)
            new = self._backfill(connection, before, trigger, further, by)
        rules = self._library.rules_with(trigger.new_facts[-1]) if new else self._library.rules()
        return self._repairing.look(GapFilter(trigger=further.trigger), rules, after)

    def _go(self, further: BackfillRequest, by: str, after: str) -> Iterator[RepairBatch]:
        self.move(further, by)
        yield from self._repairing.repair(GapFilter(trigger=further.trigger, whole=True), after)

    def move(self, further: BackfillRequest, by: str) -> bool:
        """Move the reach, which wakes all persons concerned; return True if that was new."""
        return govern(
            self._database,
            self._log,
            self._names,
            lambda rules: self._backfill(rules.connection, rules.before, rules.trigger(further.trigger), further, by),
        )

    def _backfill(
        self, connection: Connection, before: Governed, trigger: GovernedTrigger, further: BackfillRequest, by: str
    ) -> bool:
        """Let the trigger reach as far as wished; return False if it does already.

        Overdue nudges that other versions planned for events which this version takes over stay planned.
        """
        _require_live(trigger)
        now = self._clock()
        ahead = [further.since] if further.also_overdue else [now]
        if len({publication.fact.hash for publication in trigger.live}) > 1:
            ahead += nominal(connection, before, trigger.name, now)
        return trigger.backfill(by, now, further.since, min(ahead))


def _require_live(trigger: GovernedTrigger) -> None:
    if trigger.current is None:
        raise NotInForce(
            Words(
                "{trigger} is withdrawn, so it plans nothing. Publish a version of it again first.",
                trigger=trigger.name,
            )
        )
