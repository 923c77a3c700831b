"""Exact rates: when each message may be handed over, so that no provider and no agency sends more than agreed.

Slots are taken in the database, so that all processes share one rate. What is urgent takes its slots ahead of time;
what is not takes one only when it is due, so that a mass mailing is never in front of an urgent message.
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

TOGETHER = timedelta(milliseconds=200)
"""The messages of one attempt are handed over within so long: what is in flight when a process dies is unknown."""
AHEAD = timedelta(seconds=1)
"""How long what is urgent waits for its slot; what finds none is looked at again in the next turn."""
FARTHEST = timedelta(minutes=1)
"""No slot is so far ahead, but that of a clock that was ahead of ours: it is set back, or is another machine's."""
Rest = Callable[[float], Awaitable[None]]


class Pace:
    """Gives slots to messages; `rates`: limit -> how many messages a second it allows.

    `rest` waits so many seconds.
    """

    def __init__(
        self,
        database: Database,
        rates: Mapping[str, float],
        clock: Callable[[], datetime],
        rest: Rest = asyncio.sleep,
    ) -> None:
        self._database, self._clock, self.rest = database, clock, rest
        self._gaps = {name: timedelta(microseconds=math.ceil(1_000_000 / rate)) for name, rate in rates.items()}
        self._last: dict[str, datetime] = {}
        self._lines: defaultdict[tuple[str, ...], asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def bounds(self) -> bool:
        """Whether there is any rate."""
        return bool(self._gaps)

    def limits(self, *names: str) -> tuple[str, ...]:
        """Those of the names that have a rate."""
        return tuple(name for name in names if name in self._gaps)

    async def take(
        self, wanted: Sequence[Sequence[str]], *, urgent: bool, until: datetime | None = None
    ) -> list[datetime]:
        """Slots for the first of the messages, each given by its limits, and waits for the first slot.

        There may be fewer than wanted, or none, as after `until`: then it has to be tried again later. Of those whose
        first messages have the same limits, who asks first gets first.
        """
        async with self._lines[tuple(wanted[0])]:
            now = self._clock()
            if until is not None and now > until:
                return []
            return await self._take(wanted, AHEAD if urgent else timedelta(), now + AHEAD)

    async def _take(self, wanted: Sequence[Sequence[str]], ahead: timedelta, patience: datetime) -> list[datetime]:
        reserve = partial(self._reserve, wanted=wanted, ahead=ahead)
        while True:
            first, slots = await asyncio.to_thread(self._database.write, reserve, Priority.DISPATCH)
            if slots:
                await self.until(first)
                return slots
            if self._clock() >= patience:
                return []
            await self.until(min(first, patience))

    async def owe(self, pieces: Iterable[Mapping[str, int]]) -> None:
        """Take further slots for messages that took one, and have so many pieces: known once they are written."""
        further: Counter[str] = Counter()
        for each in pieces if self.bounds else ():
            further.update({name: many - 1 for name, many in each.items()})
        if +further:
            await asyncio.to_thread(self._database.write, partial(self._further, many=further), Priority.DISPATCH)

    def _further(self, connection: Connection, many: Mapping[str, int]) -> None:
        free = self._free(connection, sorted(many), self._clock())
        self._keep(connection, {name: at + self._gaps[name] * many[name] for name, at in free.items()})

    async def begin(
        self, slot: datetime, limits: Sequence[str], pieces: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        """Wait for a slot, and for the last message of each limit, with all its pieces, to be long enough ago."""
        now = self._clock()
        last = {name: self._last[name] for name in limits if name in self._last}
        start = max([slot, *(self._sane(name, at + self._gaps[name], now) for name, at in last.items())])
        for name in limits:
            self._last[name] = start + self._gaps[name] * (pieces.get(name, 1) - 1)
        await self.until(start)

    async def until(self, moment_: datetime) -> None:
        """Wait for a moment; what is too far ahead to be true, since the clock was set back, is now."""
        while timedelta() < (wait := moment_ - self._clock()) <= FARTHEST:
            await self.rest(wait.total_seconds())

    def _reserve(
        self, connection: Connection, wanted: Sequence[Sequence[str]], ahead: timedelta
    ) -> tuple[datetime, list[datetime]]:
        """When the first message has its slot, and the slots taken: none if that is too far ahead."""
        names = sorted({name for limits in wanted for name in limits})
        now = self._clock()
        free = self._free(connection, names, now)
        first = max([now, *(free[name] for name in wanted[0])])  # what has no limit itself takes its turn as well
        if first > now + ahead:
            return first, []
        slots: list[datetime] = []
        for limits in wanted:
            slot = max([now, *(free[name] for name in limits)])
            if slot > first + TOGETHER:
                break
            slots.append(slot)
            free |= {name: slot + self._gaps[name] for name in limits}
        self._keep(connection, free)
        return first, slots

    def _free(self, connection: Connection, names: Sequence[str], now: datetime) -> dict[str, datetime]:
        """Limit -> from when on it is free; held until the transaction ends."""
        insert_rows(connection, paces, [(name, micros(now)) for name in names], ignore=True)
        query = select(paces.c.name, paces.c.free_at).where(among(paces.c.name, names)).order_by(paces.c.name)
        found = connection.execute(query.with_for_update())
        return {row.name: self._sane(row.name, moment(row.free_at), now) for row in found}

    def _sane(self, name: str, free: datetime, now: datetime) -> datetime:
        """When the limit is free by our clock: now, where that is too far ahead to be true."""
        return now if free > now + self._gaps[name] + FARTHEST else free

    @staticmethod
    def _keep(connection: Connection, free: Mapping[str, datetime]) -> None:
        statement = update(paces).where(paces.c.name == bindparam("limit")).values(free_at=bindparam("at"))
        connection.execute(statement, [{"limit": name, "at": micros(at)} for name, at in sorted(free.items())])
