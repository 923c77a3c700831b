from typing import Any

import pytest

from domain.facts.facts import NudgeCancelled
from domain.nudges.nudge import Nudge
from domain.nudges.settle import NotSentReason, Send, Withhold
from tests.domain.case import decided, nudge, trigger
from tests.domain.world import at

LATE = "2025-02-21"
"""After all steps were due."""


def _overdue(of: str, /, **changed: Any) -> Nudge:
    return nudge(of, planned=LATE, **changed)


@pytest.mark.parametrize(
    ("catch_up", "sent"),
    [
        ("latest", {"day"}),
        ("all", {"month", "week", "day"}),
        ("none", set()),
    ],
)
def test_who_joins_late_is_caught_up(catch_up: str, sent: set[str]) -> None:
    """Of the steps already overdue when they were planned, the latest goes, or all, or none."""
    overdue = [_overdue(step) for step in ("month", "week", "day")]
    by = trigger(catch_up=catch_up)
    found = {each.intent.step: decided(each, at_time="2025-02-21 12:00", by=by, others=overdue) for each in overdue}
    assert {step for step, decision in found.items() if decision == Send("push")} == sent
    assert {decision for decision in found.values() if decision != Send("push")} <= {
        Withhold(NotSentReason.CAUGHT_UP)
    }


@pytest.mark.parametrize("catch_up", ["latest", "all", "none"])
def test_what_was_planned_in_time_is_not_caught_up(catch_up: str) -> None:
    """A step that was planned before it was due goes, however late its turn comes."""
    others = [_overdue("week"), nudge("day")]
    assert decided(nudge(), at_time="2025-02-20 12:00", by=trigger(catch_up=catch_up), others=others) == Send("push")


def test_a_step_still_ahead_does_not_hold_back_the_overdue_one() -> None:
    """The latest of the overdue steps goes, although another will follow in its own time."""
    joined = "2025-02-14"
    month, week, day = (nudge(step, planned=joined) for step in ("month", "week", "day"))
    for about, decision in ((month, Withhold(NotSentReason.CAUGHT_UP)), (week, Send("push"))):
        assert decided(about, at_time="2025-02-14 12:00", others=[month, week, day]) == decision


@pytest.mark.parametrize(
    "twin",
    [
        _overdue("day", occurrence=nudge().intent.id),
        _overdue("day", trigger="fee"),
        _overdue("day", person="saule"),
        _overdue("day", step="correction"),
    ],
)
def test_another_occurrence_is_no_reason(twin: Nudge) -> None:
    """Only a later step of the same trigger, person and occurrence catches up; a correction is no such step."""
    assert decided(_overdue("month"), at_time="2025-02-21 12:00", others=[twin]) == Send("push")


def test_a_cancelled_step_catches_nothing_up() -> None:
    """The latest of the overdue steps that are still wanted goes."""
    cancelled = nudge("day", NudgeCancelled(at(LATE)), planned=LATE)
    assert decided(_overdue("month"), at_time="2025-02-21 12:00", others=[cancelled]) == Send("push")


def test_a_correction_is_never_caught_up() -> None:
    """What puts something right goes, whatever else is overdue."""
    wrong = _overdue("week", step="correction")
    for catch_up in ("latest", "none"):
        by = trigger(catch_up=catch_up)
        assert decided(wrong, at_time="2025-02-21 12:00", by=by, others=[_overdue("day")]) == Send("push")


def test_two_steps_due_at_once_are_settled_by_their_name() -> None:
    """Of two overdue steps with one due time exactly one goes."""
    twins = [_overdue("month"), _overdue("week", due=nudge().intent.due)]
    found = [decided(each, at_time="2025-02-21 12:00", others=twins) for each in twins]
    assert found == [Withhold(NotSentReason.CAUGHT_UP), Send("push")]
