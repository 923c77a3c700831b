"""Fair claims where rates bind: each trigger's deliveries in a lane of their own, so that no backlog is in front."""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from zlib import crc32

from sqlalchemy import ColumnElement, Connection, func, select, true

from domain.rules.triggers import RANKS
from projections.tables import URGENT, due

EMERGENCIES = -0x4000_0000
"""The lanes below this are those of emergencies."""


@cache
def lane_of(trigger: str, rank: int) -> int:
    """The lane of a trigger's deliveries of that rank; below zero: what is urgent; below EMERGENCIES: emergencies.

    Two triggers may share one, by their checksum: then they wait for each other.
    """
    lane = (crc32(trigger.encode()) & 0x3FFF_FFFF) + 1
    if rank <= RANKS["emergency"]:
        return EMERGENCIES - lane
    return -lane if rank <= URGENT else lane


class Shares:
    """How much of each lane a process claims at once: as much as went in its last turn, so little is given back."""

    def __init__(self) -> None:
        self._most: dict[int, int] = {}
        self._taken: dict[int, int] = {}

    def of(self, lane: int, fair: int) -> int:
        """How many of it to claim, where `fair` would be its part of a claim."""
        return max(1, min(fair, self._most.get(lane, fair)))

    def note(self, lane: int, many: int) -> None:
        """So many of it were claimed."""
        self._taken[lane] = many

    def learn(self, given_back: Iterable[int]) -> None:
        """The turn is over; the lanes of what had to be given back, because there was no time for it."""
        back = Counter(given_back)
        for lane, many in self._taken.items():
            if back[lane]:
                self._most[lane] = max(1, many - back[lane])
            elif lane in self._most:
                self._most[lane] = max(many, self._most[lane]) * 2
        self._taken = {}


def waiting_lanes(connection: Connection, now: int, *, urgent: bool) -> list[int]:
    """The lanes in which something is due, each found by a step through the index, whatever lies between them."""
    these: ColumnElement[bool] = due.c.lane < 0 if urgent else true()
    first = select(func.min(due.c.lane).label("lane")).where(these)
    lanes = first.cte("lanes", recursive=True)
    after = select(func.min(due.c.lane)).where(these, due.c.lane > lanes.c.lane).correlate(lanes).scalar_subquery()
    lanes = lanes.union_all(select(after).where(lanes.c.lane.is_not(None)))
    earliest = select(func.min(due.c.due_at)).where(due.c.lane == lanes.c.lane).correlate(lanes).scalar_subquery()
    return list(connection.execute(select(lanes.c.lane).where(earliest <= now)).scalars())
