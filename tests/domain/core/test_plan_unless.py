from datetime import timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from domain.core.events import LifeEvent
from tests.domain.given import before, given, rules
from tests.domain.world import AIDA, SAULE, annulment, at, contact, correction, event, paper, renewed

SAME_NUMBER = "later.number == event.number"
CARD = rules("paper.issued", {"month": before(30)}, unless=[{"on": "paper.renewed", "when": SAME_NUMBER}])
PATIENT = rules(
    "paper.issued", {"month": before(30)}, unless=[{"on": "paper.renewed", "when": SAME_NUMBER, "grace": "P5D"}]
)
PAPER = paper("2025-02-20", time="2025-01-10")
DUE = "month 2025-01-21 09:00"
LATE = "month 2025-01-26 09:00"


@pytest.mark.parametrize("time", ["2024-06-01", "2025-01-10", "2025-01-15", "2025-01-21 09:00"])
def test_done_by_the_deadline_prevents(time: str) -> None:
    """What happened by the deadline prevents the nudge, also before the event that it is about."""
    for facts in permutations([PAPER, renewed(time)]):
        planned = given(*facts).when(CARD).then_nothing()
        assert planned.plan.needless == {given(PAPER).when(CARD).only.id}


@pytest.mark.parametrize("time", ["2025-01-21 09:01", "2025-06-01"])
def test_done_after_the_deadline_makes_it_moot(time: str) -> None:
    """What happened after the nudge was due leaves it planned, and says from when it is not to be sent."""
    for facts in permutations([PAPER, renewed(time)]):
        planned = given(*facts).when(CARD).then_intents(DUE)
        assert planned.only.moot_from == at(time)
        assert planned.plan.needless == frozenset()


def test_the_earliest_makes_it_moot() -> None:
    """Of several things that happened too late, the first counts."""
    late = [renewed(f"2025-0{month}-01", event_id=name) for month, name in ((3, "b"), (2, "a"), (4, "c"))]
    for facts in permutations([PAPER, *late]):
        assert given(*facts).when(CARD).only.moot_from == at("2025-02-01")


def test_nothing_happened_nothing_is_moot() -> None:
    """Without the thing itself, the nudge is planned and stays so."""
    assert given(PAPER).when(CARD).then_intents(DUE).only.moot_from is None


def test_one_in_time_prevents_whatever_came_late() -> None:
    """If it was done in time, it does not matter that it was done once more."""
    for facts in permutations([PAPER, renewed("2025-03-01", event_id="b"), renewed("2025-01-12", event_id="a")]):
        given(*facts).when(CARD).then_nothing()


def test_another_thing_prevents_nothing() -> None:
    """The renewal of another paper is another thing."""
    assert given(PAPER, renewed("2025-01-15", "N2")).when(CARD).then_intents(DUE).only.moot_from is None


def test_without_a_condition_any_of_its_type_prevents() -> None:
    """An `unless` without `when` is met by any event of the type."""
    any_ = rules("paper.issued", {"month": before(30)}, unless=[{"on": "paper.renewed"}])
    given(PAPER, renewed("2025-01-15", "N2")).when(any_).then_nothing()


def test_a_missing_value_prevents_nothing() -> None:
    """Where the later event does not say what is asked, it does not count."""
    silent = event("paper.renewed", "2025-01-15", "renewed", {"holder": AIDA})
    given(PAPER, silent).when(CARD).then_intents(DUE)


def test_an_event_does_not_prevent_itself() -> None:
    """A newer paper prevents the reminder of the older one, and not its own."""
    unless = [{"on": "paper.issued", "when": "later.kind == event.kind"}]
    newer = rules("paper.issued", {"month": before(30)}, unless=unless)
    old = paper("2025-02-20", kind="card")
    given(old).when(newer).then_intents(DUE)
    new = paper("2035-02-20", time="2025-01-15", event_id="new", number="N2", kind="card")
    given(old, new).when(newer).then_nothing()
    dated = {**newer, "unless": [{"on": "paper.issued", "when": "later.time > event.time"}]}
    given(old, new).when(dated).then_intents("month 2035-01-21 09:00")


def test_each_step_has_its_own_deadline() -> None:
    """What came too late for one step is in time for the next."""
    steps = {**CARD, "due": {"month": before(30), "week": before(7)}}
    planned = given(PAPER, renewed("2025-02-01")).when(steps).then_intents(DUE)
    assert planned.only.moot_from == at("2025-02-01")
    assert len(planned.plan.needless) == 1


def test_with_grace_it_waits_for_late_reports() -> None:
    """With a grace the nudge is due that much after the deadline."""
    planned = given(PAPER).when(PATIENT).then_intents(LATE)
    assert planned.only.expires == at("2025-02-25 09:00")


@pytest.mark.parametrize(
    ("time", "hears"),
    [
        ("2025-01-21 09:00", []),
        ("2025-01-12", []),
        ("2025-01-21 09:01", [LATE]),
        ("2025-01-24", [LATE]),
        ("2025-01-27", [LATE]),
    ],
)
def test_with_grace_only_what_was_done_by_the_deadline_prevents(time: str, hears: list[str]) -> None:
    """The grace is for reports that come late, not for people who are late: those still hear, and nothing is moot."""
    for facts in permutations([PAPER, renewed(time)]):
        planned = given(*facts).when(PATIENT).then_intents(*hears)
        assert [intent.moot_from for intent in planned.intents] == [None] * len(hears)


def test_the_most_patient_decides_when_it_is_due() -> None:
    """Of several graces the longest counts, and an impatient one may still make it moot."""
    unless = [
        {"on": "paper.renewed", "grace": "P2D"},
        {"on": "school.queued", "grace": "P9D"},
        {"on": "person.moved"},
    ]
    both = rules("paper.issued", {"month": before(30)}, unless=unless)
    left = event("person.moved", "2025-01-28", "left", {"citizen": AIDA}, area="75")
    planned = given(PAPER, left, renewed("2025-01-24")).when(both).then_intents("month 2025-01-30 09:00")
    assert planned.only.moot_from == at("2025-01-28")


@pytest.mark.parametrize(
    "unless",
    [
        [{"on": "paper.renewed"}, {"on": "school.queued"}],
        [{"on": "school.queued"}, {"on": "paper.renewed"}],
    ],
)
def test_any_of_several_prevents(unless: list[dict[str, str]]) -> None:
    """One of the things named is enough."""
    two = rules("paper.issued", {"month": before(30)}, unless=unless)
    given(PAPER, renewed("2025-01-15")).when(two).then_nothing()


def test_a_correction_can_move_it_out_of_time() -> None:
    """When the registry corrects the date of what was done, the plan is what it would have been."""
    done = renewed("2025-01-15")
    for facts in permutations([PAPER, done, correction(done, renewed("2025-02-01"))]):
        assert given(*facts).when(CARD).then_intents(DUE).only.moot_from == at("2025-02-01")
    for facts in permutations([PAPER, done, annulment(done)]):
        assert given(*facts).when(CARD).then_intents(DUE).only.moot_from is None


def test_absence_is_an_intent_that_goes_when_the_event_comes() -> None:
    """That nothing happened by a deadline is planned at once, and is gone as soon as it happened in time."""
    queue = rules(
        "civil.born",
        {"reminder": {"from": "event.born_on", "offset": "P60D", "at": "10:00"}},
        to="mother",
        unless=[{"on": "school.queued", "when": "later.child == event.child", "grace": "P7D"}],
    )
    born = event("civil.born", "2025-01-10", "birth", {"child": AIDA, "mother": SAULE}, born_on="2025-01-08")
    given(born, to=SAULE).when(queue).then_intents("reminder 2025-03-16 10:00")
    given(born, _queued("2025-03-09 09:59"), to=SAULE).when(queue).then_nothing()
    given(born, _queued("2025-03-09 10:01"), to=SAULE).when(queue).then_intents("reminder 2025-03-16 10:00")
    sibling = replace(_queued("2025-02-01"), persons={"child": ("another child",), "parents": (SAULE,)})
    given(born, sibling, to=SAULE).when(queue).then_intents("reminder 2025-03-16 10:00")


def within(**window: str) -> dict[str, Any]:
    """Two reminders that a renewal around each prevents."""
    unless = [{"on": "paper.renewed", "when": SAME_NUMBER, "within": window}]
    return rules("paper.issued", {"month": before(30), "week": before(7)}, unless=unless)


@pytest.mark.parametrize(
    ("window", "time", "hears"),
    [
        ({"before": "P1Y"}, "2006-05-05", {"month": None, "week": None}),
        ({"before": "P1Y"}, "2024-01-21 08:59", {"month": None, "week": None}),
        ({"before": "P1Y"}, "2024-01-21 09:00", {"week": None}),
        ({"before": "P1Y"}, "2024-02-13 09:00", {}),
        ({"before": "P1Y"}, "2025-01-21 09:00", {}),
        ({"before": "P1Y"}, "2025-02-01", {"month": "2025-02-01"}),
        ({"before": "P1Y"}, "2030-01-01", {"month": "2030-01-01", "week": "2030-01-01"}),
        ({"before": "P3D"}, "2025-01-20", {"week": None}),
        ({"after": "P3D"}, "2006-05-05", {}),
        ({"after": "P3D"}, "2025-01-24 09:00", {"month": "2025-01-24 09:00"}),
        ({"after": "P3D"}, "2025-01-24 09:01", {"month": None}),
        ({"before": "P1D", "after": "P1D"}, "2025-02-13 10:00", {"month": None, "week": "2025-02-13 10:00"}),
    ],
)
def test_only_what_happened_within_the_window_of_a_step_counts(
    window: dict[str, str], time: str, hears: dict[str, str | None]
) -> None:
    """What happened years before a step is due does not prevent it, nor what happens long after make it moot."""
    for facts in permutations([PAPER, renewed(time), renewed("2026-12-24", "N2", "other")]):
        planned = given(*facts).when(within(**window))
        assert {intent.step: intent.moot_from for intent in planned.intents} == {
            step: moot and at(moot) for step, moot in hears.items()
        }


def test_something_old_does_not_hide_what_counts() -> None:
    """Of several, the first within the window counts, however many there were before it."""
    old = [renewed(f"20{year}-01-10", event_id=f"{year}") for year in ("06", "15", "23")]
    for facts in permutations([PAPER, *old, renewed("2025-01-12", event_id="new")]):
        given(*facts).when(within(before="P1Y")).then_nothing()


def test_each_repetition_has_its_own_window() -> None:
    """The first reminder goes with a window of its own, and so does each that repeats it."""
    again = {"month": before(30) | {"repeat": {"every": "P7D", "at_most": 3}}}
    unless = [{"on": "paper.renewed", "within": {"before": "P7D"}}]
    weekly = rules("paper.issued", again, unless=unless)
    planned = given(PAPER, renewed("2025-01-22")).when(weekly)
    planned.then_intents("month 2025-01-21 09:00", "month.3 2025-02-04 09:00")


def test_the_window_is_around_the_deadline_also_with_a_grace() -> None:
    """A grace puts off the sending, and not what counts."""
    unless = [{"on": "paper.renewed", "grace": "P5D", "within": {"before": "P3D"}}]
    patient = rules("paper.issued", {"month": before(30)}, unless=unless)
    given(PAPER, renewed("2025-01-18 09:00")).when(patient).then_nothing()
    given(PAPER, renewed("2025-01-18 08:59")).when(patient).then_intents(LATE)


def test_a_window_counts_days_of_the_persons_zone() -> None:
    """A month before is a calendar month, as everywhere else."""
    moved = contact("2024-01-01", zone="America/New_York")
    spring = paper("2025-04-19", time="2025-01-10")
    month = rules(
        "paper.issued", {"month": before(30)}, unless=[{"on": "paper.renewed", "within": {"before": "P1M"}}]
    )
    [told] = given(moved, spring).when(month).intents
    edge = told.due.astimezone(ZoneInfo("America/New_York")).replace(month=2)
    assert edge.utcoffset() != told.due.astimezone(ZoneInfo("America/New_York")).utcoffset()
    for time, count in ((edge, 0), (edge - timedelta(seconds=1), 1)):
        done = replace(renewed("2025-01-01"), time=time.astimezone(ZoneInfo("UTC")))
        assert len(given(moved, spring, done).when(month).intents) == count


@pytest.mark.parametrize("window", [{"before": "P9999Y"}, {"after": "P9999Y"}])
def test_a_window_beyond_the_calendar_has_no_end(window: dict[str, str]) -> None:
    """Where the calendar ends, so does the window."""
    given(PAPER, renewed("2025-01-15")).when(within(**window)).then_nothing()


def _queued(time: str) -> LifeEvent:
    return event("school.queued", time, "queue", {"child": AIDA, "parents": (SAULE,)})
