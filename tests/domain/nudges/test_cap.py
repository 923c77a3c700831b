"""The fatigue cap of a recipient: who is held back, what counts, and which digest comes in time."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.core.timing import zone_of
from domain.nudges.cap import ON_ITS_WAY, counted_from
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import Delivery, State
from domain.nudges.digest import digest_id, due_on, next_day
from domain.nudges.settle import (
    Controls,
    Decision,
    Defer,
    Digest,
    Ledger,
    NotSentReason,
    Send,
    Settlement,
    Withhold,
    settle,
)
from domain.rules.triggers import CLASSES, Class
from tests.domain.case import NOON, nudge, person, trigger
from tests.domain.given import DEFAULTS
from tests.domain.world import AIDA, NAMES, SAULE, at

NOW = at(NOON)
ALMATY = zone_of("Asia/Almaty")
TODAY = Digest(date(2025, 1, 21), 3, 7)
FULL = (NOW - timedelta(days=1),) * 3


def decided(
    messages: tuple[datetime, ...] = FULL,
    *,
    klass: Class = "reminder",
    now: datetime = NOW,
    expires: str = "2026-01-01",
    begun: bool = False,
    **preferences: Any,
) -> Decision:
    """What is decided for somebody whom these messages reached, who wants offers about documents."""
    about, who = nudge(expires=at(expires)), person(**{"consents": ["documents"], **preferences})
    if begun:
        [delivery] = about.deliveries
        about = replace(about, deliveries=(replace(delivery, attempted_at=now, attempt=1, state=State.FAILED),))
    case = Settlement(
        about, trigger(klass=klass), who, Ledger((about,), messages), Controls(), DEFAULTS, (who.pseudonym,)
    )
    return settle(case, now)


# class × what it overrides


@pytest.mark.parametrize(
    ("klass", "opted_out", "quiet", "capped", "no_consent"),
    [
        ("legal", Send("push"), NotSentReason.QUIET_HOURS, Send("push"), Send("push")),
        ("service", NotSentReason.OPTED_OUT, NotSentReason.QUIET_HOURS, Send("push"), Send("push")),
        ("reminder", NotSentReason.OPTED_OUT, NotSentReason.QUIET_HOURS, TODAY, Send("push")),
        ("offer", NotSentReason.OPTED_OUT, NotSentReason.QUIET_HOURS, TODAY, NotSentReason.NO_CONSENT),
    ],
)
def test_what_each_class_ignores(
    klass: Class, opted_out: object, quiet: object, capped: object, no_consent: object
) -> None:
    """The table of classes: a refused category, quiet hours, the cap, a missing consent."""
    found = [
        decided((), klass=klass, opted_out=["documents"]),
        decided((), klass=klass, now=at("2025-01-21 23:00")),
        decided(klass=klass),
        decided((), klass=klass, consents=None),
    ]
    assert [getattr(each, "reason", each) for each in found] == [opted_out, quiet, capped, no_consent]


def test_every_class_has_its_line() -> None:
    """No class is without a decision; what the state owes is not counted, and only danger overrides quiet hours."""
    assert list(CLASS_RULES) == list(CLASSES)
    assert [klass for klass in CLASSES if not CLASS_RULES[klass].counts] == ["emergency", "legal"]
    assert [klass for klass, each in CLASS_RULES.items() if each.ignores_quiet_hours or each.ignores_rate] == [
        "emergency"
    ]


# the window


@pytest.mark.parametrize(
    ("messages", "decision"),
    [
        ((), Send("push")),
        (FULL[:2], Send("push")),
        (FULL, TODAY),
        ((*FULL, NOW), replace(TODAY, messages=4)),
        ((NOW - timedelta(days=7), *FULL[:2]), Send("push")),
        ((NOW - timedelta(days=7) + timedelta(microseconds=1), *FULL[:2]), TODAY),
        ((ON_ITS_WAY, *FULL[:2]), TODAY),
    ],
)
def test_the_cap_counts_seven_days_of_24_hours(messages: tuple[datetime, ...], decision: Decision) -> None:
    """Three messages within less than seven days are enough; what is seven days old counts no longer."""
    assert decided(messages) == decision


def test_what_was_begun_is_brought_to_its_end() -> None:
    """A retry or the next channel of what has its place already is not held back."""
    assert decided(begun=True) == Send("push")


_WENT = Delivery(AIDA, State.SENT, None, 1, "push", NOW, sent_at=NOW)


@pytest.mark.parametrize(
    ("delivery", "klass", "since"),
    [
        (_WENT, "reminder", NOW),
        (_WENT, "offer", NOW),
        (_WENT, "service", NOW),
        (_WENT, "legal", None),
        (replace(_WENT, state=State.ATTEMPTED, due=NOW, sent_at=None), "reminder", ON_ITS_WAY),
        (replace(_WENT, state=State.FAILED, due=NOW, sent_at=None), "reminder", ON_ITS_WAY),
        (replace(_WENT, state=State.FAILED, sent_at=None), "reminder", None),
        (replace(_WENT, state=State.UNKNOWN, sent_at=None), "reminder", NOW),
        (replace(_WENT, digest=NAMES.stream("", "digest")), "reminder", None),
        (Delivery(AIDA, State.PLANNED, NOW), "reminder", None),
    ],
)
def test_what_counts(delivery: Delivery, klass: Class, since: datetime | None) -> None:
    """What may have been read and what is on its way, but for the law's, and for what went with a digest."""
    assert counted_from(delivery, klass) == since


# which digest


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2025-01-21 00:30", "2025-01-21"),
        ("2025-01-21 17:59", "2025-01-21"),
        ("2025-01-21 18:00", "2025-01-22"),
        ("2025-01-21 23:59", "2025-01-22"),
    ],
)
def test_a_digest_goes_in_the_evening_of_the_local_day(now: str, day: str) -> None:
    """What exceeds the cap goes with the next digest that is still to come, at 18:00 where its recipient is."""
    found = next_day(at(now), ALMATY)
    assert (found.isoformat(), due_on(found, ALMATY)) == (day, at(f"{day} 18:00"))
    assert next_day(at(now), ALMATY, another=True) == date(2025, 1, 22)


def test_the_zone_is_the_recipients() -> None:
    """At noon in Almaty it is still the day before in the west, where the day's digest is to come."""
    assert decided(now=at("2025-01-21 12:00"), zone="America/New_York", quiet_from="03:00", quiet_to="03:00") == TODAY
    assert decided(
        now=at("2025-01-21 09:00"), zone="America/New_York", quiet_from="03:00", quiet_to="03:00"
    ) == replace(TODAY, day=date(2025, 1, 21))


@pytest.mark.parametrize(
    ("expires", "decision"),
    [
        ("2025-01-21 17:59", Withhold(NotSentReason.CAP)),
        ("2025-01-21 18:00", Withhold(NotSentReason.CAP)),
        ("2025-01-21 18:01", TODAY),
    ],
)
def test_what_no_digest_can_take_in_time_is_withheld(expires: str, decision: Decision) -> None:
    """What has expired when its digest goes is not sent over the cap either."""
    assert decided(expires=expires) == decision


def test_who_wants_no_digests_gets_none() -> None:
    """Who opted out of digests is not sent what exceeds the cap."""
    assert decided(opted_out=["digest"]) == Withhold(NotSentReason.CAP)
    assert decided((), opted_out=["digest"]) == Send("push")


def test_the_cap_comes_before_quiet_hours() -> None:
    """What is due at night over the cap is the next evening's, and not looked at again in the morning."""
    night = decided(now=at("2025-01-21 23:00"))
    assert night == replace(TODAY, day=date(2025, 1, 22))
    assert isinstance(decided((), now=at("2025-01-21 23:00")), Defer)


def test_a_digest_has_one_id_a_person_and_day() -> None:
    """Another person or another day is another digest; the same is the same."""
    ids = {digest_id(NAMES, who, day) for who in (AIDA, SAULE) for day in (date(2025, 1, 21), date(2025, 1, 22))}
    assert len(ids) == 4
    assert digest_id(NAMES, AIDA, date(2025, 1, 21)) in ids
