"""Backfill: a published trigger looks further back, and what it should have said by then is planned like any repair.

Its reach is moved by a fact that leaves what it planned before as it is: only what it newly reaches is planned by the
new moment to look ahead from.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.ids import Names
from domain.core.timing import zone_of
from domain.facts.governance import TriggerPublished, TriggerReachChanged
from domain.facts.principals import Principal
from domain.facts.submissions import check_acting
from streams.log.log import Log
from streams.replay.repair import Looked, Repairing, Selection
from streams.replay.walk import Stride, Walk
from streams.rules.approval import nominal
from streams.rules.governed import Governed
from streams.rules.library import Library
from streams.rules.publishing import append_governance, govern, read_governed
from streams.rules.switches import owner_of
from streams.storage.database import Database


class NotInForce(LookupError):
    """{trigger} is withdrawn, so it plans nothing. Publish a version of it again first."""

    def __init__(self, trigger: str) -> None:
        super().__init__((type(self).__doc__ or "").format(trigger=trigger))


class Further(Struct, frozen=True):
    """How far back a trigger is to look, and whether its steps that are overdue go as well (until they expire)."""

    trigger: str
    since: datetime
    also_overdue: bool = False


class Backfilling:
    """Lets an agency's people have their trigger look further back."""

    def __init__(
        self,
        database: Database,
        log: Log,
        names: Names,
        library: Library,
        repairing: Repairing,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._log, self._names, self._library = database, log, names, library
        self._repairing, self._clock = repairing, clock

    def check(self, trigger: str, who: Principal) -> None:
        """Nothing, if they may do that.

        Raises:
            NotAllowed: it belongs to another agency.
            NotInForce, UnknownName: there is nothing of that name, or nothing any more.
        """
        with self._database.reading() as connection:
            before = read_governed(connection, self._log)
        check_acting(who, owner_of(before, trigger, who), trigger)
        _ = _current(before, trigger)

    def work(self, further: Further, by: str) -> Walk:
        """The backfill as the work of a job; it moves the reach before its first stride."""
        since = further.since.astimezone(zone_of(self._library.rules().defaults.zone))
        return Walk(
            f"backfill {further.trigger} since {since:%Y-%m-%d}",
            "persons",
            lambda: self._library.rules().position,
            lambda after: (each.stride for each in self.look(further, by, after)),
            lambda after: self._go(further, by, after),
        )

    def look(self, further: Further, by: str, after: str = "") -> Iterator[Looked]:
        """What would be planned, a batch of persons at a time; nothing is changed."""
        with self._database.reading() as connection:
            fact = self._fact(connection, read_governed(connection, self._log), further, by)
        rules = self._library.rules() if fact is None else self._library.rules_with(fact)
        return self._repairing.look(Selection(trigger=further.trigger), rules, after)

    def _go(self, further: Further, by: str, after: str) -> Iterator[Stride]:
        self.move(further, by)
        for each in self._repairing.repair(Selection(trigger=further.trigger, whole=True), after):
            yield each.stride

    def move(self, further: Further, by: str) -> bool:
        """Move the reach, which wakes all whom it concerns; whether that was new."""

        def work(connection: Connection) -> bool:
            before, now = read_governed(connection, self._log), self._clock()
            fact = self._fact(connection, before, further, by)
            append_governance(connection, self._log, self._names, [] if fact is None else [fact], before, now)
            return fact is not None

        return govern(self._database, work)

    def _fact(
        self, connection: Connection, before: Governed, further: Further, by: str
    ) -> TriggerReachChanged | None:
        """What moves the reach; None where it reaches as far already.

        What other versions planned of the events that it takes over, and waits although it is overdue, is kept.
        """
        current, now = _current(before, further.trigger), self._clock()
        same = [each.fact for each in before.of(further.trigger) if each.fact.hash == current.hash]
        if min(each.reach for each in same) <= further.since:
            return None
        ahead = [further.since] if further.also_overdue else [now]
        if len(same) < len(before.of(further.trigger)):
            ahead += nominal(connection, before, further.trigger, now)
        return TriggerReachChanged(now, by, further.trigger, current.hash, further.since, min(ahead), further=True)


def _current(before: Governed, trigger: str) -> TriggerPublished:
    current = before.current(trigger)
    if current is None:
        raise NotInForce(trigger)
    return current
