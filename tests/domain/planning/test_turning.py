"""Triggers on becoming entitled, and on ceasing to be."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.planning.eligibility import eligibility
from domain.planning.law import law_values
from domain.rules.errors import BadTrigger
from domain.rules.trigger_compiling import compile_trigger
from tests.domain.entitled import ALLOWANCE, PENSION, answer, born, granted, law, lives, turning
from tests.domain.given import NudgeLog, modest, rules
from tests.domain.world import SAULE, annulment, correction, death, event, local

BECOMES, CEASES = {"becomes": "allowance"}, {"ceases": "allowance"}
AHEAD = {"soon": {"offset": "-P30D", "at": "10:00"}}
AWAY, BACK = lives("100000000", "2025-06-01", "away"), lives("750000000", "2025-09-01", "back")


def test_becoming_and_ceasing() -> None:
    """One nudge when the entitlement begins, and one about its end, counted back from that day."""
    turning(lives(), born(), on=BECOMES).then_intents("now 2025-03-12 10:00")
    turning(lives(), born(), on=CEASES, due=AHEAD).then_intents("soon 2026-02-08 10:00")


def test_becoming_later_than_the_event() -> None:
    """Who meets the conditions later becomes entitled then."""
    turning(born(), lives(time="2025-05-05"), on=BECOMES).then_intents("now 2025-05-05 10:00")


def test_each_period_has_its_own_edges() -> None:
    """Who moves away ceases, and becomes entitled again with the return: two nudges that never were one."""
    facts = (lives(), born(), AWAY, BACK)
    becoming = turning(*facts, on=BECOMES).then_intents("now 2025-03-12 10:00", "now 2025-09-01 10:00")
    assert len({intent.occurrence for intent in becoming.intents}) == 2
    turning(*facts, on=CEASES).then_intents("now 2025-06-01 10:00", "now 2026-03-10 10:00")


def test_never_entitled_never_told() -> None:
    """Neither elsewhere, nor when it was had before, nor after a death."""
    for facts in ((lives("100000000"),), (lives(), granted("2025-01-01")), (lives(), death("2025-01-01", of=SAULE))):
        turning(*facts, born(), on=BECOMES).then_nothing()
        turning(*facts, born(), on=CEASES).then_nothing()


def test_a_benefit_without_end_never_ceases_by_time() -> None:
    """Only a fact ends it."""
    endless = {name: value for name, value in ALLOWANCE.items() if name != "until"}
    turning(lives(), born(), on=CEASES, benefit=endless).then_nothing()
    turning(lives(), born(), granted("2025-05-05"), on=CEASES, benefit=endless).then_intents("now 2025-05-05 10:00")


def test_conditions_on_age_and_law_turn_without_a_fact() -> None:
    """A birthday and a new value of a parameter are turning points, too."""
    grown = {**ALLOWANCE, "conditions": [{"id": "old", "when": "param.index >= 130", "title": {}}]}
    turning(born(), on=BECOMES, benefit=grown).then_intents("now 2026-01-01 10:00")
    young = {**ALLOWANCE, "conditions": [{"id": "young", "when": "citizen.age < 30", "title": {}}]}
    known = event("person.registered", "2025-04-01", "known", {"citizen": SAULE}, born_on="1996-02-29")
    turning(known, born(), on=BECOMES, benefit=young).then_intents("now 2025-04-01 10:00")
    turning(known, born(), on=CEASES, benefit=young).then_intents("now 2026-03-01 10:00")


def test_the_trigger_has_its_own_condition_and_its_own_unless() -> None:
    """`when` is read at the edge, with what holds then; `unless` and `expires` work as for others."""
    turning(lives(), born(4), on=BECOMES, when="event.order > 3").then_intents("now 2025-03-12 10:00")
    turning(lives(), born(3), on=BECOMES, when="event.order > 3").then_nothing()
    turning(born(), lives(time="2025-05-05"), on=BECOMES, when="citizen.area != ''").then_intents(
        "now 2025-05-05 10:00"
    )
    done = [{"on": "paper.renewed"}]
    turning(lives(), born(), on=BECOMES, unless=done).then_intents("now 2025-03-12 10:00")
    found = turning(lives(), born(), on=CEASES, due=AHEAD, expires="entitled.until").only
    assert found.expires is not None
    assert found.expires.date() == date(2026, 3, 10)


def test_an_edge_may_be_said_again_moved_and_said_once() -> None:
    """Repetition and working days count from the edge; once a person, a second entitlement is not news."""
    twice = {"now": {"at": "10:00", "repeat": {"every": "P7D", "at_most": 2}}}
    turning(lives(), born(), on=BECOMES, due=twice).then_intents("now 2025-03-12 10:00", "now.2 2025-03-19 10:00")
    turning(lives(), born(), on=CEASES, due={"now": {"working_days": -1, "at": "10:00"}}).then_intents(
        "now 2026-03-09 10:00"
    )
    facts = (lives(), born(), AWAY, BACK)
    turning(*facts, on=BECOMES, occurrence="person").then_intents("now 2025-03-12 10:00")


@pytest.mark.parametrize(
    "more",
    [
        {"count": {"nth": 2, "within": "P1Y"}},
        {"with": [{"on": "paper.issued", "within": "P1D"}]},
    ],
)
def test_what_is_about_events_does_not_go_with_an_entitlement(more: dict[str, Any]) -> None:
    """An owner is told so, at that key, rather than heard wrongly."""
    [key] = more
    with pytest.raises(BadTrigger, match="an entitlement is no event") as bad:
        turning(lives(), born(), on=BECOMES, **more)
    assert bad.value.path == (key,)


def test_counted_events_are_judged_by_the_law_of_their_day() -> None:
    """Each event counts if the condition held when it happened, by the index of then."""
    dear: dict[str, Any] = {
        "on": "civil.born",
        "to": "mother",
        "when": "param.index >= 110",
        "count": {"nth": 2, "within": "P5Y"},
    }
    early, first, second = (born(time=f"{year}-03-12 11:00", event_id=str(year)) for year in (2024, 2025, 2026))
    turning(early, first, **dear).then_nothing()
    turning(early, first, second, **dear).then_intents("now 2026-03-12 10:00")


def test_a_corrected_date_reschedules() -> None:
    """The same nudge at another time, not a second one; an annulled birth takes it back."""
    desk, first = NudgeLog(), born()
    assert desk.follow(turning(lives(), first, on=CEASES, due=AHEAD), "2025-03-13") == ["planned soon"]
    moved = correction(first, born(born_on="2025-03-08"))
    assert desk.follow(turning(lives(), first, moved, on=CEASES, due=AHEAD), "2025-03-14") == ["rescheduled soon"]
    assert desk.follow(turning(lives(), first, annulment(first), on=CEASES, due=AHEAD), "2025-03-15") == [
        "cancelled soon"
    ]


def test_words_know_the_law() -> None:
    """Parameters by the date of the event, the amount by that of the benefit, and the entitlement of this nudge."""
    planned = turning(lives(), born(4), AWAY, BACK, on=BECOMES)
    cause = planned.history.facts[1].event
    first, second = (law_values(each, cause, planned.history, planned.book) for each in planned.intents)
    assert first == {
        "param.index": 110,
        "benefit.allowance.amount": 63 * 110,
        "entitled.from": "2025-03-12",
        "entitled.until": "2025-06-01",
    }
    assert (second["entitled.from"], second["entitled.until"]) == ("2025-09-01", "2026-03-10")


@pytest.mark.parametrize(
    ("on", "more", "problem"),
    [
        ({"becomes": "alowance"}, {}, "on.becomes: no benefit is called 'alowance'"),
        (BECOMES, {"to": "father"}, "to: the benefit is that of the mother, so nobody else is told of it"),
        (BECOMES, {"class": "emergency"}, "class: a benefit is no danger to life or limb; write service or offer"),
        (BECOMES, {"due": {"a": {"from": "entitled.by"}}}, "due.a.from: 'entitled.by' is no field of civil.born"),
    ],
)
def test_what_cannot_be_compiled_is_named(on: Any, more: Any, problem: str) -> None:
    """A benefit that is not there or of somebody else, one that is to be a danger, or a day that it does not have."""
    content = {**rules("", {"now": None}), "on": on, **more}
    with pytest.raises(BadTrigger) as bad:
        compile_trigger("told", content, law(allowance=ALLOWANCE, pension=PENSION))
    assert str(bad.value) == problem


FACTS = [
    lives(),
    born(),
    born(2, born_on="2025-05-01", time="2025-05-02", event_id="second"),
    AWAY,
    BACK,
    granted("2025-10-10"),
    correction(born(), born(4, born_on="2025-02-28")),
    annulment(granted("2025-10-10")),
    death("2025-12-01", of=SAULE),
]


@modest
@examples(st.lists(st.sampled_from(FACTS), max_size=8), st.randoms())
def test_any_order_and_any_repetition_gives_the_same_nudges(facts: list[Any], chance: Any) -> None:
    """Becoming and ceasing depend on what happened, not on when it was reported or how often."""
    shuffled = [*facts, *facts]
    chance.shuffle(shuffled)
    for on in (BECOMES, CEASES):
        assert turning(*facts, on=on).plan == turning(*shuffled, on=on).plan


@modest
@examples(st.lists(st.sampled_from(FACTS), max_size=8), st.integers(0, 500))
def test_the_edges_are_those_of_the_answers(facts: list[Any], days: int) -> None:
    """On any day, as many have become entitled and not ceased as `eligibility` finds entitled at its end."""
    day = date(2025, 1, 1) + timedelta(days=days)
    becoming, ceasing = (turning(*facts, on=on, due={"now": None}, expires="P1D") for on in (BECOMES, CEASES))
    if any(fact.event.type == "civil.died" for fact in becoming.history.facts):
        return  # a death ends what its person would hear
    limit = f"{day.isoformat()} 23:59"
    begun, ended = (sum(local(intent.due) <= limit for intent in planned.intents) for planned in (becoming, ceasing))
    found = eligibility(becoming.history, becoming.book, day)
    assert begun - ended == sum(each.entitled for each in found)


def test_answers_agree_with_the_first_day() -> None:
    """On the day of the becoming the answer is yes, on the day before it is no."""
    facts = (born(), lives(time="2025-05-05"))
    assert [answer(*facts, day=day).entitled for day in ("2025-05-04", "2025-05-05")] == [False, True]


@pytest.mark.parametrize(
    ("on", "born_on", "years"),
    [
        (BECOMES, "0001-01-01", set()),
        (CEASES, "0001-01-01", set()),
        (BECOMES, "9999-12-31", {9999}),
        (CEASES, "9999-12-31", set()),
    ],
)
def test_dates_at_the_edge_of_the_calendar_can_be_planned(on: dict[str, str], born_on: str, years: set[int]) -> None:
    """A registry's "since ever" or "for ever" as a date stops no plan."""
    assert {intent.due.year for intent in turning(lives(), born(born_on=born_on), on=on).intents} == years
