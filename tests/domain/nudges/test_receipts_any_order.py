"""Receipts about several attempts at one nudge: whatever their order and however often, they come to the same."""

from hypothesis import given
from hypothesis import strategies as st

from domain.facts import facts
from domain.facts.facts import NudgeFact
from domain.nudges.delivery import State
from tests.domain.lives import NOW, attempted, failed, life, sent
from tests.domain.world import AIDA

TRIED = (attempted(1, "push"), sent(1), attempted(2, "sms"), sent(2), attempted(3, "email"), sent(3))
ALL = range(1, 4)


def said(kind: str, attempt: int) -> NudgeFact:
    """What is reported about the attempt."""
    if kind == "failed":
        return failed(attempt, gave_up=True)
    return (facts.NudgeDelivered if kind == "delivered" else facts.NudgeOpened)(NOW, AIDA, attempt)


def expected(reports: list[tuple[str, int]]) -> State:
    """The best news; failed only where every attempt did."""
    kinds = {kind for kind, _ in reports}
    if "opened" in kinds:
        return State.OPENED
    if "delivered" in kinds:
        return State.DELIVERED
    return State.FAILED if {attempt for _, attempt in reports} == set(ALL) else State.SENT


@given(st.lists(st.tuples(st.sampled_from(["failed", "failed", "delivered", "opened"]), st.sampled_from(ALL))))
def test_receipts_in_any_order_come_to_the_same(reports: list[tuple[str, int]]) -> None:
    """Sent by three channels: opened or delivered if any says so, failed if all do, and else sent."""
    [delivery] = life(*TRIED, *(said(kind, attempt) for kind, attempt in reports)).deliveries
    assert (delivery.state, delivery.due) == (expected(reports), None)


@given(st.permutations(ALL))
def test_failures_in_any_order_are_a_failure(order: list[int]) -> None:
    """When every channel failed in the end, so did the nudge, whichever was reported last."""
    [delivery] = life(*TRIED, *(said("failed", attempt) for attempt in order)).deliveries
    assert (delivery.state, delivery.reason) == (State.FAILED, "refused")
