"""Build the objects of streams.planning."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from streams.log.log import Log
from streams.planning.areas import AreaPlanning
from streams.planning.planning import Planning
from streams.planning.quarantine import PlanningQuarantine
from streams.planning.reconciler import Reconciler
from streams.queues.dead_letters import DeadLetterQueue
from streams.rules.library import Library
from streams.rules.publishing import wake_latecomers


class PlanningParts(Struct, frozen=True):
    """The objects of this package: planning of persons and of area events, quarantine and reconciler."""

    planning: Planning
    areas: AreaPlanning
    quarantine: PlanningQuarantine
    reconciler: Reconciler


def build(log: Log, library: Library, dead_letters: DeadLetterQueue, clock: Callable[[], datetime]) -> PlanningParts:
    """Return the objects of this package."""
    database = log.database
    quarantine = PlanningQuarantine(database, dead_letters)
    planning = Planning(database, log, library, clock, on_unplannable=lambda causes: quarantine.keep((), causes))
    return PlanningParts(
        planning,
        AreaPlanning(database, log, library, planning, dead_letters, clock),
        quarantine,
        Reconciler(database, planning, quarantine, clock, lambda: wake_latecomers(database, log, library.names)),
    )
