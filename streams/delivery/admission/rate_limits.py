"""Exact rate limits: no provider gets, and no agency sends, more messages a second than agreed.

Slots are taken in the database, so that all processes share one rate. An urgent message takes its slot ahead of time;
others take one only when it is due, so that a mass mailing is never in front of an urgent message.
"""

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from sqlalchemy import Connection, bindparam, select, update

from projections.bulk import among, insert_rows
from projections.tables import micros, moment
from streams.storage.database import Database, Priority
from streams.storage.tables import paces

GROUP_SPAN = timedelta(milliseconds=200)
"""The span of the slots of one group. It is short, as messages in flight are unknown if the process dies."""
URGENT_AHEAD = timedelta(seconds=1)
"""The time before its slot when an urgent message may take it; without a slot it is tried in the next round."""
FARTHEST_SLOT = timedelta(minutes=1)
"""No true slot is further ahead: a later one comes from a clock that was ahead, here or on another machine."""
Sleep = Callable[[float], Awaitable[None]]


class RateLimits:
    """Gives slots to messages; `rates`: name of a limit -> messages a second.

    `sleep` waits so many seconds.
    """

    def __init__(
        self,
        database: Database,
        rates: Mapping[str, float],
        clock: Callable[[], datetime],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._database, self._clock, self.sleep = database, clock, sleep
        self._gaps = {name: timedelta(microseconds=math.ceil(1_000_000 / rate)) for name, rate in rates.items()}
        self._last: dict[str, datetime] = {}
        self._queues: defaultdict[tuple[str, ...], asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def has_any(self) -> bool:
        """Return whether there is any rate."""
        return bool(self._gaps)

    def limited_among(self, *names: str) -> tuple[str, ...]:
        """Return those of the names that have a rate."""
        return tuple(name for name in names if name in self._gaps)

    async def take_slots(
        self, wanted: Sequence[Sequence[str]], *, urgent: bool, until: datetime | None = None
    ) -> list[datetime]:
        """Take slots for the first of the messages, each given by its limits; return them at the first slot.

        There may be fewer than wanted, or none, as after `until`: then try again later. Callers whose first messages
        have the same limits are served in order.
        """
        async with self._queues[tuple(wanted[0])]:
            now = self._clock()
            if until is not None and now > until:
                return []
            return await self._take(wanted, URGENT_AHEAD if urgent else timedelta(), now + URGENT_AHEAD)

    async def _take(self, wanted: Sequence[Sequence[str]], ahead: timedelta, patience: datetime) -> list[datetime]:
        reserve = partial(self._reserve, wanted=wanted, ahead=ahead)
        while True:
            first, slots = await asyncio.to_thread(self._database.write, reserve, Priority.DISPATCH)
            if slots:
                await self.wait_until(first)
                return slots
            if self._clock() >= patience:
                return []
            await self.wait_until(min(first, patience))

    async def take_slots_of_pieces(self, pieces: Iterable[Mapping[str, int]]) -> None:
        """Take further slots for messages that have one slot each, and so many pieces."""
        further: Counter[str] = Counter()
        for of_message in pieces if self.has_any else ():
            further.update({name: many - 1 for name, many in of_message.items()})
        if +further:
            await asyncio.to_thread(
                self._database.write, partial(self._take_further, many=further), Priority.DISPATCH
            )

    def _take_further(self, connection: Connection, many: Mapping[str, int]) -> None:
        free = self._free_at(connection, sorted(many), self._clock())
        self._store(connection, {name: at + self._gaps[name] * many[name] for name, at in free.items()})

    async def wait_for_turn(
        self, slot: datetime, limits: Sequence[str], pieces: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        """Wait for a slot, and for the last message of each limit, with all its pieces, to be long enough ago."""
        now = self._clock()
        last = {name: self._last[name] for name in limits if name in self._last}
        start = max(
            [slot, *(self._corrected_for_clock(name, at + self._gaps[name], now) for name, at in last.items())]
        )
        for name in limits:
            self._last[name] = start + self._gaps[name] * (pieces.get(name, 1) - 1)
        await self.wait_until(start)

    async def wait_until(self, moment_: datetime) -> None:
        """Wait for a moment; one too far ahead to be true, as the clock was set back, is now."""
        while timedelta() < (wait := moment_ - self._clock()) <= FARTHEST_SLOT:
            await self.sleep(wait.total_seconds())

    def _reserve(
        self, connection: Connection, wanted: Sequence[Sequence[str]], ahead: timedelta
    ) -> tuple[datetime, list[datetime]]:
        """Return when the first message has its slot, and the slots taken: none if that is too far ahead."""
        names = sorted({name for limits in wanted for name in limits})
        now = self._clock()
        free = self._free_at(connection, names, now)
        first = max([now, *(free[name] for name in wanted[0])])  # a message without a limit takes its turn as well
        if first > now + ahead:
            return first, []
        slots: list[datetime] = []
        for limits in wanted:
            slot = max([now, *(free[name] for name in limits)])
            if slot > first + GROUP_SPAN:
                break
            slots.append(slot)
            free |= {name: slot + self._gaps[name] for name in limits}
        self._store(connection, free)
        return first, slots

    def _free_at(self, connection: Connection, names: Sequence[str], now: datetime) -> dict[str, datetime]:
        """Return limit -> from when on it is free; the rows are locked until the transaction ends."""
        insert_rows(connection, paces, [(name, micros(now)) for name in names], ignore=True)
        query = select(paces.c.name, paces.c.free_at).where(among(paces.c.name, names)).order_by(paces.c.name)
        found = connection.execute(query.with_for_update())
        return {row.name: self._corrected_for_clock(row.name, moment(row.free_at), now) for row in found}

    def _corrected_for_clock(self, name: str, free: datetime, now: datetime) -> datetime:
        """Return when the limit is free by our clock: now, where that is too far ahead to be true."""
        return now if free > now + self._gaps[name] + FARTHEST_SLOT else free

    @staticmethod
    def _store(connection: Connection, free: Mapping[str, datetime]) -> None:
        statement = update(paces).where(paces.c.name == bindparam("limit")).values(free_at=bindparam("at"))
        connection.execute(statement, [{"limit": name, "at": micros(at)} for name, at in sorted(free.items())])
