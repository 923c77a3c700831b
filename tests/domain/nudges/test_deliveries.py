import pytest

from domain.facts import facts
from domain.facts.facts import NudgeFact
from domain.nudges.delivery import Delivery, State
from domain.nudges.nudge import evolve
from tests.domain.lives import CANCELLED, DUE, ID, LATER, LEASE, MOVED, NOW, attempted, failed, life, sent, unknown
from tests.domain.world import AIDA, ERLAN, SAULE


def _guardians(*lived: NudgeFact) -> list[tuple[str, State]]:
    return [(one.recipient, one.state) for one in life(*lived).deliveries]


def test_each_guardian_has_a_delivery() -> None:
    """Once a child's nudge goes to guardians the child's own is gone, and each guardian's ends for itself."""
    deferred = facts.NudgeDeferred(NOW, SAULE, LATER, "quiet_hours")
    refused = facts.NudgeWithheld(NOW, ERLAN, "opted_out")
    assert _guardians(deferred) == [(SAULE, State.DEFERRED)]
    assert _guardians(deferred, refused) == [(ERLAN, State.WITHHELD), (SAULE, State.DEFERRED)]
    assert _guardians(refused, deferred, attempted(1, to=SAULE), sent(1, SAULE)) == [
        (ERLAN, State.WITHHELD),
        (SAULE, State.SENT),
    ]


def test_a_nudge_is_what_its_furthest_delivery_is() -> None:
    """One guardian's refusal does not hide that the other read it."""
    both = life(facts.NudgeWithheld(NOW, ERLAN, "opted_out"), attempted(1, to=SAULE), sent(1, SAULE))
    assert (both.state, both.attempted, both.pending) == (State.SENT, True, False)
    half = life(facts.NudgeWithheld(NOW, ERLAN, "opted_out"), facts.NudgeDeferred(NOW, SAULE, LATER, "stopped"))
    assert (half.state, half.pending, half.cancelled) == (State.DEFERRED, True, False)


def test_what_became_of_the_childs_own_delivery_is_kept() -> None:
    """A reason that was given for the child stays, also when guardians are found later."""
    nobody = facts.NudgeWithheld(NOW, AIDA, "no_guardian")
    assert _guardians(nobody, attempted(1, to=SAULE)) == [(AIDA, State.WITHHELD), (SAULE, State.ATTEMPTED)]


def test_the_childs_attempts_are_counted_on() -> None:
    """A child who was tried before a correction keeps the number of attempts when guardians are told first."""
    nudge = life(attempted(1), failed(1, LATER), MOVED, attempted(1, to=SAULE))
    assert nudge.to(AIDA).attempt == 1


def test_cancelling_keeps_how_a_delivery_ended() -> None:
    """Only what was still on its way is cancelled: a reason that was given, and what was sent, stay."""
    refused = facts.NudgeWithheld(NOW, ERLAN, "opted_out")
    assert _guardians(refused, facts.NudgeDeferred(NOW, SAULE, LATER, "stopped"), CANCELLED) == [
        (ERLAN, State.WITHHELD),
        (SAULE, State.CANCELLED),
    ]
    assert _guardians(refused, attempted(1, to=SAULE), sent(1, SAULE), CANCELLED) == [
        (ERLAN, State.WITHHELD),
        (SAULE, State.SENT),
    ]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (sent(), State.SENT),
        (failed(retry_at=LATER), State.FAILED),
        (unknown(retry_at=LATER), State.UNKNOWN),
    ],
)
def test_an_attempt_that_outlives_the_plan_keeps_its_outcome(outcome: NudgeFact, state: State) -> None:
    """Cancelled under way, an attempt waits for its outcome; that counts, and nothing is tried again."""
    (under_way,) = life(attempted(), CANCELLED).deliveries
    assert (under_way.state, under_way.due) == (State.ATTEMPTED, LEASE)
    (ended,) = life(attempted(), CANCELLED, outcome).deliveries
    assert (ended.state, ended.due) == (state, None)


def test_cancelling_ends_every_delivery() -> None:
    """When a nudge leaves the plan nobody is told, and who was not known yet starts as planned."""
    nudge = life(facts.NudgeDeferred(NOW, SAULE, LATER, "stopped"), facts.NudgeDeferred(NOW, ERLAN, LATER, "stopped"))
    gone = evolve(nudge, ID, 4, CANCELLED)
    assert {(one.state, one.due) for one in gone.deliveries} == {(State.CANCELLED, None)}
    assert nudge.to("a new guardian") == Delivery("a new guardian", State.PLANNED, DUE)
