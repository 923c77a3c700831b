from collections.abc import Container
from typing import Any

import pytest

from domain.facts.facts import (
    NudgeAttempted,
    NudgeDeferred,
    NudgeDone,
    NudgeFailed,
    NudgeSent,
    NudgeWithheld,
)
from domain.nudges.settle import Decision, NotSentReason, Send, Withhold, recipients
from domain.persons.person import Person
from tests.domain.case import NOON, born, decided, nudge, person, trigger
from tests.domain.given import DEFAULTS
from tests.domain.world import AIDA, ERLAN, SAULE, at

GUARDED = {"guardians": [SAULE, ERLAN]}


def _told(who: dict[str, Any], now: str = NOON, dead: Container[str] = (), **more: object) -> list[str]:
    def guardian(pseudonym: str) -> Person:
        return person(pseudonym, died="2024-01-01" if pseudonym in dead else None)

    return list(recipients(nudge(), trigger(**more), person(AIDA, **who), DEFAULTS, at(now), guardian))


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ({**born(17), **GUARDED}, [ERLAN, SAULE]),
        ({**born(18), **GUARDED}, [AIDA]),
        ({**born(0), **GUARDED}, [ERLAN, SAULE]),
        ({**born(40)}, [AIDA]),
        ({**born(17)}, []),  # none known
        ({**born(17), "guardians": []}, []),
        ({**born(17), "guardians": [SAULE, SAULE]}, [SAULE]),
        (GUARDED, [AIDA]),  # how old is not known
    ],
)
def test_a_minors_nudge_goes_to_the_guardians(who: dict[str, Any], told: list[str]) -> None:
    """A child's nudge goes to each guardian known now; a grown-up's, and that of unknown age, to the person."""
    assert _told(who) == told


def test_the_child_is_told_where_the_trigger_says_so() -> None:
    """With `minors: self` the child hears it, whoever the guardians are."""
    assert _told({**born(10), **GUARDED}, minors="self") == [AIDA]


def test_a_minor_without_a_guardian_is_told_of_danger_to_life() -> None:
    """Where no guardian is known, a warning goes to the child rather than to nobody; else to the guardians."""
    assert _told({**born(10)}, klass="emergency") == [AIDA]
    assert _told({**born(10), **GUARDED}, klass="emergency") == [ERLAN, SAULE]


def test_guardians_who_have_all_died_are_as_none() -> None:
    """As long as one lives, a nudge goes to the guardians; where all have died, it is as if none were known."""
    child = {**born(10), **GUARDED}
    assert _told(child, dead=[SAULE]) == [ERLAN, SAULE]
    assert _told(child, dead=[SAULE, ERLAN]) == []
    assert _told(child, dead=[SAULE], klass="emergency") == [ERLAN, SAULE]
    assert _told(child, dead=[SAULE, ERLAN], klass="emergency") == [AIDA]


def test_a_minor_is_told_of_danger_whose_guardians_cannot_be_reached() -> None:
    """A warning that no guardian could get by any of its channels goes to the child; what is no warning does not."""

    def guardian(pseudonym: str) -> Person:
        return person(pseudonym, phone=None, email=None, push="a device" if pseudonym == SAULE else None)

    def told(channel: str, klass: str) -> list[str]:
        who: dict[str, Any] = {**born(10), **GUARDED}
        by = trigger(klass=klass, channels=[channel])
        return list(recipients(nudge(), by, person(AIDA, **who), DEFAULTS, at(NOON), guardian))

    assert told("push", "emergency") == [ERLAN, SAULE]
    assert told("sms", "emergency") == [AIDA]
    assert told("sms", "legal") == [ERLAN, SAULE]


def test_minority_is_that_of_the_moment() -> None:
    """On the day of coming of age, where the person lives, the nudge is the person's own."""
    who = {**born(18, before_day="2025-01-22"), **GUARDED}
    assert _told(who, "2025-01-21 23:59") == [ERLAN, SAULE]
    assert _told(who, "2025-01-22 00:00") == [AIDA]
    assert _told({**who, "zone": "Europe/Berlin"}, "2025-01-22 03:59") == [ERLAN, SAULE]
    assert _told({**who, "zone": "Europe/Berlin"}, "2025-01-22 04:00") == [AIDA]


@pytest.mark.parametrize(
    ("goes_to", "decision"),
    [
        ((SAULE,), Send("push")),
        ((ERLAN, SAULE), Send("push")),
        ((ERLAN,), Withhold(NotSentReason.PASSED_ON)),
        ((), Withhold(NotSentReason.NO_GUARDIAN)),
    ],
)
def test_who_is_a_guardian_no_more_is_not_told(goes_to: tuple[str, ...], decision: Decision) -> None:
    """What waits for somebody is not sent to them once it goes to others, or to nobody."""
    waits = nudge("month", NudgeDeferred(at("2025-01-21 09:00"), SAULE, at(NOON), "quiet_hours"))
    assert decided(waits, person(SAULE), goes_to=goes_to) == decision


def test_a_guardian_decides_for_themselves() -> None:
    """Each guardian has preferences and a life of their own."""
    assert decided(nudge(), person(SAULE, opted_out=["documents"])) == Withhold(NotSentReason.OPTED_OUT)
    assert decided(nudge(), person(ERLAN, died="2024-01-01")) == Withhold(NotSentReason.DIED)
    assert decided(nudge(), person(SAULE, push=None)) == Send("sms")


def test_a_guardian_tries_their_own_channels() -> None:
    """The channel that gave up for one guardian is still open to the other."""
    tried = NudgeAttempted(at("2025-01-21 09:00"), SAULE, 1, "push", "fake", at("2025-01-21 09:03"))
    gave_up = NudgeFailed(at("2025-01-21 09:01"), SAULE, 1, "gone", gave_up=True)
    about = nudge("month", tried, gave_up)
    assert (decided(about, person(SAULE)), decided(about, person(ERLAN))) == (Send("sms"), Send("push"))


def test_one_guardians_refusal_is_not_the_others() -> None:
    """A delivery that ended for one guardian goes on for the other."""
    about = nudge("month", NudgeWithheld(at("2025-01-21 09:00"), SAULE, "opted_out"))
    assert decided(about, person(ERLAN)) == Send("push")


def test_what_one_guardian_was_told_and_was_done_is_not_told_to_the_other() -> None:
    """Whoever of the parents did it after one of them was told: the other, who still waits, is not sent after it."""
    went = NudgeSent(at("2025-01-21 09:00"), SAULE, 1, "ref")
    done = NudgeDone(at("2025-01-21 11:00"), SAULE, 1, at("2025-01-21 10:00"))
    tried = NudgeAttempted(at("2025-01-21 09:00"), SAULE, 1, "push", "fake", at("2025-01-21 09:03"))
    waits = NudgeDeferred(at("2025-01-21 09:00"), ERLAN, at(NOON), "quiet_hours")
    assert decided(nudge("month", waits, tried, went), person(ERLAN)) == Send("push")
    assert decided(nudge("month", waits, tried, went, done), person(ERLAN)) == Withhold(NotSentReason.DONE)


PUSH_AND_SMS = {"channels": ["sms", "push"]}
NO_ADDRESS, NO_CHANNEL = Withhold(NotSentReason.NO_ADDRESS), Withhold(NotSentReason.NO_CHANNEL)


@pytest.mark.parametrize(
    ("by", "who", "decision"),
    [
        ({}, {}, Send("push")),  # the trigger's order
        ({"channels": ["email", "sms"]}, {}, Send("email")),
        ({}, {"push": None}, Send("sms")),  # where there is an address
        ({}, {"push": None, "phone": None}, Send("email")),
        ({}, {"push": None, "phone": None, "email": None}, NO_ADDRESS),
        ({"channels": ["sms"]}, {"phone": None}, NO_ADDRESS),
        ({}, {"channels": ["email", "sms"]}, Send("sms")),  # what the person allows, not their order
        ({}, {"channels": ["email"], "email": None}, NO_ADDRESS),
        ({}, {"channels": []}, NO_CHANNEL),
        (PUSH_AND_SMS, {"channels": ["email"]}, NO_CHANNEL),
        ({**PUSH_AND_SMS, "klass": "legal"}, {"channels": ["email"]}, Send("sms")),  # the law goes all the same
        ({"klass": "legal"}, {"channels": []}, Send("push")),
        ({"klass": "legal"}, {"channels": ["email"]}, Send("email")),  # but where it is allowed, if it can
        ({"klass": "legal"}, {"channels": ["email"], "email": None}, Send("push")),
        ({"klass": "legal"}, {"push": None, "phone": None, "email": None}, NO_ADDRESS),
        ({"klass": "legal"}, {"channels": [], "push": None, "phone": None, "email": None}, NO_ADDRESS),
    ],
)
def test_the_channel(by: dict[str, Any], who: dict[str, Any], decision: Decision) -> None:
    """In the trigger's order, the first channel that the person allows and has an address for."""
    channels = tuple(by.get("channels", ("push", "sms", "email")))
    assert decided(nudge(channels=channels), person(**who), by=trigger(**by)) == decision


@pytest.mark.parametrize(
    ("gave_up", "who", "decision"),
    [
        (["push"], {}, Send("sms")),
        (["push", "sms"], {}, Send("email")),
        (["push", "sms", "email"], {}, NO_ADDRESS),
        (["sms"], {"channels": ["sms"]}, NO_ADDRESS),
    ],
)
def test_a_channel_that_gave_up_is_left(gave_up: list[str], who: dict[str, Any], decision: Decision) -> None:
    """A failure that lasts moves the nudge to its next channel."""
    lived = [
        fact
        for number, channel in enumerate(gave_up, 1)
        for fact in (
            NudgeAttempted(at("2025-01-21 09:00"), AIDA, number, channel, "fake", at("2025-01-21 09:03")),
            NudgeFailed(at("2025-01-21 09:01"), AIDA, number, "gone", gave_up=True),
        )
    ]
    assert decided(nudge("month", *lived), person(**who)) == decision


def test_a_channel_that_is_stopped_waits_for_its_switch() -> None:
    """A stopped channel defers the nudge rather than move it to a dearer one."""
    found = decided(nudge(), stopped=[("channel", "push")])
    assert getattr(found, "reason", None) is NotSentReason.STOPPED
    assert decided(nudge(), person(push=None), stopped=[("channel", "push")]) == Send("sms")
