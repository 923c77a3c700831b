"""In-flight limits: how many attempts may be open at a time, and what each provider has of them.

An attempt is open from its commit to the commit of its outcome. If the process is killed meanwhile, nobody knows
whether the message went. So all rooms of a budget share its few places. Each room always has some of its own: a
provider that hangs holds up its own messages only.

Who goes first where rates bind: emergencies, the urgent, then in turns, each trigger one message a turn.

What goes on although something beside it has failed, so that whoever ends can wait for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, count, groupby
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from domain.nudges.class_overrides import OVERRIDES
from domain.nudges.settle import Send
from domain.rules.triggers import RANKS
from projections.tables import URGENT
from streams.delivery.decide.case import Case
from streams.delivery.outcomes.attempts import groups

PATIENCE = 2.0
"""Seconds that a group waits for its places; no longer does a decision hold, see `sending.FRESH`."""
KEPT = 10_000
"""So many nudges without a place can be claimed again as soon as there is one; more, when their claim is over."""
IN_FLIGHT, GROUP = 32, 8
"""Places of a budget, and messages that are handed over together."""
KINDS = 2
"""Rooms of a provider: what is urgent has its own."""
_HARMLESS = frozenset({"push"})
"""Channels with a budget of their own: a double replaces the first notification on the telephone."""


class Budget:
    """The places of several rooms: `most` attempts are open in all of them together.

    `rooms`: how many are expected. A quarter of the places is kept for rooms that have nothing to send now.
    """

    def __init__(self, most: int, rooms: int) -> None:
        self.most, self._expected = most, rooms
        self._rooms: list[Room] = []

    def join(self, room: "Room") -> None:
        """One more room shares the places."""
        self._rooms.append(room)

    @property
    def own(self) -> int:
        """How many places each room has at least, if there are not more rooms than places."""
        return max(1, self.most // (4 * max(self._expected, len(self._rooms), 1)))

    def free(self, room: "Room") -> int:
        """How many places the room may take now: what the others have of their own is kept for them."""
        others = sum(max(each.inside, self.own) for each in self._rooms if each is not room)
        to_come = max(0, self._expected - len(self._rooms)) * self.own
        return max(0, self.most - room.inside - others - to_come)

    def pass_on(self) -> None:
        """Give free places to those who wait; the rooms take turns."""
        for room in self._rooms:
            room.let_in()
        self._rooms.append(self._rooms.pop(0))


class _Waiting(NamedTuple):
    """Somebody who wants so many places, and is told how many there are."""

    wanted: int
    granted: "asyncio.Future[int]"


class Room:
    """What goes to the same providers: some messages are with them, others wait for a place."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.inside, self._full = 0, False
        self._waiting: deque[_Waiting] = deque()
        self._put_back: deque[UUID] = deque(maxlen=KEPT)
        budget.join(self)

    async def enter(self, wanted: int, patience: float | None) -> int:
        """Take up to so many places, first come, first served; 0: none came free for so long, or for those before."""
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
            self.inside -= place.granted.result()
        else:
            self._waiting.remove(place)

    def _grant(self, wanted: int) -> int:
        """Take all the places; where others leave this room nothing but its own, as many as there are."""
        free = self._budget.free(self)
        if free < wanted and self.inside:
            return 0
        granted = min(wanted, free)
        self.inside += granted
        return granted

    def let_in(self) -> None:
        """Give places to those who wait for some, as far as there are any."""
        while self._waiting and (granted := self._grant(self._waiting[0].wanted)):
            self._waiting.popleft().granted.set_result(granted)

    def leave(self, places: int, seconds: float) -> None:
        """The places are free; `seconds`: how long they were taken."""
        self.inside -= places
        self._full = self._full and seconds > PATIENCE
        self._budget.pass_on()

    def put_back(self, ids: Iterable[UUID]) -> None:
        """There was no place for these nudges: their claim keeps them out of the way of others."""
        self._put_back.extend(ids)

    def wanted(self, *, every: bool) -> list[UUID]:
        """As many of them as there is room for now, or every one; they are no more known here."""
        room = 0 if self._waiting else self._budget.free(self)
        many = len(self._put_back) if every else room
        return [self._put_back.popleft() for _ in range(min(many, len(self._put_back)))]


class Places:
    """Places that somebody has in a room, until they leave."""

    def __init__(self, room: Room, count: int) -> None:
        self._room, self.left = room, count
        self._time = asyncio.get_running_loop().time
        self._since = self._time()

    def leave(self, count: int | None = None) -> None:
        """Give back so many, or all that are left."""
        count = self.left if count is None else min(count, self.left)
        self.left -= count
        if count:
            self._room.leave(count, self._time() - self._since)

    def part(self, count: int) -> "Places":
        """So many of them, to be left by themselves."""
        self.left -= count
        return Places(self._room, count)

    def take_back(self, count: int) -> None:
        """They were left too early: they are taken, whether they are free or not."""
        self._room.inside += count
        self.left += count


class Budgets:
    """The budget of each channel: email and SMS share one, as nobody removes a double there.

    `providers`: channel -> how many there are.
    """

    def __init__(self, providers: Mapping[str, int], most: int = IN_FLIGHT) -> None:
        harmless = sum(many for channel, many in providers.items() if channel in _HARMLESS)
        shared = sum(providers.values()) - harmless
        self._shared, self._harmless = Budget(most, KINDS * shared), Budget(most, KINDS * harmless)

    def of(self, channels: Iterable[str]) -> Budget:
        """The budget of what goes by these channels."""
        return self._harmless if _HARMLESS.issuperset(channels) else self._shared


class Rooms:
    """A room for each set of providers that the recipients of a nudge are told by; mostly it is one."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._rooms: dict[frozenset[str], Room] = {}

    def parts(self, cases: Sequence[Case], provider: Callable[[Case], str]) -> list[tuple[Room, list[Case]]]:
        """The cases in groups, and where each goes. All of one nudge are together, as they end together."""
        going: dict[frozenset[str], list[list[Case]]] = {}
        for _, same in groupby(cases, key=lambda case: case.nudge.intent.id):
            together = list(same)
            going.setdefault(frozenset(map(provider, together)), []).append(together)
        parts: list[tuple[Room, list[Case]]] = []
        for providers, theirs in going.items():
            room = self._rooms.get(providers)
            if room is None:
                channels = [case.decision.channel for case in theirs[0] if isinstance(case.decision, Send)]
                room = self._rooms[providers] = Room(self._budgets.of(channels))
            parts += [(room, group) for group in groups(list(chain(*theirs)), GROUP)]
        return parts

    def wanted(self, *, every: bool = False) -> list[UUID]:
        """The nudges that were put back and have room now, or every one."""
        return [id_ for room in self._rooms.values() for id_ in room.wanted(every=every)]


def is_urgent(case: Case) -> bool:
    """Whether it goes past others."""
    return RANKS[case.nudge.intent.klass] <= URGENT


def is_emergency(case: Case) -> bool:
    """Whether it goes past all others, and waits for no agency's rate."""
    return OVERRIDES[case.nudge.intent.klass].pace


class Turns:
    """Remembers whose turn it was; `bound`: whether a case's agency has a rate."""

    def __init__(self, bound: Callable[[Case], bool]) -> None:
        self._bound = bound
        self._served: dict[str, int] = {}
        self._count = count(1)

    def ordered(self, cases: Sequence[Case]) -> list[Case]:
        """The cases as they are to be sent; all of one nudge stay together.

        What its agency's rate does not hold up comes before what it does. Of a trigger, what was due first goes
        first; of triggers, the one whose last message is longest ago.
        """
        place: dict[UUID, tuple[int, int, int]] = {}
        many: dict[str, int] = {}
        for number, case in enumerate(cases):
            intent = case.nudge.intent
            if intent.id not in place:
                many[intent.trigger] = many.get(intent.trigger, 0) + 1
                place[intent.id] = (many[intent.trigger], self._served.get(intent.trigger, 0), number)
        return sorted(
            cases,
            key=lambda case: (
                not is_emergency(case),
                not is_urgent(case),
                self._bound(case),
                *place[case.nudge.intent.id],
            ),
        )

    def note(self, cases: Sequence[Case]) -> None:
        """These were handed over."""
        for case in cases:
            self._served[case.nudge.intent.trigger] = next(self._count)


T = TypeVar("T")
Telling = Callable[[asyncio.Future[T]], Coroutine[Any, Any, None]]
"""What tells something by a future, and goes on."""


class UnderWay:
    """Keeps what was begun until it has ended."""

    def __init__(self) -> None:
        self._begun: set[asyncio.Task[Any]] = set()
        self._failed: BaseException | None = None

    async def each(self, parts: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """Begin them all, and give what they give; what the first of them fails with is raised at once."""
        return await asyncio.gather(*map(self.begin, parts))

    async def ended_of(self, parts: Iterable[Telling[T]]) -> list[T]:
        """Begin them all, and give what they told by their futures when they have ended."""
        return await self.each(map(_to_the_end, parts))

    async def told(self, parts: Iterable[Telling[T]]) -> list[T]:
        """Begin them all, and give what they tell by their futures, whatever they go on with then.

        What one fails with before it told is raised at once, and what it fails with afterwards by `raise_failure`.
        """
        tellings: list[asyncio.Future[T]] = []
        for part in parts:
            tellings.append(asyncio.get_running_loop().create_future())
            self.begin(part(tellings[-1])).add_done_callback(partial(self._ended, telling=tellings[-1]))
        return await asyncio.gather(*tellings)

    def raise_failure(self) -> None:
        """Raise what the last failed with that had told before."""
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed

    def begin(self, part: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin it; `ended` waits for it."""
        task = asyncio.ensure_future(part)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return task

    def _ended(self, task: asyncio.Task[None], telling: asyncio.Future[Any]) -> None:
        if task.cancelled():
            telling.cancel()
        elif (error := task.exception()) is not None:
            if telling.done():
                self._failed = error
            else:
                telling.set_exception(error)

    async def ended(self) -> None:
        """Until nothing is under way."""
        while self._begun:
            await asyncio.wait(set(self._begun))


async def _to_the_end(part: Telling[T]) -> T:
    telling: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    await part(telling)
    return telling.result()
