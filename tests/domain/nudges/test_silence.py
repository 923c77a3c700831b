"""Silence: a channel that says nothing in its time gives the next one its turn, and good news at any time ends it."""

from datetime import datetime

import pytest

from domain.facts import facts
from domain.facts.facts import NudgeFact
from domain.nudges.delivery import Delivery, State
from domain.nudges.nudge import Nudge
from domain.nudges.settle import Defer, Expire, NotSentReason, Send, Withhold
from tests.domain.case import decided, nudge, person
from tests.domain.lives import (
    ANSWERED,
    CANCELLED,
    DEFERRED,
    DELIVERED,
    DUE,
    EXPIRED,
    LATER,
    NOW,
    OPENED,
    WITHHELD,
    attempted,
    failed,
    life,
    sent,
    unknown,
)
from tests.domain.world import AIDA

PUSHED = attempted(1, "push")
QUIET_HOURS = "2025-01-21 23:00"


def waits(until_opened: bool = False) -> facts.NudgeSent:  # noqa: FBT001, FBT002  (the case)
    """The push was taken over, and the next channel has its turn later."""
    return facts.NudgeSent(NOW, AIDA, 1, "ref", LATER, until_opened, "fcm")


def doubtful() -> facts.NudgeUnknown:
    """Nobody knows whether the push went, and the next channel has its turn later."""
    return facts.NudgeUnknown(NOW, AIDA, 1, "link_lost", None, LATER)


def only(*lived: NudgeFact) -> Delivery:
    """The only delivery after these facts."""
    (delivery,) = life(*lived).deliveries
    return delivery


def test_what_was_taken_over_is_looked_at_again() -> None:
    """A message that was sent waits for its receipt, and the next channel's turn is its due time."""
    assert (only(PUSHED, waits()).state, only(PUSHED, waits()).due) == (State.SENT, LATER)
    assert only(PUSHED, sent()).due is None


@pytest.mark.parametrize(
    ("heard", "due"),
    [
        ((DELIVERED,), None),
        ((OPENED,), None),
        ((ANSWERED,), None),
        ((DELIVERED, OPENED), None),
    ],
)
def test_good_news_ends_the_waiting(heard: tuple[NudgeFact, ...], due: datetime | None) -> None:
    """Delivered, opened or answered: no further channel."""
    assert only(PUSHED, waits(), *heard).due is due
    assert only(PUSHED, doubtful(), *heard).due is due


def test_until_opened_delivered_is_not_enough() -> None:
    """Where opening is waited for, only opening or answering ends the waiting."""
    assert only(PUSHED, waits(until_opened=True), DELIVERED).due == LATER
    assert only(PUSHED, waits(until_opened=True), DELIVERED, OPENED).due is None
    assert only(PUSHED, waits(until_opened=True), ANSWERED).due is None


@pytest.mark.parametrize("heard", [waits(), doubtful()])
def test_after_a_silence_the_next_channel_has_its_turn(heard: NudgeFact) -> None:
    """The silent channel has had its turn, and after the next attempt it is not tried again."""
    silent = nudge("month", PUSHED, heard)
    assert decided(silent) == Send("sms")
    assert only(PUSHED, heard, attempted(2, "sms")).exhausted == ("push",)


def test_quiet_hours_put_the_next_channel_off() -> None:
    """A deferred turn is still that of the next channel, and good news in the night ends it."""
    silent = nudge("month", PUSHED, waits())
    assert isinstance(decided(silent, at_time=QUIET_HOURS), Defer)
    assert decided(nudge("month", PUSHED, waits(), DEFERRED)) == Send("sms")
    assert only(PUSHED, waits(), DEFERRED, DELIVERED).due is None


@pytest.mark.parametrize("end", [WITHHELD, EXPIRED])
@pytest.mark.parametrize(
    ("lived", "state"),
    [
        ((PUSHED, waits()), State.SENT),
        ((PUSHED, waits(), DEFERRED), State.SENT),
        ((PUSHED, waits(until_opened=True), DELIVERED), State.DELIVERED),
        ((PUSHED, doubtful()), State.UNKNOWN),
        ((PUSHED, doubtful(), DEFERRED), State.UNKNOWN),
    ],
)
def test_what_has_gone_stays_gone_when_no_channel_is_left(
    lived: tuple[NudgeFact, ...], state: State, end: NudgeFact
) -> None:
    """Whatever speaks against the next channel takes nothing back of what the silent one did."""
    assert (only(*lived, end).state, only(*lived, end).due) == (state, None)


def test_a_next_channel_that_fails_takes_nothing_back() -> None:
    """Sent by push and failed by SMS is sent; delivered by push and failed by SMS is delivered."""
    gave_up = failed(2, gave_up=True)
    assert only(PUSHED, waits(), attempted(2, "sms"), gave_up).state is State.SENT
    assert only(PUSHED, waits(until_opened=True), DELIVERED, attempted(2, "sms"), gave_up).state is State.DELIVERED


def test_a_next_channel_of_which_nobody_knows_takes_nothing_back() -> None:
    """Sent or delivered by push, and unknown by SMS, is what the push was."""
    assert only(PUSHED, waits(), attempted(2, "sms"), unknown(2)).state is State.SENT
    delivered = (PUSHED, waits(until_opened=True), DELIVERED)
    assert only(*delivered, attempted(2, "sms"), unknown(2)).state is State.DELIVERED


@pytest.mark.parametrize("end", [WITHHELD, EXPIRED, failed(2, gave_up=True), CANCELLED])
def test_what_may_have_gone_is_unknown_at_the_end(end: NudgeFact) -> None:
    """An attempt of which nobody knows is not forgotten when the next one fails, or has no turn any more."""
    again = (DEFERRED,) if not isinstance(end, facts.NudgeFailed) else (attempted(2, "push"),)
    delivery = only(PUSHED, unknown(1, LATER), *again, end)
    assert (delivery.state, delivery.due, delivery.maybe_sent) == (State.UNKNOWN, None, True)


def test_what_is_known_to_have_failed_is_no_doubt() -> None:
    """An unknown attempt that is reported as failed has failed, and nobody can have read it."""
    delivery = only(PUSHED, unknown(1), failed(1, gave_up=True))
    assert (delivery.state, delivery.maybe_sent) == (State.FAILED, False)


def test_what_has_gone_stays_gone_when_the_plan_changes() -> None:
    """A nudge that leaves the plan while its next channel waits for the morning was sent by the first one."""
    assert only(PUSHED, waits(), DEFERRED, CANCELLED).state is State.SENT


def test_what_failed_after_all_has_failed() -> None:
    """A bounce of the only channel that took it over means that it was not sent."""
    assert only(PUSHED, waits(), failed(1, gave_up=True)).state is State.FAILED
    bounced_late = only(PUSHED, waits(), attempted(2, "sms"), failed(1), failed(2, gave_up=True))
    assert bounced_late.state is State.FAILED


def test_no_address_left_is_no_failure() -> None:
    """Who has nothing but the silent channel is withheld from the next one, by its reason."""
    alone = person(phone=None, email=None)
    assert decided(nudge("month", PUSHED, waits()), alone) == Withhold(NotSentReason.NO_ADDRESS)


def test_a_late_sent_of_an_unknown_attempt_has_its_own_silence() -> None:
    """When the outcome comes after all, its provider says whether a silence means anything."""
    assert only(PUSHED, doubtful(), sent(1)).due is None
    assert only(PUSHED, doubtful(), waits()).due == LATER


def test_an_expired_nudge_has_no_next_channel() -> None:
    """When its time is over the silence ends by itself."""
    silent: Nudge = nudge("month", PUSHED, waits(), expires=DUE)
    assert isinstance(decided(silent), Expire)


def test_unknown_is_not_repeated_on_its_channel() -> None:
    """An unknown attempt that may be repeated goes by the same channel; one that waits for silence by the next."""
    assert decided(nudge("month", PUSHED, unknown(1, NOW))) == Send("push")
    assert decided(nudge("month", PUSHED, doubtful())) == Send("sms")


def test_a_refused_address_is_not_tried_again() -> None:
    """An address that its provider refused for good is as good as none; another one of the person is tried."""
    refusing = person(refused=["+77010000001"], channels=["sms", "email"])
    assert decided(nudge("month"), refusing) == Send("email")
    assert decided(nudge("month"), person(refused=["+77010000001"], email=None, push=None)) == Withhold(
        NotSentReason.NO_ADDRESS
    )
