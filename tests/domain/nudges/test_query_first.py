"""Query first: an attempt without an outcome waits for what its provider says, and for nothing else."""

import pytest

from domain.facts import facts
from domain.facts.facts import NudgeFact
from domain.nudges.delivery import Delivery, State
from domain.nudges.nudge import is_asked
from tests.domain.lives import CANCELLED, DELIVERED, LATER, NOW, OPENED, attempted, failed, life, sent, unknown
from tests.domain.world import AIDA


def asking(number: int = 1) -> facts.NudgeUnknown:
    """Nobody knows whether the attempt went, and its provider is to be asked later."""
    return facts.NudgeUnknown(NOW, AIDA, number, "link_lost", ask_at=LATER)


def only(*lived: NudgeFact) -> Delivery:
    """The only delivery after these facts."""
    (delivery,) = life(*lived).deliveries
    return delivery


def test_it_is_unknown_and_due_to_be_asked_about() -> None:
    """It is seen as unknown at once, and its turn is the question: neither another attempt nor the next channel."""
    delivery = only(attempted(), asking())
    assert (delivery.state, delivery.due, delivery.uncertain) == (State.UNKNOWN, LATER, True)
    assert is_asked(delivery)
    assert not delivery.is_silent


@pytest.mark.parametrize("heard", [sent(), DELIVERED, OPENED, failed(1, LATER), failed(1, gave_up=True)])
def test_whatever_is_heard_ends_the_asking(heard: NudgeFact) -> None:
    """An outcome or a receipt, good or bad, leaves nothing to ask, whenever it wants to be tried again."""
    assert not is_asked(only(attempted(), asking(), heard))


def test_who_could_not_tell_leaves_it_to_the_policy() -> None:
    """After the questions it is as if it could not have been asked, and counts as one attempt."""
    assert only(attempted(), asking(), unknown()).due is None
    again = only(attempted(), asking(), unknown(1, LATER))
    assert (again.due, again.doubts, again.doubtful, is_asked(again)) == (LATER, (1,), "fake", False)


def test_what_arrived_by_another_channel_is_still_asked_about() -> None:
    """A message that one channel took over and another may have stays taken over when nobody can tell."""
    lived: list[NudgeFact] = [attempted(1, "push"), sent(), attempted(2), asking(2)]
    assert is_asked(only(*lived))
    assert only(*lived, unknown(2)).state is State.SENT


def test_who_removes_doubles_keeps_what_may_be_one() -> None:
    """While a second attempt is asked about, the first may still have gone: no other provider may be given it."""
    lived: list[NudgeFact] = [attempted(), unknown(1, LATER), attempted(2), asking(2)]
    assert only(*lived, failed(2, LATER)).bound_provider == "fake"


def test_what_left_the_plan_is_asked_about_and_not_sent_again() -> None:
    """A nudge that is not wanted any more has its attempt's outcome all the same, and no further attempt."""
    assert is_asked(only(attempted(), asking(), CANCELLED))
    assert only(attempted(), asking(), CANCELLED, failed(1, LATER)).due is None
    assert only(attempted(), asking(), CANCELLED, unknown(1, LATER)).due is None
