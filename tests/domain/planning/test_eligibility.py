"""Eligibility: the law of a day, the facts up to its end, and why not."""

from datetime import date
from typing import Any

import pytest

from domain.planning.entitlement_answers import Applied, ObstacleKind
from tests.domain.entitled import ALLOWANCE, PENSION, answer, answers, born, granted, law, lives
from tests.domain.world import SAULE, annulment, correction, death, event


def why(found: Any) -> list[ObstacleKind]:
    """The reasons against."""
    return [each.why for each in found.obstacles]


def test_who_is_entitled_learns_the_amount_and_what_it_follows_from() -> None:
    """The amount by the law of the first day, the parameter applied, the values and the facts used."""
    home, birth = lives(), born(4)
    found = answer(home, birth, day="2025-04-01")
    assert (found.entitled, found.amount) == (True, 63 * 110)
    assert (found.start, found.until) == (date(2025, 3, 10), date(2026, 3, 10))
    assert found.parameters == {"index": Applied(110, "2025-01-01")}
    assert found.used == {"citizen.area": "750000000", "event.born_on": "2025-03-10", "event.order": 4}
    assert [fact.event for fact in found.facts] == [home, birth]


@pytest.mark.parametrize(("order", "times"), [(1, 38), (3, 38), (4, 63), (9, 63)])
def test_the_amount_goes_by_the_event(order: int, times: int) -> None:
    """38 indices up to the third child, 63 from the fourth."""
    assert answer(lives(), born(order), day="2025-04-01").amount == times * 110


@pytest.mark.parametrize(("as_of", "index"), [("from", 110), ("asked", 130)])
def test_the_law_of_the_first_day_or_of_the_day_asked_for(as_of: str, index: int) -> None:
    """`amount_as_of` decides by the law of which day the amount goes."""
    found = answer(lives(), born(), day="2026-02-01", benefit={**ALLOWANCE, "amount_as_of": as_of})
    assert (found.amount, found.parameters["index"].value) == (38 * index, index)


@pytest.mark.parametrize(
    ("day", "reasons"),
    [
        ("2025-03-11", [ObstacleKind.NO_EVENT]),
        ("2025-03-12", []),
        ("2026-03-09", []),
        ("2026-03-10", [ObstacleKind.OVER]),
    ],
)
def test_facts_count_from_their_day_and_entitlement_until_its_end(day: str, reasons: list[ObstacleKind]) -> None:
    """An event of the day itself counts, one of the next day does not; the day on which it is over is over."""
    assert why(answer(lives(), born(), day=day)) == reasons


def test_not_yet() -> None:
    """Before the first day the answer says from when."""
    later = {**ALLOWANCE, "from": {"from": "event.born_on", "offset": "P1M"}}
    [obstacle] = answer(lives(), born(), day="2025-04-09", benefit=later).obstacles
    assert (obstacle.why, obstacle.day) == (ObstacleKind.NOT_YET, date(2025, 4, 10))
    assert answer(lives(), born(), day="2025-04-10", benefit=later).entitled


@pytest.mark.parametrize(("facts", "unknown"), [([lives("100000000")], False), ([], True)])
def test_a_condition_that_fails_is_named(facts: list[Any], *, unknown: bool) -> None:
    """The answer has the condition with title and clause, and whether a value was missing; and no amount."""
    found = answer(*facts, born(), day="2025-04-01")
    [obstacle] = found.obstacles
    assert obstacle.requirement is not None
    assert (obstacle.why, obstacle.requirement.id, obstacle.requirement.clause) == (
        ObstacleKind.CONDITION,
        "resident",
        "art. 8",
    )
    assert (obstacle.unknown, found.amount) == (unknown, None)


def test_what_was_had_already_is_named() -> None:
    """The event by which it was granted is the reason, from its day on."""
    facts = (lives(), born(), granted("2025-05-05"))
    assert answer(*facts, day="2025-05-04").entitled
    [obstacle] = answer(*facts, day="2025-05-05").obstacles
    assert (obstacle.why, obstacle.day) == (ObstacleKind.HAD, date(2025, 5, 5))
    assert obstacle.fact is not None
    assert obstacle.fact.event.type == "paper.issued"


def test_the_dead_are_entitled_to_nothing() -> None:
    """From the day of a death on."""
    facts = (lives(), born(), death("2025-06-01", of=SAULE))
    assert answer(*facts, day="2025-05-31").entitled
    assert why(answer(*facts, day="2025-06-01")) == [ObstacleKind.DIED]


def test_corrections_and_annulments_count() -> None:
    """The highest revision is what happened, and what was annulled did not."""
    first = born(1)
    assert answer(lives(), first, correction(first, born(4)), day="2025-04-01").amount == 63 * 110
    assert why(answer(lives(), first, annulment(first), day="2025-04-01")) == [ObstacleKind.NO_EVENT]


def test_one_answer_for_each_event() -> None:
    """Two children are two answers, each by its own dates."""
    second = born(2, born_on="2026-01-10", time="2026-01-12", event_id="second")
    found = answers(lives(), born(), second, day="2026-02-01")
    assert [(each.entitled, each.amount) for each in found] == [(True, 38 * 110), (True, 38 * 130)]


def test_a_benefit_of_somebody_else_is_not_ones_own() -> None:
    """The child is named by the birth, but the allowance is the mother's."""
    [found] = answers(lives(), born(), day="2025-04-01", to="dana")
    assert why(found) == [ObstacleKind.NO_EVENT]


def test_a_benefit_about_the_person_alone() -> None:
    """It needs no event, only the person's dates; the amount of 1.5 indices is rounded to the tenge."""
    registered = event("person.registered", "2000-01-01", "registered", {"citizen": SAULE}, born_on="1963-02-28")
    assert why(answer(registered, day="2026-02-27", benefit=PENSION)) == [ObstacleKind.NOT_YET]
    found = answer(registered, day="2026-02-28", benefit=PENSION)
    assert (found.entitled, found.amount, found.about) == (True, 195, None)
    assert [fact.event for fact in found.facts] == [registered]


def test_a_date_that_is_not_known_is_a_reason() -> None:
    """Without a birth date there is no first day, so nobody is entitled by guess."""
    assert why(answer(lives(), day="2026-01-01", benefit=PENSION)) == [ObstacleKind.NO_DATE]


def test_an_end_that_is_not_known_is_no_end() -> None:
    """Where the event says no end, the entitlement has none."""
    endless = {**ALLOWANCE, "until": {"from": "citizen.born_on", "offset": "P1Y"}}
    found = answer(lives(), born(), day="2035-01-01", benefit=endless)
    assert (found.entitled, found.until) == (True, None)


def test_before_the_first_value_there_is_no_amount() -> None:
    """Entitled by a law whose index is not known for that day: no amount, and no wrong one."""
    found = answer(lives("750000000", "2020-01-01"), born(born_on="2023-12-30", time="2024-01-03"), day="2024-02-01")
    assert (found.entitled, found.amount, found.parameters) == (True, None, {})


def test_the_catalogue_names_what_conditions_may_read() -> None:
    """Parameters are declared like fields and attributes."""
    assert law().parameter_variables() == {"param.index": "integer"}
