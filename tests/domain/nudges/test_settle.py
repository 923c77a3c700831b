from typing import Any

import pytest

from domain.nudges.nudge import Nudge
from domain.nudges.settle import Decision, Defer, Digest, Expire, NotSentReason, Send, Withhold
from domain.persons.person import Person
from domain.rules.triggers import CLASSES
from tests.domain.case import NOON, decided, nudge, person, trigger
from tests.domain.world import AIDA, at

LATE = "2025-02-21"
"""After all steps were due."""
QUIET = "2025-01-21 23:00"


def _overdue(of: str, /, **changed: Any) -> Nudge:
    return nudge(of, planned=LATE, **changed)


OBJECTIONS: list[tuple[NotSentReason | str, dict[str, Any]]] = [
    (NotSentReason.DIED, {"died": "2025-01-15"}),
    (NotSentReason.WITHDRAWN, {"withdrawn": ["card"]}),
    ("expired", {"expires": at("2025-02-21 01:00")}),
    (NotSentReason.DONE, {"moot_from": at("2025-02-01")}),
    (NotSentReason.CAUGHT_UP, {"others": [_overdue("day")]}),
    (NotSentReason.OPTED_OUT, {"opted_out": ["documents"]}),
    (NotSentReason.NO_ADDRESS, {"phone": None, "email": None, "push": None}),
    (NotSentReason.STOPPED, {"stopped": [("all", "")]}),
    ("digest", {"messages": [at(LATE)] * 3}),
    (NotSentReason.QUIET_HOURS, {}),
]
"""What speaks against sending, the first that counts first; each adds one more thing to the case."""


def _decided(*chosen: dict[str, Any]) -> Decision:
    said = {name: value for each in chosen for name, value in each.items()}
    intent = {name: said.pop(name) for name in ("expires", "moot_from") if name in said}
    case = {name: said.pop(name) for name in ("others", "stopped", "withdrawn", "messages") if name in said}
    return decided(_overdue("month", **intent), person(**said), at_time="2025-02-21 23:00", **case)


def _name(decision: Decision) -> str:
    if isinstance(decision, Digest):
        return "digest"
    return "expired" if isinstance(decision, Expire) else getattr(decision, "reason", "sent")


@pytest.mark.parametrize("first", range(len(OBJECTIONS)))
def test_the_first_objection_decides(first: int) -> None:
    """Where several things speak against sending, the reason is the one that is asked first."""
    assert _name(_decided(*(each for _, each in OBJECTIONS[first:]))) == OBJECTIONS[first][0]


@pytest.mark.parametrize("alone", range(len(OBJECTIONS)))
def test_each_objection_decides_alone(alone: int) -> None:
    """Each is a reason by itself, before the quiet hours."""
    assert _name(_decided(OBJECTIONS[alone][1])) == OBJECTIONS[alone][0]


ELSEWHERE = {
    NotSentReason.NO_CONSENT: "of offers: test_cap.py",
    NotSentReason.CAP: "without a digest: test_cap.py",
    NotSentReason.NO_CHANNEL: "test_reachable",
    NotSentReason.NO_GUARDIAN: "of minors: test_recipients.py",
    NotSentReason.PASSED_ON: "of minors: test_recipients.py",
    NotSentReason.ADDED: "of minors: test_settling.py",
    NotSentReason.UNREACHED: "of minors: test_emergencies.py",
    NotSentReason.NOTHING_LEFT: "of digests: test_digest.py",
    NotSentReason.EXPIRED: "of repair",
    NotSentReason.ERASED: "of erasures",
    NotSentReason.UNREADABLE: "of rendering",
}
"""The reasons that a reminder to an adult does not meet, and where they are tested."""


def test_every_reason_has_its_place() -> None:
    """A new reason stands in the order of objections, or says why not."""
    assert {found for found, _ in OBJECTIONS if isinstance(found, NotSentReason)} | set(ELSEWHERE) == set(
        NotSentReason
    )


def test_without_objection_it_is_sent() -> None:
    """A nudge that is due, wanted and possible is sent on the first of its channels."""
    assert decided(nudge()) == Send("push")


def test_a_dead_person_is_told_nothing() -> None:
    """A death ends everything, also a legal notice, and whenever it was."""
    for died in ("2025-01-15", "2025-01-21 12:00"):
        assert decided(nudge(), person(died=died), by=trigger(klass="legal")) == Withhold(NotSentReason.DIED)


@pytest.mark.parametrize("klass", CLASSES)
def test_a_withdrawn_trigger_sends_nothing(klass: str) -> None:
    """What a trigger planned is not sent once it is withdrawn; other triggers go on."""
    who = person(consents=["documents"])
    assert decided(nudge(), who, by=trigger(klass=klass), withdrawn=["card"]) == Withhold(NotSentReason.WITHDRAWN)
    assert decided(nudge(), who, by=trigger(klass=klass), withdrawn=["fee"]) == Send("push")


@pytest.mark.parametrize(
    ("expires", "decision"),
    [
        ("2025-01-21 11:59", Expire()),
        (NOON, Expire()),
        ("2025-01-21 12:01", Send("push")),
    ],
)
def test_what_has_expired_is_worth_nothing(expires: str, decision: Decision) -> None:
    """From the moment of its expiry a nudge is not sent any more."""
    assert decided(nudge(expires=at(expires))) == decision


def test_what_never_expires_is_sent_years_later() -> None:
    """A nudge without an expiry waits for ever."""
    assert decided(nudge(expires=None), at_time="2035-01-21 12:00") == Send("push")


@pytest.mark.parametrize(
    ("moot_from", "decision"),
    [
        ("2025-01-21 11:59", Withhold(NotSentReason.DONE)),
        (NOON, Withhold(NotSentReason.DONE)),
        ("2025-01-21 12:01", Send("push")),
    ],
)
def test_what_was_done_meanwhile_is_not_sent(moot_from: str, decision: Decision) -> None:
    """From the moment at which the thing itself happened nobody is reminded of it."""
    assert decided(nudge(moot_from=at(moot_from))) == decision


@pytest.mark.parametrize(
    ("klass", "decision"),
    [
        ("emergency", Send("push")),
        ("legal", Send("push")),
        ("service", Withhold(NotSentReason.OPTED_OUT)),
        ("reminder", Withhold(NotSentReason.OPTED_OUT)),
        ("offer", Withhold(NotSentReason.OPTED_OUT)),
    ],
)
def test_who_opted_out_of_a_category_hears_only_the_law(klass: str, decision: Decision) -> None:
    """A citizen may refuse a category, except for its legal notices and what warns of danger to life."""
    refuses = person(opted_out=["health", "documents"], consents=["documents"])
    assert decided(nudge(), refuses, by=trigger(klass=klass)) == decision


@pytest.mark.parametrize(
    ("opted_out", "klass", "decision"),
    [
        (["documents/push"], "reminder", Send("sms")),
        (["documents/push", "documents/sms"], "reminder", Send("email")),
        (["documents/push", "documents/sms", "documents/email"], "reminder", Withhold(NotSentReason.NO_CHANNEL)),
        (["documents/push", "documents/sms", "documents/email"], "legal", Send("push")),
        (["documents/push"], "legal", Send("sms")),
        (["health/push", "documents/fax"], "reminder", Send("push")),
    ],
)
def test_a_channel_may_be_refused_for_one_category(opted_out: list[str], klass: str, decision: Decision) -> None:
    """By a channel that somebody refused for a category nothing of it comes, unless the law knows no other way."""
    reached = person(opted_out=opted_out, phone="+77011234567", email="a@example.org")
    assert decided(nudge(channels=("push", "sms", "email")), reached, by=trigger(klass=klass)) == decision


@pytest.mark.parametrize("klass", CLASSES)
def test_another_category_is_another_choice(klass: str) -> None:
    """Who refused one category still hears of the others."""
    who = person(opted_out=["health"], consents=["documents"])
    assert decided(nudge(), who, by=trigger(klass=klass)) == Send("push")


@pytest.mark.parametrize(
    ("consents", "decision"),
    [
        (None, Withhold(NotSentReason.NO_CONSENT)),
        ([], Withhold(NotSentReason.NO_CONSENT)),
        (["health"], Withhold(NotSentReason.NO_CONSENT)),
        (["documents", "health"], Send("push")),
    ],
)
def test_an_offer_needs_consent(consents: list[str] | None, decision: Decision) -> None:
    """An offer goes only to those who agreed to offers of its category."""
    assert decided(nudge(), person(consents=consents), by=trigger(klass="offer")) == decision


@pytest.mark.parametrize("klass", ["emergency", "legal", "service", "reminder"])
def test_nothing_else_needs_consent(klass: str) -> None:
    """Who recorded no preference gets legal, service and reminder messages."""
    assert decided(nudge(), person(), by=trigger(klass=klass)) == Send("push")


@pytest.mark.parametrize(
    ("switch", "stops"),
    [
        (("all", ""), True),
        (("trigger", "card"), True),
        (("agency", "interior"), True),
        (("channel", "push"), True),
        (("trigger", "fee"), False),
        (("agency", "justice"), False),
        (("channel", "sms"), False),
    ],
)
def test_a_kill_switch_defers(switch: tuple[str, str], *, stops: bool) -> None:
    """Stopped is put off until somebody clears the switch, at most for 30 days, never dropped."""
    decision = decided(nudge(), stopped=[switch])
    assert decision == (Defer(at("2025-02-20 12:00"), NotSentReason.STOPPED) if stops else Send("push"))


def _who(**attributes: str) -> Person:
    return person(AIDA, died=None, **attributes)


@pytest.mark.parametrize(
    ("now", "who", "until"),
    [
        ("2025-01-21 20:59", _who(), None),
        ("2025-01-21 21:00", _who(), "2025-01-22 09:00"),  # the pack's, over midnight
        (QUIET, _who(), "2025-01-22 09:00"),
        ("2025-01-22 03:00", _who(), "2025-01-22 09:00"),
        ("2025-01-22 09:00", _who(), None),
        (QUIET, _who(zone="Europe/Berlin"), None),  # 19:00 there
        ("2025-01-22 12:00", _who(zone="Europe/Berlin"), "2025-01-22 13:00"),  # 08:00 there
        (QUIET, _who(quiet_from="23:30", quiet_to="07:00"), None),
        ("2025-01-21 23:30", _who(quiet_from="23:30", quiet_to="07:00"), "2025-01-22 07:00"),
        ("2025-01-21 13:30", _who(quiet_from="13:00", quiet_to="14:00"), "2025-01-21 14:00"),
        (QUIET, _who(quiet_from="13:00", quiet_to="14:00"), None),
        (QUIET, _who(quiet_from="00:00", quiet_to="00:00"), None),  # never quiet
        (QUIET, _who(quiet_from="13:00"), "2025-01-22 09:00"),  # half said is not said
    ],
)
def test_nobody_is_disturbed_in_their_quiet_hours(now: str, who: Person, until: str | None) -> None:
    """In the quiet hours of the person's own zone a nudge is put off to their end."""
    expected = Send("push") if until is None else Defer(at(until), NotSentReason.QUIET_HOURS)
    assert decided(nudge(), who, at_time=now) == expected


@pytest.mark.parametrize("klass", [each for each in CLASSES if each != "emergency"])
def test_quiet_hours_are_for_every_other_class(klass: str) -> None:
    """Also the law does not call at night."""
    decision = decided(nudge(), person(consents=["documents"]), by=trigger(klass=klass), at_time=QUIET)
    assert decision == Defer(at("2025-01-22 09:00"), NotSentReason.QUIET_HOURS)


@pytest.mark.parametrize(
    ("now", "who"),
    [
        (QUIET, _who()),
        ("2025-01-22 03:00", _who()),
        ("2025-01-22 08:10", _who()),
        ("2025-01-22 08:59", _who()),
        ("2025-01-22 12:59", _who(zone="Europe/Berlin")),  # 08:59 there
        ("2025-01-22 03:30", _who(zone="Pacific/Kiritimati", quiet_from="00:00", quiet_to="23:59")),  # 12:30 there
        ("2025-01-22 09:59", _who(zone="Pacific/Pago_Pago")),  # the evening before there
        (QUIET, _who(quiet_from="00:00", quiet_to="23:59")),
    ],
)
def test_danger_to_life_waits_for_no_quiet_hours(now: str, who: Person) -> None:
    """An emergency goes at once at every hour of every zone, on each channel that is left, however long it holds."""
    warning = trigger(klass="emergency", expires="PT1H")
    for channel in ("push", "sms", "email"):
        for expires in (None, at("2026-01-01")):
            told = nudge(channels=(channel,), expires=expires)
            assert decided(told, who, at_time=now, by=warning) == Send(channel)


def test_danger_to_life_overrides_all_that_a_person_and_the_cap_object() -> None:
    """Opted out of everything, without consent and far over the cap, in the night: a warning goes all the same."""
    refuses = person(opted_out=["documents", "documents/push", "digest"], channels=[])
    many = [at("2025-01-21 10:00")] * 20
    warning = trigger(klass="emergency", expires="PT1H")
    assert decided(nudge(), refuses, at_time=QUIET, by=warning, messages=many) == Send("push")


@pytest.mark.parametrize("switch", [("all", ""), ("trigger", "card"), ("agency", "interior"), ("paused", "card")])
def test_a_kill_switch_stops_a_warning_too(switch: tuple[str, str]) -> None:
    """Whoever stops sending has decided so, also about danger to life."""
    warning = trigger(klass="emergency", expires="PT1H")
    stopped = decided(nudge(), at_time=QUIET, by=warning, stopped=[switch])
    assert isinstance(stopped, Defer)
    assert stopped.reason is NotSentReason.STOPPED


@pytest.mark.parametrize(
    ("expires", "decision"),
    [
        ("2025-01-22 08:59", Send("push")),
        ("2025-01-22 09:00", Send("push")),
        ("2025-01-22 09:01", Defer(at("2025-01-22 09:00"), NotSentReason.QUIET_HOURS)),
        ("2025-01-21 22:00", Expire()),
    ],
)
def test_nothing_is_put_off_past_its_expiry(expires: str, decision: Decision) -> None:
    """What would expire in the quiet hours goes at once rather than never."""
    assert decided(nudge(expires=at(expires)), at_time=QUIET) == decision
