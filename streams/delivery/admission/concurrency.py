"""Concurrency limits: how many attempts are open, and how many are with providers; a bulkhead for each provider.

An attempt is open from its commit to the commit of its outcome. If the process is killed while a provider has it,
nobody knows whether the message went; without a hand-over journal that is so for every open attempt. So bulkheads
share a few permits, their budget. Each has some reserved: a provider that hangs holds up only its own messages.
A provider that removes doubles gets its unknown messages again, so it may have many, however far away it is.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain, groupby
from typing import NamedTuple

from domain.nudges.delivery import Due
from streams.delivery.decide.case import Case

PATIENCE = 2.0
"""Seconds that a group waits for its permits; a decision holds no longer, see `admission.DECISION_HOLDS`."""
MOST_SET_ASIDE = 10_000
"""So many deliveries without a permit are claimed again as soon as there is one; others once their claim ends."""
IN_FLIGHT, GROUP_SIZE = 32, 8
"""Messages that may be unknown after a kill, and messages that are handed over together."""
MOST_WITH_JOURNAL, MOST_REPEATABLE, RATE_SPAN = 256, 1024, 0.5
"""Attempts that are open at most: where a journal tells which were handed over, and where providers remove doubles.

Of these only as many as ended in the last RATE_SPAN seconds. More would go although somebody stopped them meanwhile,
or would wait for a slow provider until their lease ends. The span is longer than a far provider takes to answer
(0.2 s) and two commits: else its permits would not grow.
"""
BULKHEADS_PER_PROVIDER = 2
"""Urgent messages have a bulkhead of their own."""


class Budget:
    """The permits that several bulkheads share: `least`, or as many as were given back lately, but at most `most`.

    `expected`: how many bulkheads there will be. A quarter of the permits is reserved, in equal parts, also for those
    that have nothing to send now.
    """

    def __init__(self, least: int, expected: int, most: Callable[[], int] | None = None) -> None:
        self._least, self._expected, self._most = least, expected, most or (lambda: least)
        self._recently_ended: deque[tuple[float, int]] = deque()
        self._bulkheads: list[Bulkhead] = []

    @property
    def permits(self) -> int:
        """Return how many permits there are now."""
        return max(self._least, min(self._most(), sum(count for _, count in self._recently_ended)))

    def note_ended(self, count: int) -> None:
        """Note that so many attempts ended now: the number of permits follows their rate."""
        now = asyncio.get_running_loop().time()
        self._recently_ended.append((now, count))
        while self._recently_ended[0][0] < now - RATE_SPAN:
            self._recently_ended.popleft()

    def add(self, bulkhead: "Bulkhead") -> None:
        """Let one more bulkhead share the permits."""
        self._bulkheads.append(bulkhead)

    @property
    def reserved(self) -> int:
        """Return how many permits each bulkhead has at least: none if there are more bulkheads than permits."""
        bulkheads = max(self._expected, len(self._bulkheads), 1)
        return max(1, self.permits // (4 * bulkheads)) if bulkheads <= self.permits else 0

    def free(self, bulkhead: "Bulkhead") -> int:
        """Return how many permits the bulkhead may take now: those reserved for others are not among them."""
        others = sum(max(other.taken, self.reserved) for other in self._bulkheads if other is not bulkhead)
        to_come = max(0, self._expected - len(self._bulkheads)) * self.reserved
        return max(0, self.permits - bulkhead.taken - others - to_come)

    def grant_waiting(self) -> None:
        """Give free permits to those who wait; the bulkheads take turns."""
        for bulkhead in self._bulkheads:
            bulkhead.grant_waiting()
        self._bulkheads.append(self._bulkheads.pop(0))


class _Waiting(NamedTuple):
    """A group that waits for so many permits; the future tells how many it got."""

    wanted: int
    granted: "asyncio.Future[int]"


class Bulkhead:
    """The open attempts with one provider (or set of providers), and the groups that wait for permits."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.taken, self._full = 0, False
        self._waiting: deque[_Waiting] = deque()
        self._set_aside: deque[Due] = deque(maxlen=MOST_SET_ASIDE)
        budget.add(self)

    async def acquire(self, wanted: int, patience: float | None) -> int:
        """Take up to so many permits, first come, first served; return how many.

        0: there was none within `patience` seconds, or for an earlier group. None waits without end.
        """
        if not self._waiting and (granted := self._grant(wanted)):
            return granted
        if patience is not None and self._full:
            return 0
        place = _Waiting(wanted, asyncio.get_running_loop().create_future())
        self._waiting.append(place)
        try:
            await asyncio.wait([place.granted], timeout=patience)
        except asyncio.CancelledError:
            self._give_up(place)
            raise
        if place.granted.done():
            return place.granted.result()
        self._waiting.remove(place)
        self._full = True
        return 0

    def _give_up(self, place: _Waiting) -> None:
        if place.granted.done():
            self.taken -= place.granted.result()
        else:
            self._waiting.remove(place)

    def _grant(self, wanted: int) -> int:
        """Take all the permits; as many as there are where only the reserved ones are left to this bulkhead."""
        free = self._budget.free(self)
        if free < wanted and self.taken:
            return 0
        granted = min(wanted, free)
        self.taken += granted
        return granted

    def grant_waiting(self) -> None:
        """Give permits to those who wait, as far as there are any."""
        while self._waiting and (granted := self._grant(self._waiting[0].wanted)):
            self._waiting.popleft().granted.set_result(granted)

    def release(self, permits: int, seconds: float) -> None:
        """Give permits back that were held for so many seconds."""
        self.taken -= permits
        self._full = self._full and seconds > PATIENCE
        self._budget.note_ended(permits)
        self._budget.grant_waiting()

    def set_aside(self, these: Sequence[Due], *, first: bool = False) -> None:
        """Remember deliveries for which there was no permit: their claim keeps them out of the way of others.

        `first`: they are ready again before those that were set aside earlier.
        """
        if first:
            self._set_aside.extendleft(reversed(these))
        else:
            self._set_aside.extend(these)

    def take_ready(self, *, every: bool) -> list[Due]:
        """Take out as many of them as there are permits for now, or every one."""
        permits = 0 if self._waiting else self._budget.free(self)
        many = len(self._set_aside) if every else permits
        return [self._set_aside.popleft() for _ in range(min(many, len(self._set_aside)))]


class Permits:
    """Permits that a group holds until it releases them."""

    def __init__(self, bulkhead: Bulkhead, count: int) -> None:
        self._bulkhead, self.left = bulkhead, count
        self._time = asyncio.get_running_loop().time
        self._since = self._time()

    def release(self, count: int | None = None) -> None:
        """Give back so many, or all that are left."""
        count = self.left if count is None else min(count, self.left)
        self.left -= count
        if count:
            self._bulkhead.release(count, self._time() - self._since)

    def split_off(self, count: int) -> "Permits":
        """Take out so many of them, to be released by themselves."""
        self.left -= count
        return Permits(self._bulkhead, count)

    def reclaim(self, count: int) -> None:
        """Hold so many again that were released too early, whether they are free or not."""
        self._bulkhead.taken += count
        self.left += count


class Budgets:
    """Two budgets: of providers that remove doubles, and of all others.

    `removes_doubles`: provider -> whether it does; `least`: see `Budget`. `most` is for the others; a provider that
    removes doubles may always have MOST_REPEATABLE.
    """

    def __init__(
        self,
        removes_doubles: Mapping[str, bool],
        least: int = IN_FLIGHT,
        most: Callable[[], int] | None = None,
        bulkheads_per_provider: int = BULKHEADS_PER_PROVIDER,
    ) -> None:
        self._removes_doubles = frozenset(name for name, removes in removes_doubles.items() if removes)
        repeatable = len(self._removes_doubles)
        self._repeatable = Budget(least, bulkheads_per_provider * repeatable, lambda: MOST_REPEATABLE)
        self._others = Budget(least, bulkheads_per_provider * (len(removes_doubles) - repeatable), most)

    def budget_of(self, providers: Iterable[str]) -> Budget:
        """Return the budget of messages to these providers."""
        return self._repeatable if self._removes_doubles.issuperset(providers) else self._others


class Bulkheads:
    """A bulkhead for each set of providers to which the deliveries of a nudge go; mostly it is one provider."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._bulkheads: dict[frozenset[str], Bulkhead] = {}

    def groups(self, cases: Sequence[Case], provider: Callable[[Case], str]) -> list[tuple[Bulkhead, list[Case]]]:
        """Return the cases in groups of about GROUP, each with its bulkhead; all of one nudge end together."""
        by_providers: dict[frozenset[str], list[list[Case]]] = {}
        for _, same in groupby(cases, key=lambda case: case.nudge.intent.id):
            together = list(same)
            by_providers.setdefault(frozenset(map(provider, together)), []).append(together)
        groups: list[tuple[Bulkhead, list[Case]]] = []
        for providers, nudges in by_providers.items():
            bulkhead = self._bulkheads.get(providers)
            if bulkhead is None:
                bulkhead = self._bulkheads[providers] = Bulkhead(self._budgets.budget_of(providers))
            groups += [(bulkhead, group) for group in _even_groups(nudges)]
        return groups

    def take_ready(self, *, every: bool = False) -> list[Due]:
        """Return the deliveries that were set aside and for which there are permits now, or every one."""
        return [each for bulkhead in self._bulkheads.values() for each in bulkhead.take_ready(every=every)]


class ProviderPlaces:
    """Limits how many messages each provider has at a time."""

    def __init__(self, budgets: Budgets) -> None:
        self._bulkhead = cache(lambda provider: Bulkhead(budgets.budget_of([provider])))

    async def acquire(self, provider: str, wanted: int) -> Permits:
        """Wait for up to so many places with a provider."""
        bulkhead = self._bulkhead(provider)
        return Permits(bulkhead, await bulkhead.acquire(wanted, None))


def _even_groups(nudges: Sequence[list[Case]]) -> list[list[Case]]:
    """Return the nudges' cases dealt out in their order, so that what comes first is first in its group."""
    many = -(-sum(map(len, nudges)) // GROUP_SIZE)
    return [[*chain(*nudges[first::many])] for first in range(min(many, len(nudges)))]
