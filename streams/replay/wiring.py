"""Build the objects of streams.replay."""

from collections.abc import Callable

from msgspec import Struct

from streams.planning.planning import Planning
from streams.replay.backfill import Backfilling
from streams.replay.follower import Follower
from streams.replay.repair import Repairing
from streams.replay.retry_failed import Renewing
from streams.replay.unknown_outcomes import Unresolved
from streams.rules.context import WriteContext


class ReplayParts(Struct, frozen=True):
    """The objects of this package: the follower, and repair, backfill, retry and unknown outcomes for operators."""

    follower: Follower
    repair: Repairing
    backfill: Backfilling
    retry_failed: Renewing
    unknown_outcomes: Unresolved


def build(context: WriteContext, planning: Planning, askable: Callable[[], frozenset[str]]) -> ReplayParts:
    """Return the objects of this package; `askable`: the providers that can be asked what became of a message."""
    database, log, library, names, clock = (
        context.database,
        context.log,
        context.library,
        context.names,
        context.clock,
    )
    repair = Repairing(database, log, library, planning, names, clock)
    retry_failed = Renewing(database, log, library, clock)
    return ReplayParts(
        Follower(database, log),
        repair,
        Backfilling(database, log, names, library, repair, clock),
        retry_failed,
        Unresolved(database, log, library, retry_failed, clock, askable),
    )
