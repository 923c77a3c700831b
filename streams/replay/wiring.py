"""Build the objects of streams.replay."""

from collections.abc import Callable

from msgspec import Struct

from streams.planning.planning import Planning
from streams.replay.backfill import TriggerBackfill
from streams.replay.follower import Follower
from streams.replay.repair import PlanRepair
from streams.replay.retry_failed import FailedDeliveries
from streams.replay.unknown_outcomes import UnknownOutcomes
from streams.rules.context import WriteContext


class ReplayParts(Struct, frozen=True):
    """The objects of this package: the follower, and repair, backfill, retry and unknown outcomes for operators."""

    follower: Follower
    repair: PlanRepair
    backfill: TriggerBackfill
    retry_failed: FailedDeliveries
    unknown_outcomes: UnknownOutcomes


def build(context: WriteContext, planning: Planning, askable: Callable[[], frozenset[str]]) -> ReplayParts:
    """Return the objects of this package; `askable`: the providers that can be asked what became of a message."""
    repair, retry_failed = PlanRepair(context, planning), FailedDeliveries(context)
    return ReplayParts(
        Follower(context.database, context.log),
        repair,
        TriggerBackfill(context, repair),
        retry_failed,
        UnknownOutcomes(context, retry_failed, askable),
    )
