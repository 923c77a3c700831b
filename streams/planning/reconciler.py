"""The reconciler plans persons who still wait after a delay. While workers are alive it finds none.

It also ends what a publication left whose process died (`wake_latecomers` in streams/rules/publishing.py).

A lost wake-up (Kafka, Faust, the relay) loses no plan, because the database knows who waits. Each find is counted,
since it is a sign of trouble.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from projections import history
from projections.bulk import add_counts
from projections.tables import micros, optional_moment
from streams.planning.batches import BATCH_SIZE
from streams.planning.planning import Planning
from streams.planning.quarantine import PlanningQuarantine
from streams.storage.database import Database, Priority
from streams.storage.tables import dead_letters, reconciled

RECONCILE_AFTER = timedelta(minutes=5)
"""A fact that waited longer than this for its plan is planned by the reconciler."""


class Reconciler:
    """Finds and plans persons whose wake-up was lost."""

    def __init__(
        self,
        database: Database,
        planning: Planning,
        quarantine: PlanningQuarantine,
        clock: Callable[[], datetime],
        wake_latecomers: Callable[[], None],
    ) -> None:
        self._database, self._planning, self._quarantine, self._wake_latecomers = (
            database,
            planning,
            quarantine,
            wake_latecomers,
        )
        self._clock = clock

    def turn(self) -> int:
        """Plan some who waited longer than the delay and have no dead letter; return how many there were."""
        now = self._clock()
        self._wake_latecomers()
        if found := self._overlooked(now):
            self._plan(found, now)
        return len(found)

    def _plan(self, found: Sequence[str], now: datetime) -> None:
        """Count the finds before planning, so that they count even if this process ends meanwhile."""
        count = [{"at": micros(now), "found": len(found)}]
        self._database.write(lambda connection: add_counts(connection, reconciled, count, "found"), Priority.PLANNING)
        if causes := self._planning.plan_woken(found):
            self._quarantine.keep((), causes)

    def _overlooked(self, now: datetime) -> list[str]:
        with self._database.reading() as connection:
            letters = connection.execute(select(func.count()).select_from(dead_letters)).scalar_one()
            found = history.unplanned(connection, BATCH_SIZE + letters, micros(now - RECONCILE_AFTER))
            known = set(self._quarantine.among(connection, found))
        return [person for person in found if person not in known][:BATCH_SIZE]


def count_of_finds(connection: Connection) -> tuple[int, datetime | None]:
    """Return how many persons the reconciler ever found, and the time of the last find."""
    query = select(func.coalesce(func.sum(reconciled.c.found), 0), func.max(reconciled.c.at))
    count, last = connection.execute(query).one()
    return int(count), optional_moment(last)
