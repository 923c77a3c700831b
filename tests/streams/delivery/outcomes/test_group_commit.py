"""Group commit: what comes within a moment goes into one transaction."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from domain.facts.facts import NudgeAttempted, NudgeDeferred, NudgeFailed
from domain.nudges.delivery import Due
from domain.nudges.nudge import Nudge
from streams.delivery.admission.concurrency import Budgets
from streams.delivery.outcomes.group_commit import AttemptOutcomes, CommittedNudges, GroupCommit, IntendedAttempts
from streams.delivery.outcomes.outcome_facts import Outcomes
from streams.delivery.send.claiming import LEASE, Claims, DispatchLane
from streams.log.appending import Unconditional, append_if_unmoved, record
from tests.streams.dispatching import DUE
from tests.world import World


class Written:
    """Keeps how many attempts' cases and how many outcomes each transaction had."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def write(self, intended: IntendedAttempts | None, answers: AttemptOutcomes | None) -> CommittedNudges:
        """Take what would be committed."""
        self.sizes.append(
            (len(intended.intentions) if intended else 0, len(answers.outcomes.facts) if answers else 0)
        )
        return {}


def failed(nudge: Nudge, attempt: int = 1) -> NudgeFailed:
    """The outcome of an attempt that nobody received."""
    return NudgeFailed(DUE, nudge.intent.person, attempt, "lease_over", DUE)


async def turns(many: int) -> None:
    """Let the event loop run so many of its turns."""
    for _ in range(many):
        await asyncio.sleep(0)


async def test_the_outcomes_of_several_providers_go_with_the_attempts_that_follow(due: World) -> None:
    """Two providers answer one after the other, and an attempt follows: that is one transaction."""
    written, fact = Written(), failed(due.nudge("month"))
    group, tasks = GroupCommit(written.write), asyncio.TaskGroup()
    rules = due.platform.rules.library.rules()

    def begin(work: Coroutine[Any, Any, object]) -> None:
        tasks.create_task(work)

    async with tasks:
        with group.expecting_outcomes():
            with group.expecting_outcomes():
                await turns(1)
            begin(group.commit_outcomes(AttemptOutcomes(Outcomes([(due.nudge("month").intent.id, fact)]), {})))
            await turns(3)
        begin(group.commit_outcomes(AttemptOutcomes(Outcomes([(due.nudge("month").intent.id, fact)]), {})))
        await turns(3)
        begin(group.commit_attempts(IntendedAttempts([], [fact], rules)))
    assert written.sizes == [(1, 2)]


async def test_a_provider_that_hangs_holds_up_no_commit(due: World) -> None:
    """The outcomes of others are committed while a provider has not answered."""
    written, fact = Written(), failed(due.nudge("month"))
    group = GroupCommit(written.write)
    with group.expecting_outcomes():
        await group.commit_outcomes(AttemptOutcomes(Outcomes([(due.nudge("month").intent.id, fact)]), {}))
    assert written.sizes == [(0, 1)]


def test_an_outcome_and_an_attempt_of_one_nudge_go_together(due: World) -> None:
    """Where a nudge gets an attempt and a late outcome at once, the attempt comes first, and both are in the log."""
    nudge = due.nudge("month")
    platform, person = due.platform, nudge.intent.person
    attempted = NudgeAttempted(DUE, person, 1, "sms", "sms", DUE)
    always = Unconditional([(nudge.intent.id, failed(nudge))], {nudge.intent.id: nudge})
    platform.database.write(
        lambda connection: append_if_unmoved(connection, platform.log, [(nudge, attempted)], always=always)
    )
    assert due.facts(nudge.intent.id)[1:] == [attempted, failed(nudge)]


def test_a_decision_that_is_refused_leaves_the_claims_of_others(due: World) -> None:
    """Who decided before the nudge changed does not let go of what somebody else has claimed since."""
    nudge, platform = due.nudge("month"), due.platform
    person, due_again = nudge.intent.person, NudgeDeferred(DUE, nudge.intent.person, DUE, "quiet_hours")
    platform.database.write(lambda connection: record(connection, platform.log, [(nudge.intent.id, due_again)]))
    claims, lane = Claims(platform.rules.context, "other", LEASE, fair=False), DispatchLane(Budgets({}), urgent=False)
    assert claims.claim(lane, 1) == [Due(nudge.intent.id, person)]
    late = [(nudge, NudgeAttempted(DUE, person, 1, "sms", "sms", DUE + LEASE))]
    assert platform.database.write(lambda connection: append_if_unmoved(connection, platform.log, late)) == {}
    assert claims.claim(lane, 1) == []


def test_an_outcome_is_appended_to_the_nudge_as_it_is_by_now(due: World) -> None:
    """A nudge that changed since its attempt gets the outcome behind the change, and nothing is overwritten."""
    nudge = due.nudge("month")
    platform, person = due.platform, nudge.intent.person
    first, second = (NudgeAttempted(DUE, person, number, "sms", "sms", DUE) for number in (1, 2))
    platform.database.write(lambda connection: record(connection, platform.log, [(nudge.intent.id, first)]))
    known = due.nudge("month")
    platform.database.write(lambda connection: record(connection, platform.log, [(nudge.intent.id, second)]))
    always = Unconditional([(nudge.intent.id, failed(nudge, 2))], {nudge.intent.id: known})
    platform.database.write(lambda connection: append_if_unmoved(connection, platform.log, [], always=always))
    assert due.facts(nudge.intent.id)[1:] == [first, second, failed(nudge, 2)]
    assert due.nudge("month").version == known.version + 2
