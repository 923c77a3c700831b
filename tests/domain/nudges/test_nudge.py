from datetime import datetime

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.facts import facts
from domain.facts.facts import NudgeFact
from domain.nudges.delivery import MAYBE_SENT, Delivery, State
from domain.nudges.nudge import Nudge, content_of, evolve, intent_of
from tests.domain.given import before, given, modest, rules
from tests.domain.lives import (
    ANSWERED,
    CANCELLED,
    DEFERRED,
    DELIVERED,
    DIGESTED,
    DUE,
    EXPIRED,
    ID,
    INTENT,
    LATER,
    LEASE,
    MOVED,
    NOW,
    OPENED,
    PLANNED,
    WITHHELD,
    attempted,
    failed,
    life,
    sent,
    unknown,
)
from tests.domain.world import AIDA, paper

ROADS: dict[State, tuple[NudgeFact, ...]] = {
    State.PLANNED: (),
    State.DEFERRED: (DEFERRED,),
    State.WITHHELD: (WITHHELD,),
    State.EXPIRED: (EXPIRED,),
    State.CANCELLED: (CANCELLED,),
    State.ATTEMPTED: (attempted(),),
    State.SENT: (attempted(), sent()),
    State.DELIVERED: (attempted(), sent(), DELIVERED),
    State.OPENED: (attempted(), sent(), DELIVERED, OPENED),
    State.ANSWERED: (attempted(), sent(), ANSWERED),
    State.FAILED: (attempted(), failed()),
    State.UNKNOWN: (attempted(), unknown()),
    State.DIGESTED: (DIGESTED,),
}
UNTRIED = (State.PLANNED, State.DEFERRED, State.DIGESTED, State.WITHHELD, State.EXPIRED, State.CANCELLED)


@pytest.mark.parametrize("state", State)
def test_every_state_is_reached(state: State) -> None:
    """There is a road to every state."""
    assert life(*ROADS[state]).state is state


@pytest.mark.parametrize(
    ("before", "fact", "after", "due"),
    [
        (State.PLANNED, DEFERRED, State.DEFERRED, LATER),
        (State.PLANNED, WITHHELD, State.WITHHELD, None),
        (State.PLANNED, EXPIRED, State.EXPIRED, None),
        (State.PLANNED, CANCELLED, State.CANCELLED, None),
        (State.PLANNED, attempted(), State.ATTEMPTED, LEASE),
        (State.PLANNED, MOVED, State.PLANNED, DUE),
        (State.DEFERRED, DEFERRED, State.DEFERRED, LATER),
        (State.DEFERRED, WITHHELD, State.WITHHELD, None),
        (State.DEFERRED, EXPIRED, State.EXPIRED, None),
        (State.DEFERRED, CANCELLED, State.CANCELLED, None),
        (State.DEFERRED, attempted(), State.ATTEMPTED, LEASE),
        (State.DEFERRED, MOVED, State.PLANNED, DUE),
        (State.PLANNED, DIGESTED, State.DIGESTED, LATER),
        (State.DEFERRED, DIGESTED, State.DIGESTED, LATER),
        (State.DIGESTED, DEFERRED, State.DEFERRED, LATER),
        (State.DIGESTED, WITHHELD, State.WITHHELD, None),
        (State.DIGESTED, EXPIRED, State.EXPIRED, None),
        (State.DIGESTED, CANCELLED, State.CANCELLED, None),
        (State.DIGESTED, attempted(), State.ATTEMPTED, LEASE),
        (State.DIGESTED, MOVED, State.PLANNED, DUE),
        (State.WITHHELD, MOVED, State.PLANNED, DUE),
        (State.EXPIRED, MOVED, State.PLANNED, DUE),
        (State.CANCELLED, PLANNED, State.PLANNED, DUE),
        (State.ATTEMPTED, sent(), State.SENT, None),
        (State.ATTEMPTED, failed(), State.FAILED, None),
        (State.ATTEMPTED, failed(retry_at=LATER), State.FAILED, LATER),
        (State.ATTEMPTED, OPENED, State.OPENED, None),
        (State.ATTEMPTED, unknown(), State.UNKNOWN, None),
        (State.ATTEMPTED, DELIVERED, State.DELIVERED, None),
        (State.ATTEMPTED, unknown(retry_at=LATER), State.UNKNOWN, LATER),
        (State.SENT, DELIVERED, State.DELIVERED, None),
        (State.SENT, OPENED, State.OPENED, None),
        (State.SENT, ANSWERED, State.ANSWERED, None),
        (State.SENT, failed(), State.FAILED, None),
        (State.SENT, failed(retry_at=LATER), State.FAILED, LATER),
        (State.SENT, unknown(), State.SENT, None),
        (State.SENT, sent(), State.SENT, None),
        (State.SENT, attempted(2), State.ATTEMPTED, LEASE),
        (State.DELIVERED, sent(), State.DELIVERED, None),
        (State.DELIVERED, DELIVERED, State.DELIVERED, None),
        (State.DELIVERED, OPENED, State.OPENED, None),
        (State.DELIVERED, unknown(), State.DELIVERED, None),
        (State.OPENED, sent(), State.OPENED, None),
        (State.OPENED, DELIVERED, State.OPENED, None),
        (State.OPENED, OPENED, State.OPENED, None),
        (State.OPENED, ANSWERED, State.ANSWERED, None),
        (State.ANSWERED, OPENED, State.ANSWERED, None),
        (State.ANSWERED, DELIVERED, State.ANSWERED, None),
        (State.FAILED, attempted(2), State.ATTEMPTED, LEASE),
        (State.FAILED, WITHHELD, State.WITHHELD, None),
        (State.FAILED, EXPIRED, State.EXPIRED, None),
        (State.FAILED, DEFERRED, State.DEFERRED, LATER),
        (State.FAILED, sent(), State.SENT, None),
        (State.FAILED, DELIVERED, State.DELIVERED, None),
        (State.UNKNOWN, sent(), State.SENT, None),
        (State.UNKNOWN, DELIVERED, State.DELIVERED, None),
        (State.UNKNOWN, failed(), State.FAILED, None),
        (State.UNKNOWN, attempted(2), State.ATTEMPTED, LEASE),
    ],
)
def test_the_lifecycle(before: State, fact: NudgeFact, after: State, due: datetime | None) -> None:
    """What each fact makes of each state, and when the dispatcher must look at it next."""
    (delivery,) = life(*ROADS[before], fact).deliveries
    assert (delivery.state, delivery.due) == (after, due)


@pytest.mark.parametrize("state", State)
def test_what_a_state_means(state: State) -> None:
    """Pending, attempted, cancelled and perhaps read: what the diff asks of each state."""
    nudge = life(*ROADS[state])
    assert nudge.pending is (state in {State.PLANNED, State.DEFERRED, State.DIGESTED})
    assert nudge.attempted is (state not in UNTRIED)
    assert nudge.cancelled is (state is State.CANCELLED)
    assert bool(nudge.maybe_sent) is (state in MAYBE_SENT)


def test_what_is_kept_of_an_attempt() -> None:
    """The delivery knows its last attempt, its channel and reason, and when it was first taken over."""
    (delivery,) = life(attempted(1, "push"), failed(1, LATER, gave_up=True), attempted(2, "sms"), sent(2)).deliveries
    assert delivery == Delivery(
        AIDA,
        State.SENT,
        None,
        attempt=2,
        channel="sms",
        attempted_at=NOW,
        exhausted=("push",),
        sent_at=NOW,
        provider="fake",
        accepted=(2,),
        since=NOW,
        made=((1, NOW),),
    )


def test_a_failure_that_may_pass_leaves_the_channel() -> None:
    """Only a channel that gave up is exhausted."""
    assert life(attempted(1, "push"), failed(1, LATER)).to(AIDA).exhausted == ()


@pytest.mark.parametrize(
    ("late", "state"),
    [
        (sent(1), State.SENT),
        (facts.NudgeDelivered(NOW, AIDA, 1), State.DELIVERED),
        (failed(1), State.ATTEMPTED),
        (failed(1, LATER, gave_up=True), State.ATTEMPTED),
        (unknown(1), State.ATTEMPTED),
    ],
)
def test_a_late_outcome_of_an_earlier_attempt(late: NudgeFact, state: State) -> None:
    """Good news about an earlier attempt ends the later one; bad news about it changes nothing."""
    nudge = life(attempted(1, "push"), unknown(1, NOW), attempted(2, "sms"), late)
    (delivery,) = nudge.deliveries
    assert (delivery.state, delivery.attempt, delivery.exhausted) == (state, 2, ())


GOOD = st.sampled_from([sent(), DELIVERED, OPENED, ANSWERED])


@modest
@examples(st.lists(GOOD, min_size=1, max_size=8))
def test_good_news_never_goes_backwards(receipts: list[NudgeFact]) -> None:
    """In any order and any repetition, receipts only lead forward, and all orders end alike."""
    order = (State.ATTEMPTED, State.SENT, State.DELIVERED, State.OPENED, State.ANSWERED)
    reached = [order.index(life(attempted(), *receipts[:count]).state) for count in range(len(receipts) + 1)]
    assert reached == sorted(reached)
    assert life(attempted(), *receipts) == life(attempted(), *sorted(receipts, key=lambda fact: fact.TOPIC))


@modest
@examples(st.lists(GOOD, min_size=1, max_size=4), st.data())
def test_a_receipt_told_twice_is_told_once(receipts: list[NudgeFact], data: st.DataObject) -> None:
    """The same receipt again, at any time after the first, changes nothing but the count of facts."""
    again = data.draw(st.sampled_from(receipts))
    assert life(attempted(), *receipts, again).deliveries == life(attempted(), *receipts).deliveries


def test_it_was_sent_when_it_was_first_taken_over() -> None:
    """Later reports do not move the time at which it was sent, and a later failure does not take it away."""
    later = facts.NudgeDelivered(LATER, AIDA, 1)
    assert life(attempted(), sent(), later).to(AIDA).sent_at == NOW
    assert life(attempted(), later).to(AIDA).sent_at == LATER
    bounced = life(attempted(), sent(), failed())
    assert (bounced.state, bounced.to(AIDA).sent_at, bounced.maybe_sent) == (State.FAILED, NOW, True)


def test_versions_count_the_facts() -> None:
    """A nudge knows how many facts it has, whatever they did to it."""
    assert life(attempted(), sent(), sent(), OPENED).version == 5


def test_a_rescheduled_nudge_starts_anew() -> None:
    """It has the new content and nobody's delivery has begun; it counts as planned then only if its time moved."""
    same, later = life(DEFERRED, MOVED), life(DEFERRED, replace(MOVED, due=LATER))
    assert same == Nudge(INTENT, 3, PLANNED.at, (Delivery(AIDA, State.PLANNED, DUE),))
    assert (later.planned_at, later.to(AIDA).due) == (MOVED.at, LATER)


def test_a_nudge_that_is_back_in_the_plan_counts_as_planned_then() -> None:
    """What left the plan and came back is due since it came back, also at the same time."""
    back = life(CANCELLED, replace(PLANNED, at=LATER))
    assert (back.planned_at, back.state, back.gone) == (LATER, State.PLANNED, False)


@pytest.mark.parametrize("fact", [MOVED, PLANNED])
def test_planned_and_rescheduled_may_be_first(fact: NudgeFact) -> None:
    """A nudge starts with what it is."""
    assert evolve(None, ID, 1, fact).intent == INTENT


@pytest.mark.parametrize("fact", [CANCELLED, attempted(), DELIVERED])
def test_nothing_else_may_be_first(fact: NudgeFact) -> None:
    """A log that lost the beginning of a nudge is an error that says which, and not a guess."""
    with pytest.raises(ValueError, match=rf"{ID} starts with {fact.TOPIC}"):
        evolve(None, ID, 1, fact)


def test_the_intent_goes_into_the_fact_and_back() -> None:
    """What is planned is what is kept, for every intent."""
    intent = given(paper()).when(rules("paper.issued", {"month": before(30)})).only
    assert intent_of(intent.id, facts.NudgePlanned(NOW, **content_of(intent))) == intent
