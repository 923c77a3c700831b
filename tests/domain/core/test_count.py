"""Counts: a trigger starts on the event that is the nth of its kind within a time."""

from itertools import permutations

import pytest
from msgspec.structs import replace

from domain.core.events import LifeEvent
from tests.domain.given import NudgeLog, given, published, rules
from tests.domain.world import AIDA, annulment, at, contact, correction, event, paper, registered

FINES = rules("paper.issued", {"now": {}}, when='event.kind == "fine"', count={"nth": 3, "within": "P1Y"})


def fine(time: str, kind: str = "fine") -> LifeEvent:
    """Aida is fined; the id says when."""
    return paper(None, time=time, event_id=time, kind=kind)


def hears(*facts: LifeEvent) -> list[str]:
    """The days of the fines that start the trigger, in whatever order the facts came."""
    found = {
        tuple(str(intent.due.date()) for intent in given(*order).when(FINES).intents) for order in _orders(facts)
    }
    assert len(found) == 1
    return list(found.pop())


def _orders(facts: tuple[LifeEvent, ...]) -> list[tuple[LifeEvent, ...]]:
    return list(permutations(facts)) if len(facts) <= 4 else [facts, facts[::-1], (*facts[2:], *facts[:2])]


def test_the_third_in_a_year_starts_it() -> None:
    """The third fine in a year starts it: neither the second nor the fourth does."""
    days = ["2025-01-10 12:00", "2025-05-10 12:00", "2025-06-10 12:00", "2025-07-10 12:00"]
    assert hears(*map(fine, days[:2])) == []
    assert hears(*map(fine, days[:3])) == ["2025-06-10"]
    assert hears(*map(fine, days)) == ["2025-06-10"]


@pytest.mark.parametrize(
    ("first", "starts"),
    [
        ("2025-01-10 12:00", []),
        ("2025-01-10 12:01", ["2026-01-10"]),
        ("2024-02-29 12:00", []),
        ("2025-02-01 12:00", ["2026-01-10"]),
    ],
)
def test_the_year_ends_with_the_event(first: str, starts: list[str]) -> None:
    """The window is a calendar year that ends with the event: what is a whole year old is out of it."""
    assert hears(fine(first), fine("2025-12-10 12:00"), fine("2026-01-10 12:00")) == starts


def test_after_a_gap_it_may_start_again() -> None:
    """Every event that is exactly the third of its own year starts it, years later too."""
    days = ["2025-01-10 12:00", "2025-02-10 12:00", "2025-03-10 12:00"]
    later = ["2027-01-10 12:00", "2027-02-10 12:00", "2027-03-10 12:00"]
    assert hears(*map(fine, days + later)) == ["2025-03-10", "2027-03-10"]


def test_only_what_the_condition_holds_for_counts() -> None:
    """Another kind of paper is not counted; conditions about the person are read at each event's own time."""
    facts = [fine("2025-01-10 12:00"), fine("2025-02-10 12:00", "card"), fine("2025-03-10 12:00")]
    assert hears(*facts) == []
    assert hears(*facts, fine("2025-04-10 12:00")) == ["2025-04-10"]
    adult = {**FINES, "when": "citizen.age >= 18"}
    known = registered("2007-02-01")
    assert (
        given(known, *map(fine, ["2025-01-10 12:00", "2025-02-10 12:00", "2025-03-10 12:00"])).when(adult).intents
        == []
    )
    of_age = given(known, *map(fine, ["2025-02-10 12:00", "2025-03-10 12:00", "2025-04-10 12:00"])).when(adult)
    assert [str(intent.due.date()) for intent in of_age.intents] == ["2025-04-10"]


def test_only_events_in_a_role_that_is_told_count() -> None:
    """Births count for the mother where she is the mother, not where she is the child."""
    nth = rules("civil.born", {"now": {}}, to="mother", count={"nth": 2, "within": "P30Y"})

    def born(time: str, child: str, mother: str) -> LifeEvent:
        return event("civil.born", time, time, {"child": child, "mother": mother})

    own = born("2004-01-10", AIDA, "somebody")
    given(own, born("2025-01-10", "first", AIDA)).when(nth).then_nothing()
    given(own, born("2025-01-10", "first", AIDA), born("2026-01-10", "second", AIDA)).when(nth).then_intents(
        "now 2026-01-10 00:00"
    )


def test_events_before_the_reach_count_but_do_not_start() -> None:
    """A version counts what happened before it looked; it starts only on what happened since."""
    version = published(FINES, reach="2025-03-01")
    facts = [fine("2025-01-10 12:00"), fine("2025-02-10 12:00"), fine("2025-03-10 12:00")]
    given(*facts).when(version).then_intents("now 2025-03-10 12:00")
    given(*facts).when(published(FINES, reach="2025-04-01")).then_nothing()


def test_two_versions_count_the_same_events() -> None:
    """A new version goes on counting: what an earlier one saw is not forgotten."""
    facts = [fine("2025-01-10 12:00"), fine("2025-02-10 12:00"), fine("2025-03-10 12:00")]
    newer = published({**FINES, "class": "service"}, 2, reach="2025-03-01")
    planned = given(*facts).when(published(FINES), newer)
    assert [intent.version for intent in planned.intents] == ["card@2"]


def test_a_correction_of_an_earlier_one_moves_it() -> None:
    """An annulled fine does not count: the fourth becomes the third, and the third is taken back."""
    facts = [fine(f"2025-0{month}-10 12:00") for month in (1, 2, 3, 4)]
    words = {**FINES, "occurrence": "event.type"}
    desk = NudgeLog()
    desk.follow(given(*facts).when(words), "2025-01-01")
    gone = annulment(facts[1])
    assert desk.follow(given(*facts, gone).when(words), "2025-01-02") == ["rescheduled now"]
    assert hears(*facts, gone) == ["2025-04-10"]
    other = correction(facts[1], fine("2025-02-10 12:00", "card"))
    assert given(*facts, other).when(words).plan == given(*facts, gone).when(words).plan
    moved = correction(facts[0], fine("2025-03-20 12:00"))
    assert hears(*facts, moved) == ["2025-03-20"]


def test_the_persons_own_zone_measures_the_window() -> None:
    """The offset is counted in the person's own days and months."""
    berlin = contact("2024-01-01", zone="Europe/Berlin")
    monthly = {**FINES, "count": {"nth": 2, "within": "P1D"}}
    night = [fine("2025-03-30 05:30"), fine("2025-03-31 05:00")]  # 23.5 hours; in Berlin a whole day, of 23 hours
    assert len(given(*night).when(monthly).intents) == 1
    assert given(berlin, *night).when(monthly).intents == []


def test_a_load_of_a_counted_event_looks_ahead_too() -> None:
    """A count that only a historical load makes full says nothing that was due before that load looks ahead from."""
    facts = [fine("2025-01-10 12:00"), fine("2025-02-10 12:00"), fine("2025-03-10 12:00")]
    old = replace(facts[0], ahead_from=at("2025-06-01"))
    given(old, *facts[1:]).when(FINES).then_nothing()
