"""Fair claims where rates apply: each trigger has its own lane, so that no backlog blocks the others."""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from zlib import crc32

from sqlalchemy import ColumnElement, Connection, func, select, true

from domain.rules.triggers import RANKS
from projections.tables import URGENT, due

EMERGENCIES = -0x4000_0000
"""Lanes below this number are those of emergencies."""


@cache
def lane_of(trigger: str, rank: int) -> int:
    """Return the lane of a trigger's deliveries of that rank: negative if urgent, below EMERGENCIES for emergencies.

    Two triggers with the same checksum share a lane and wait for each other.
    """
    lane = (crc32(trigger.encode()) & 0x3FFF_FFFF) + 1
    if rank <= RANKS["emergency"]:
        return EMERGENCIES - lane
    return -lane if rank <= URGENT else lane


class Shares:
    """The number of deliveries that a process claims of each lane: as many as it sent last time."""

    def __init__(self) -> None:
        self._most: dict[int, int] = {}
        self._taken: dict[int, int] = {}

    def share_of(self, lane: int, fair: int) -> int:
        """Return how many of the lane to claim, at most `fair`."""
        return max(1, min(fair, self._most.get(lane, fair)))

    def note_claimed(self, lane: int, many: int) -> None:
        """Record how many of the lane were claimed."""
        self._taken[lane] = many

    def adjust(self, given_back: Iterable[int]) -> None:
        """Adjust the limits: `given_back` are the lanes of deliveries for which there was no time."""
        back = Counter(given_back)
        for lane, many in self._taken.items():
            if back[lane]:
                self._most[lane] = max(1, many - back[lane])
            elif lane in self._most:
                self._most[lane] = max(many, self._most[lane]) * 2
        self._taken = {}


def waiting_lanes(connection: Connection, now: int, *, urgent: bool) -> list[int]:
    """Return the lanes with due deliveries, found by skipping through the index from lane to lane."""
    these: ColumnElement[bool] = due.c.lane < 0 if urgent else true()
    first = select(func.min(due.c.lane).label("lane")).where(these)
    lanes = first.cte("lanes", recursive=True)
    after = select(func.min(due.c.lane)).where(these, due.c.lane > lanes.c.lane).correlate(lanes).scalar_subquery()
    lanes = lanes.union_all(select(after).where(lanes.c.lane.is_not(None)))
    earliest = select(func.min(due.c.due_at)).where(due.c.lane == lanes.c.lane).correlate(lanes).scalar_subquery()
    return list(connection.execute(select(lanes.c.lane).where(earliest <= now)).scalars())
