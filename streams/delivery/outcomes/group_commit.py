"""Group commit: new attempts and the outcomes of earlier ones go into one transaction.

A transaction waits for the disk and for everybody else who appends. Few messages in each would be slow, and many
messages in flight would be unknown after a kill. So the outcomes of the last messages are committed together with the
attempts of the next, and a commit waits a moment for the answers of providers that are about to come.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from uuid import UUID

from msgspec import Struct

from domain.nudges.delivery import Due
from domain.nudges.nudge import Nudge
from streams.delivery.decide.case import Case
from streams.delivery.outcomes.attempts import Attempt, Intention
from streams.delivery.outcomes.outcome_facts import Outcomes
from streams.rules.in_force import Rules
from streams.storage.errors import UNAVAILABLE_ERRORS

LINGER_SECONDS = 0.004
"""Seconds that a commit waits for further answers at most, as long as any provider is asked (commit_delay)."""
LINGER_TURNS = 16
"""Turns of the event loop that a commit waits: attempts that take the permits of answers come along with them."""

CommittedNudges = Mapping[UUID, Nudge]
"""The nudges that attempts were appended to, as of the commit."""


class IntendedAttempts(Struct, frozen=True):
    """Cases with what is to be committed for each by these rules: an attempt, or the reason why there is none."""

    cases: Sequence[Case]
    intentions: Sequence[Intention]
    rules: Rules

    @property
    def attempts(self) -> list[Attempt]:
        """Return the attempts."""
        return [intention for intention in self.intentions if isinstance(intention, Attempt)]

    @property
    def claimed(self) -> list[Due]:
        """Return the deliveries that were claimed for it."""
        return [case.key for case in self.cases]

    @property
    def deliveries(self) -> frozenset[Due]:
        """Return the deliveries that are settled, those that go with a digest included."""
        return frozenset(case.key for case in chain(self.cases, *(case.members for case in self.cases)))


class AttemptOutcomes(Struct, frozen=True):
    """The outcomes of attempts; `known`: their nudges as of the attempts' commit.

    `may_be_recorded`: an earlier commit of them was not confirmed, so some may be in the log already.
    """

    outcomes: Outcomes
    known: CommittedNudges
    may_be_recorded: bool = False


class GroupCommit:
    """Commits what waits, in order of arrival, one transaction after the other; `write` commits one, and may block.

    No attempt is committed before an outcome that was given here earlier.
    """

    def __init__(self, write: Callable[[IntendedAttempts | None, AttemptOutcomes | None], CommittedNudges]) -> None:
        self._write = write
        self._intended: list[tuple[IntendedAttempts, asyncio.Future[CommittedNudges]]] = []
        self._answers: list[tuple[AttemptOutcomes, asyncio.Future[CommittedNudges]]] = []
        self._working: asyncio.Task[None] | None = None
        self._calls = 0
        self._quiet: asyncio.Future[None] | None = None

    @contextmanager
    def expecting_outcomes(self) -> Iterator[None]:
        """Let commits wait a moment for the answers that come of this block."""
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls and self._quiet is not None and not self._quiet.done():
                self._quiet.set_result(None)

    async def commit_attempts(self, intended: IntendedAttempts) -> CommittedNudges:
        """Commit attempts; return the nudges that they were appended to. Raises what `write` does."""
        future: asyncio.Future[CommittedNudges] = asyncio.get_running_loop().create_future()
        self._intended.append((intended, future))
        return await self._committed(future)

    async def commit_outcomes(self, answers: AttemptOutcomes) -> None:
        """Commit outcomes. Raises what `write` does."""
        future: asyncio.Future[CommittedNudges] = asyncio.get_running_loop().create_future()
        self._answers.append((answers, future))
        await self._committed(future)

    async def _committed(self, future: "asyncio.Future[CommittedNudges]") -> CommittedNudges:
        if self._working is None:
            self._working = asyncio.ensure_future(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while self._intended or self._answers:
                await self._linger()
                answers, self._answers = self._answers, []
                await self._commit(self._take_compatible(), answers)
        finally:
            self._working = None

    async def _linger(self) -> None:
        """Wait until no provider is asked any more, and what follows from the answers has come; a moment at most."""
        if self._calls:
            self._quiet = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._quiet], timeout=LINGER_SECONDS)
        for _ in range(LINGER_TURNS):
            await asyncio.sleep(0)

    def _take_compatible(self) -> list[tuple[IntendedAttempts, "asyncio.Future[CommittedNudges]"]]:
        """Take the attempts that were decided by the same rules as the first, and one of each delivery.

        The rest waits for the next turn. A delivery is decided on twice if its claim is lost meanwhile: the first
        attempt moves the nudge, so that the second is refused. In one transaction both would hold, and both go.
        """
        taken: list[tuple[IntendedAttempts, asyncio.Future[CommittedNudges]]] = []
        left: list[tuple[IntendedAttempts, asyncio.Future[CommittedNudges]]] = []
        deliveries: set[Due] = set()
        for one in self._intended:
            intended = one[0]
            same = not taken or intended.rules.position == taken[0][0].rules.position
            if same and deliveries.isdisjoint(intended.deliveries):
                taken.append(one)
                deliveries |= intended.deliveries
            else:
                left.append(one)
        self._intended = left
        return taken

    async def _commit(
        self,
        intended: Sequence[tuple[IntendedAttempts, "asyncio.Future[CommittedNudges]"]],
        answers: Sequence[tuple[AttemptOutcomes, "asyncio.Future[CommittedNudges]"]],
    ) -> None:
        """Commit all in one transaction; after a defect each in its own, so that one harms no other."""
        futures = [future for _, future in (*answers, *intended)]
        try:
            kept = await asyncio.to_thread(
                self._write, _all_intended([one for one, _ in intended]), _all_answers([one for one, _ in answers])
            )
        except UNAVAILABLE_ERRORS as error:
            futures += [future for _, future in self._intended]  # these are not committed before those outcomes
            self._intended = []
            for future in futures:
                _fail(future, error)
        except BaseException as error:  # noqa: BLE001  (whoever waits must learn of it)
            if len(futures) == 1:
                _fail(futures[0], error)
                return
            for answer in answers:
                await self._commit([], [answer])
            for attempt in intended:
                await self._commit([attempt], [])
        else:
            for future in futures:
                if not future.done():
                    future.set_result(kept)


def _fail(future: "asyncio.Future[CommittedNudges]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _all_intended(parts: Sequence[IntendedAttempts]) -> IntendedAttempts | None:
    if not parts:
        return None
    cases, intentions = chain(*(part.cases for part in parts)), chain(*(part.intentions for part in parts))
    return IntendedAttempts([*cases], [*intentions], parts[0].rules)


def _all_answers(parts: Sequence[AttemptOutcomes]) -> AttemptOutcomes | None:
    if not parts:
        return None
    facts = [*chain(*(part.outcomes.facts for part in parts))]
    names = {name: attempt_id for part in parts for name, attempt_id in part.outcomes.part_names.items()}
    known = {id_: nudge for part in parts for id_, nudge in part.known.items()}
    told, again = (
        any(part.outcomes.may_be_reported_early for part in parts),
        any(part.may_be_recorded for part in parts),
    )
    return AttemptOutcomes(Outcomes(facts, names, told), known, again)
