from copy import deepcopy
from typing import Any

import msgspec

from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAttempted, NudgeDeferred, NudgeFact, NudgeFailed
from domain.nudges.diff import diff
from domain.nudges.nudge import Nudge, evolve
from domain.persons.history import history_of
from domain.planning.plan import whole_plan
from tests.domain.given import NudgeLog, before, given, rulebook, rules
from tests.domain.world import (
    AIDA,
    CATALOGUE,
    at,
    birth,
    contact,
    correction,
    death,
    moved,
    paper,
    registered,
    renewed,
    storm,
)

CARD = rules(
    "paper.issued",
    {"month": before(30), "now": {"when": "citizen.age >= 0"}},
    correction=True,
    when='"a" in event.marks',
    unless=[{"on": "paper.renewed", "when": "later.number == event.number"}],
)
RECORDED = [
    registered(),
    birth(),
    contact("2025-01-02", channels=["sms"], opted_out=["health"]),
    moved("2025-01-03", "750000000", "m"),
    paper(marks=["a"], fee={"amount": 5}),
    correction(paper(), paper("2025-06-20", marks=["a"], fee={"amount": 6})),
    renewed("2025-06-01"),
    death("2026-01-01"),
]
AREAS = [storm("2025-02-01", "750000000")]


def _copies(events: list[LifeEvent]) -> list[Any]:
    return [msgspec.to_builtins(deepcopy(event)) for event in events]


def test_planning_leaves_the_facts_alone() -> None:
    """Planning reads the history, and changes no event, list or field of it."""
    before_, areas = _copies(RECORDED), _copies(AREAS)
    history = history_of(AIDA, RECORDED, CATALOGUE, AREAS)
    assert len(whole_plan(history, rulebook(CARD)).intents) == 2
    assert (_copies(RECORDED), _copies(AREAS)) == (before_, areas)


def test_planning_twice_is_planning_once() -> None:
    """Nothing is kept from one planning to the next: the same history and rulebook give the same plan."""
    book = rulebook(CARD)
    history = history_of(AIDA, RECORDED, CATALOGUE, AREAS)
    first = whole_plan(history, book)
    whole_plan(history_of(AIDA, [paper(number="N9", marks=["a"])], CATALOGUE), book)
    anew = whole_plan(history_of(AIDA, RECORDED, CATALOGUE, AREAS), rulebook(CARD))
    assert whole_plan(history, book) == first == anew


def test_what_one_person_sets_is_not_seen_by_another() -> None:
    """The same events in two histories lend each other nothing."""
    guardians = given(birth()).history.facts[0].event.persons
    given(birth(), contact("2025-01-11", channels=["sms"])).when(CARD)
    assert guardians == birth().persons


def test_evolving_leaves_the_nudge_alone() -> None:
    """Each fact gives a new nudge; the one before stays as it was."""
    desk = NudgeLog()
    desk.follow(given(*RECORDED[:-1]).when(CARD), "2025-01-10")
    nudge = desk.of("month")
    was = deepcopy(nudge)
    tried = NudgeAttempted(at("2025-05-21 09:00"), AIDA, 1, "sms", "fake", at("2025-05-21 09:03"))
    after = nudge
    lived: list[NudgeFact] = [tried, NudgeFailed(tried.at, AIDA, 1, "gone", gave_up=True)]
    for version, fact in enumerate(lived, 2):
        after = evolve(after, nudge.intent.id, version, fact)
    assert nudge == was
    assert after != was


def test_a_diff_leaves_the_nudges_alone() -> None:
    """A diff says what to append, and appends nothing itself."""
    desk = NudgeLog()
    desk.follow(given(*RECORDED[:-1]).when(CARD), "2025-01-10")
    desk.tell("month", NudgeDeferred(at("2025-01-10"), AIDA, at("2025-01-11"), "stopped"))
    were: dict[Any, Nudge] = deepcopy(desk.nudges)
    gone = given().when(CARD)
    assert len(diff(gone.plan, desk.nudges, gone.book, at("2025-01-12"))) == 2
    assert desk.nudges == were
