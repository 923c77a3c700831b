"""Group commit: the attempts that are to be made and the outcomes that came in go into one transaction.

A transaction waits for the disk and for everybody else who appends, so few messages in each would be slow, and many
messages in flight would be unknown after a kill. Here the outcomes of the last messages are committed together with
the attempts of the next.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from uuid import UUID

from msgspec import Struct

from domain.nudges.nudge import Nudge
from streams.delivery.decide.case import Case
from streams.delivery.outcomes.attempts import Attempt, Intention
from streams.delivery.outcomes.receipts import Outcomes
from streams.rules.in_force import Rules
from streams.storage.errors import UNAVAILABLE_ERRORS

Kept = Mapping[UUID, Nudge]


class Intended(Struct, frozen=True):
    """Cases with what is to be committed for each, by these rules: an attempt, or why there is none."""

    cases: Sequence[Case]
    tried: Sequence[Intention]
    rules: Rules

    @property
    def attempts(self) -> list[Attempt]:
        """The attempts among it."""
        return [each for each in self.tried if isinstance(each, Attempt)]

    @property
    def ids(self) -> list[UUID]:
        """The nudges that it is about."""
        return [case.nudge.intent.id for case in self.cases]


class Came(Struct, frozen=True):
    """What became of attempts; `known`: their nudges a moment ago. `again`: some of it may be in the log already."""

    outcomes: Outcomes
    known: Kept
    again: bool = False

    @property
    def concerned(self) -> frozenset[UUID]:
        """The nudges that it is about, and those that go with them."""
        members = chain(*(nudge.members for nudge in self.known.values()))
        return frozenset([*(id_ for id_, _ in self.outcomes.facts), *members])


class GroupCommit:
    """Commits what waits, again and again while something does; `write` commits in one transaction, and may block.

    In the order of their coming: no attempt is committed before an outcome that was given here earlier.
    """

    def __init__(self, write: Callable[[Intended | None, Came | None], Kept]) -> None:
        self._write = write
        self._intended: list[tuple[Intended, asyncio.Future[Kept]]] = []
        self._came: list[tuple[Came, asyncio.Future[Kept]]] = []
        self._working: asyncio.Task[None] | None = None

    async def attempt(self, intended: Intended) -> Kept:
        """Commit the attempts; returns the nudges that they were appended to, as of the commit.

        Raises what `write` does.
        """
        future: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._intended.append((intended, future))
        return await self._done(future)

    async def record(self, came: Came) -> None:
        """Commit what became of attempts. Raises what `write` does."""
        future: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._came.append((came, future))
        await self._done(future)

    async def _done(self, future: "asyncio.Future[Kept]") -> Kept:
        if self._working is None:
            self._working = asyncio.ensure_future(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while self._intended or self._came:
                came, self._came = self._came, []
                await self._together(self._alike(), came)
        finally:
            self._working = None

    def _alike(self) -> list[tuple[Intended, "asyncio.Future[Kept]"]]:
        """What waits and was decided by the same rules as the first; the rest waits for the next transaction."""
        waiting = self._intended
        first = {each.rules.position for each, _ in waiting[:1]}
        self._intended = [each for each in waiting if each[0].rules.position not in first]
        return [each for each in waiting if each[0].rules.position in first]

    async def _together(
        self,
        intended: Sequence[tuple[Intended, "asyncio.Future[Kept]"]],
        came: Sequence[tuple[Came, "asyncio.Future[Kept]"]],
    ) -> None:
        every = [future for _, future in (*came, *intended)]
        try:
            kept = await asyncio.to_thread(
                self._write, _all_intended([each for each, _ in intended]), _all_that_came([each for each, _ in came])
            )
        except UNAVAILABLE_ERRORS as error:
            every += [future for _, future in self._intended]  # these are not committed before those outcomes
            self._intended = []
            for future in every:
                _fail(future, error)
        except BaseException as error:  # noqa: BLE001  (whoever waits must learn of it)
            if len(every) == 1:
                _fail(every[0], error)
                return
            for outcome in came:
                await self._together([], [outcome])
            for attempt in intended:
                await self._together([attempt], [])
        else:
            for future in every:
                if not future.done():
                    future.set_result(kept)


def _fail(future: "asyncio.Future[Kept]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _all_intended(parts: Sequence[Intended]) -> Intended | None:
    if not parts:
        return None
    cases, tried = chain(*(each.cases for each in parts)), chain(*(each.tried for each in parts))
    return Intended([*cases], [*tried], parts[0].rules)


def _all_that_came(parts: Sequence[Came]) -> Came | None:
    if not parts:
        return None
    facts = [*chain(*(each.outcomes.facts for each in parts))]
    names = {name: tried for each in parts for name, tried in each.outcomes.parts.items()}
    known = {id_: nudge for each in parts for id_, nudge in each.known.items()}
    told, again = any(each.outcomes.told for each in parts), any(each.again for each in parts)
    return Came(Outcomes(facts, names, told), known, again)
