"""Rooms: how much is on its way to each provider, so that a slow or hanging one holds up its own messages only."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from uuid import UUID

from streams.attempts import Size, groups
from streams.cases import Case

PATIENCE = 2.0
"""Seconds that a group waits for its place; no longer does a decision hold, see `sending.FRESH`."""
KEPT = 10_000
"""So many nudges without a place can be claimed again as soon as there is one; more, when their claim is over."""


class Room:
    """What goes to the same providers: some groups are with them, others wait for a place."""

    def __init__(self) -> None:
        self.size = Size()
        self._inside, self._full = 0, False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._put_back: deque[UUID] = deque(maxlen=KEPT)

    async def enter(self, patience: float | None) -> bool:
        """Take a place, first come, first served; False: there was none for so long, or not for those before it."""
        if self._free > 0:
            self._inside += 1
            return True
        if patience is not None and self._full:
            return False
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        await asyncio.wait([place], timeout=patience)
        if not place.done():
            self._waiting.remove(place)
            self._full = True
        return place.done()

    def leave(self, seconds: float) -> None:
        """The place is free; `seconds`: how long it was taken."""
        self._inside -= 1
        self._full = self._full and seconds > PATIENCE
        while self._waiting and self._inside < self.size.at_once:
            self._inside += 1
            self._waiting.popleft().set_result(None)

    @property
    def _free(self) -> int:
        """How many places nobody has, nor waits for."""
        return 0 if self._waiting else self.size.at_once - self._inside

    def put_back(self, ids: Iterable[UUID]) -> None:
        """There was no place for these nudges: their claim keeps them out of the way of others."""
        self._put_back.extend(ids)

    def wanted(self, *, every: bool) -> list[UUID]:
        """As many of them as there is room for now, or every one; they are no more known here."""
        many = len(self._put_back) if every else self._free * self.size.now
        return [self._put_back.popleft() for _ in range(min(many, len(self._put_back)))]


class Rooms:
    """A room for each set of providers that the recipients of a nudge are told by; mostly it is one."""

    def __init__(self) -> None:
        self._rooms: dict[frozenset[str], Room] = {}

    def parts(self, cases: Sequence[Case], provider: Callable[[Case], str]) -> list[tuple[Room, list[Case]]]:
        """The cases in groups, and where each goes. All of one nudge are together, as they end together."""
        going: dict[frozenset[str], list[Case]] = {}
        for _, same in groupby(cases, key=lambda case: case.nudge.intent.id):
            together = list(same)
            going.setdefault(frozenset(map(provider, together)), []).extend(together)
        parts: list[tuple[Room, list[Case]]] = []
        for providers, theirs in going.items():
            room = self._rooms.setdefault(providers, Room())
            parts += [(room, group) for group in groups(theirs, room.size.now)]
        return parts

    def wanted(self, *, every: bool = False) -> list[UUID]:
        """The nudges that were put back and have room now, or every one."""
        return [id_ for room in self._rooms.values() for id_ in room.wanted(every=every)]
