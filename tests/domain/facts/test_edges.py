"""Edges of the domain where it once went wrong: dates without end, zones that do not exist, late reports."""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from domain.conditions.language import Conditions
from domain.core.events import effective
from domain.core.timing import QuietHours, at_local
from domain.facts.facts import (
    NudgeAttempted,
    NudgeDelivered,
    NudgeFact,
    NudgeFailed,
    NudgeOpened,
    NudgeSent,
)
from domain.nudges.delivery import State
from domain.nudges.settle import Send
from domain.rules.errors import BadTrigger
from domain.rules.trigger_compiling import compile_trigger
from tests.domain.case import decided, nudge, trigger
from tests.domain.given import NudgeLog, before, given, published, rules
from tests.domain.world import (
    AIDA,
    CATALOGUE,
    SAULE,
    annulment,
    at,
    birth,
    contact,
    correction,
    death,
    event,
    moved,
    paper,
    storm,
)

CARD = rules(
    "paper.issued",
    {"month": before(30)},
    occurrence="event.number",
    correction=True,
    unless=[{"on": "paper.renewed", "when": "later.number == event.number"}],
)
TRIED = NudgeAttempted(at("2025-01-21 09:00"), AIDA, 1, "sms", "fake", at("2025-01-21 09:03"))
SENT = NudgeSent(at("2025-01-21 09:01"), AIDA, 1, "ref")
AGAIN = NudgeFailed(at("2025-01-21 09:02"), AIDA, 1, "busy", at("2025-01-21 09:10"))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('event.kind.startsWith("c")', {"event.kind": "card"}),
        ("event.kind.size() == 4", {"event.kind": "card"}),
        ('event.kind.matches("c.*")', {"event.kind": "card"}),
        ('event.marks.exists(m, m == "a")', {"event.marks": ["a"]}),
        ("event.time.getFullYear() == 2025", {"event.time": datetime(2025, 1, 1, tzinfo=UTC)}),
    ],
)
def test_a_method_of_a_field_is_not_part_of_its_name(text: str, values: dict[str, Any]) -> None:
    """What compiles is evaluated: a field of which a condition calls a method is read."""
    conditions = Conditions({"event.kind": "string", "event.marks": "strings", "event.time": "instant"})
    assert conditions.compile(text).holds(values) is True


@pytest.mark.parametrize(
    ("days", "expires_on", "expires"),
    [
        (1, "9999-12-31", None),
        (30, "9999-12-31", "event.expires_on"),
        (30, "0001-01-01", None),
    ],
)
def test_a_date_at_the_edge_of_the_calendar_stops_nothing(days: int, expires_on: str, expires: str | None) -> None:
    """A paper "without end", as registries write it, does not keep its person from hearing about the others."""
    endless = paper(expires_on, event_id="endless", number="N2")
    planned = given(paper(), endless).when(rules("paper.issued", {"soon": before(days)}, expires=expires))
    assert paper().stream in {intent.cause for intent in planned.intents}


@pytest.mark.parametrize(
    ("expires_on", "step", "more"),
    [
        ("9999-12-31", {"offset": "P1M"}, {}),
        ("0001-01-01", {"offset": "-P1M"}, {}),
        ("9999-12-15", {"offset": "P0D"}, {"expires": "P1M"}),
        ("9999-12-31", {"offset": "P0D"}, {"unless": [{"on": "school.queued", "grace": "P7D"}]}),
    ],
)
def test_months_and_graces_at_the_edge_stop_nothing(
    expires_on: str, step: dict[str, str], more: dict[str, Any]
) -> None:
    """Also by months, expiries and graces a paper without end keeps nobody from hearing about the others."""
    endless = paper(expires_on, event_id="endless", number="N2")
    ends = rules("paper.issued", {"end": {"from": "event.expires_on", **step}}, **more)
    assert paper().stream in {intent.cause for intent in given(paper(), endless).when(ends).plan.intents}


def test_an_unknown_zone_stops_nothing() -> None:
    """Who says a zone that does not exist hears in the pack's zone, and keeps nobody from hearing."""
    given(contact("2025-01-01", zone="Mars/Olympus"), paper()).when(CARD).then_intents("month 2025-01-21 09:00")


def test_what_compiles_can_be_planned() -> None:
    """A trigger that the compiler takes makes no plan fail: `expires: event.time` is refused, or ends that day."""
    content = rules("paper.issued", {"now": None}, expires="event.time")
    try:
        compile_trigger("card", content, CATALOGUE)
    except BadTrigger:
        return
    given(paper()).when(content)


def test_no_step_may_take_the_name_of_the_correction() -> None:
    """A step called `correction` would be the same nudge as the correction of its occurrence."""
    with pytest.raises(BadTrigger, match="correction"):
        compile_trigger("card", rules("paper.issued", {"correction": None}, correction=True), CATALOGUE)


def test_a_trigger_on_an_area_speaks_to_its_residents() -> None:
    """A storm names nobody, so whoever lives there is told."""
    warning = rules("weather.storm", {"now": None}, when="event.wind > 20")
    home = moved("2025-01-01", "195220100", "home")
    blown = replace(storm("2025-02-01", "190000000"), fields={"public": {"area": "190000000", "wind": 30}})
    given(home, areas=[blown]).when(warning).then_intents("now 2025-02-01 00:00")


def test_a_death_within_the_grace_ends_it_too() -> None:
    """A child that dies while late reports are waited for is not spoken of to the mother."""
    unless = [{"on": "school.queued", "grace": "P7D"}]
    queue = rules("civil.born", {"soon": {"offset": "P60D"}}, to="mother", unless=unless)
    lost = event("civil.died", "2025-03-13", "death", {"deceased": AIDA, "heirs": (SAULE,)})
    given(birth(), to=SAULE).when(queue).then_intents("soon 2025-03-18 00:00")
    given(birth(), lost, to=SAULE).when(queue).then_nothing()


def test_ones_own_death_within_the_grace_ends_it_too() -> None:
    """Nothing is planned for the dead, however long late reports are waited for."""
    patient = rules("paper.issued", {"month": before(30)}, unless=[{"on": "paper.renewed", "grace": "P7D"}])
    given(paper(), death("2025-01-25")).when(patient).then_nothing()


@pytest.mark.parametrize(
    "later",
    [
        paper(None, time="2025-01-12", event_id="second"),  # its date is gone
        paper("2025-02-20", time="2025-01-12", event_id="second", paid=True),  # its step does not apply
        paper("2025-01-20", time="2025-01-12", event_id="second"),  # its step lies behind
    ],
)
def test_of_one_occurrence_only_the_later_event_speaks(later: Any) -> None:
    """When the later report of one thing asks for no nudge, what the earlier one asked for is gone."""
    due = {"month": {**before(30), "when": "!event.paid"}}
    fine = published(rules("paper.issued", due, occurrence="event.number"), ahead_from="2025-01-01")
    first = paper("2025-02-20", paid=False)
    given(first).when(fine).then_intents("month 2025-01-21 09:00")
    given(first, later).when(fine).then_nothing()


def test_a_new_version_does_not_make_wrong_what_the_old_one_said() -> None:
    """A version that looks back, but not behind its publication, corrects nothing that was sent before it."""
    desk = NudgeLog()
    desk.follow(given(paper()).when(published(CARD)), "2025-01-10")
    desk.tell("month", TRIED, SENT)
    second = published(CARD, 2, ahead_from="2025-02-01")
    assert desk.follow(given(paper()).when(published(CARD), second), "2025-02-01") == []


def test_what_is_gone_is_not_tried_again() -> None:
    """An attempt that is to be repeated is not, once its event was annulled."""
    desk = NudgeLog()
    desk.follow(given(paper()).when(CARD), "2025-01-10")
    desk.tell("month", TRIED, AGAIN)
    desk.follow(given(paper(), annulment(paper())).when(CARD), "2025-01-21 09:05")
    assert {one.due for one in desk.of("month").deliveries} == {None}


@pytest.mark.parametrize("good", [NudgeDelivered(SENT.at, AIDA, 1), NudgeOpened(SENT.at, AIDA, 1)])
@pytest.mark.parametrize("bad", [AGAIN, replace(AGAIN, attempt=2), replace(AGAIN, retry_at=None, gave_up=True)])
def test_bad_news_after_good_takes_nothing_back(good: NudgeFact, bad: NudgeFact) -> None:
    """What arrived has arrived: a failure that is reported later neither hides that nor sends it once more."""
    (delivery,) = nudge("month", TRIED, SENT, good, bad).deliveries
    assert (delivery.state in {State.DELIVERED, State.OPENED}, delivery.due) == (True, None)


def test_a_failure_told_twice_is_told_once() -> None:
    """The same report of a channel that gave up, once more, changes nothing."""
    gone = replace(AGAIN, gave_up=True)
    assert nudge("month", TRIED, gone, gone).deliveries == nudge("month", TRIED, gone).deliveries


def test_a_nudge_planned_in_time_is_not_overdue_because_its_event_was_revised() -> None:
    """A revision that moves nothing does not turn a nudge that waits for the morning into one that came too late."""
    once = rules("paper.issued", {"month": {**before(30), "at": "22:00"}}, catch_up="none")
    desk = NudgeLog()
    desk.follow(given(paper()).when(once), "2025-01-10")
    desk.follow(given(paper(), correction(paper(), paper())).when(once), "2025-01-21 23:00")
    assert decided(desk.of("month"), at_time="2025-01-22 09:00", by=trigger(catch_up="none")) == Send("push")


def test_quiet_hours_do_not_end_in_the_past() -> None:
    """In the hour that a night has twice, quiet hours that end within it end later than now."""
    berlin, quiet = ZoneInfo("Europe/Berlin"), QuietHours(time(21), time(2, 30))
    again = datetime(2025, 10, 26, 1, 15, tzinfo=UTC)
    assert again.astimezone(berlin).time() == time(2, 15)
    end = quiet.ends_after(again, berlin)
    assert end is None or end > again
    assert at_local(date(2025, 10, 26), time(2, 30), berlin) < again


def test_what_counts_does_not_depend_on_which_load_came_first() -> None:
    """The same event by two loads is one and the same, in either order of arrival."""
    live, loaded = paper(), replace(paper(), ahead_from=at("2025-03-01"))
    assert effective([live, loaded]) == effective([loaded, live])


def test_a_death_reported_late_is_nothing_to_put_right() -> None:
    """A mother who was written to before the death of her child was reported is not written to once more about it."""
    allowance = rules("civil.born", {"soon": {"offset": "P1D"}}, to="mother", correction=True)
    lost = event("civil.died", "2025-01-10 12:00", "death", {"deceased": AIDA, "heirs": (SAULE,)})
    desk = NudgeLog()
    desk.follow(given(birth(), to=SAULE).when(allowance), "2025-01-10")
    desk.tell("soon", replace(TRIED, recipient=SAULE), replace(SENT, recipient=SAULE))
    assert desk.follow(given(birth(), lost, to=SAULE).when(allowance), "2025-01-22") == []
