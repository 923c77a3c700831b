from datetime import datetime, timedelta

from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.facts.facts import (
    NudgeAttempted,
    NudgeDeferred,
    NudgeExpired,
    NudgeFact,
    NudgeFailed,
    NudgeSent,
    NudgeUnknown,
    NudgeWithheld,
)
from domain.nudges.delivery import State
from domain.rules.rulebook import Version
from domain.rules.triggers import CORRECTION
from tests.domain.given import NudgeLog, before, given, modest, published, rules
from tests.domain.world import AIDA, ERLAN, SAULE, annulment, at, correction, death, paper, renewed

CARD = rules(
    "paper.issued",
    {"month": before(30), "week": before(7)},
    occurrence="event.number",
    correction=True,
    unless=[{"on": "paper.renewed", "when": "later.number == event.number"}],
)
PATIENT = {**CARD, "unless": [{"on": "paper.renewed", "grace": "P3D"}], "expires": "event.expires_on"}
RECENT = {
    **CARD,
    "unless": [
        {"on": "paper.renewed", "when": "later.number == event.number", "within": {"before": "P10D", "after": "P5D"}}
    ],
}
FIRST, OTHER = paper("2025-02-20"), paper("2025-04-20", event_id="other", number="N2")
DEATH, DONE = death("2025-02-15"), renewed("2025-02-01")
EVENTS = [
    FIRST,
    OTHER,
    DEATH,
    DONE,
    renewed("2025-01-12", event_id="early"),
    annulment(DEATH),
    annulment(FIRST, 3),
    correction(FIRST, paper("2025-03-20", time="2025-01-11"), 2),
    correction(FIRST, FIRST, 4),
    annulment(DONE),
    correction(OTHER, paper("2025-04-20", number="N1"), 2),
    replace(OTHER, ahead_from=at("2025-04-01")),
]
VERSIONS = [
    published(CARD, 1),
    published(PATIENT, 2),
    published(PATIENT, 2, reach="2025-01-11"),
    published({**CARD, "class": "legal"}, 3),
    published(CARD, 4, ahead_from="2025-02-10"),
    published(RECENT, 5),
]
MOMENTS = st.tuples(
    st.lists(st.sampled_from(EVENTS), max_size=8), st.sets(st.integers(0, len(VERSIONS) - 1), max_size=3)
)
START, LATER = at("2025-01-10"), at("2025-02-01")
ATTEMPT = NudgeAttempted(START, AIDA, 1, "sms", "fake", at("2025-01-10 00:03"))
OUTCOMES: list[list[NudgeFact]] = [
    [],
    [NudgeDeferred(START, AIDA, LATER, "quiet_hours")],
    [NudgeWithheld(START, AIDA, "opted_out")],
    [NudgeExpired(START, AIDA)],
    [ATTEMPT],
    [ATTEMPT, NudgeSent(START, AIDA, 1, "ref")],
    [ATTEMPT, NudgeFailed(START, AIDA, 1, "busy", LATER)],
    [ATTEMPT, NudgeUnknown(START, AIDA, 1, "no_outcome")],
    [ATTEMPT, NudgeFailed(START, AIDA, 1, "gone", gave_up=True)],
    [NudgeWithheld(START, SAULE, "opted_out"), NudgeDeferred(START, ERLAN, LATER, "quiet_hours")],
    [NudgeDeferred(START, SAULE, LATER, "stopped"), replace(ATTEMPT, recipient=ERLAN)],
]
"""What may happen to a nudge before the next plan, to its person or to two guardians."""
Moment = tuple[list[LifeEvent], set[int]]
"""What is recorded, and which versions are published."""
Day = tuple[Moment, list[tuple[int, list[NudgeFact]]]]
"""A moment, and then what happens to some of the nudges."""
FATES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(OUTCOMES)), max_size=4)
DAYS = st.lists(st.tuples(MOMENTS, FATES), min_size=1, max_size=6)


def _on(day: int) -> datetime:
    return START + timedelta(days=10 * day)


def _versions(chosen: set[int]) -> list[Version]:
    return [VERSIONS[number] for number in sorted(chosen)]


def _suffer(desk: NudgeLog, fates: list[tuple[int, list[NudgeFact]]]) -> None:
    """Things happen to some of the nudges on their way."""
    for number, facts in fates:
        nudges = [nudge for nudge in desk.nudges.values() if nudge.pending]
        if nudges:
            desk.append(nudges[number % len(nudges)], *facts)


@modest
@examples(st.lists(MOMENTS, min_size=1, max_size=6))
def test_the_last_plan_holds(histories: list[Moment]) -> None:
    """Whatever was planned before, what is pending in the end is the plan of the last history and rulebook."""
    desk = NudgeLog()
    for day, (recorded, versions) in enumerate(histories):
        planned = given(*recorded).when(*_versions(versions))
        desk.follow(planned, _on(day))
        assert desk.pending == list(planned.plan.intents)


@modest
@examples(DAYS)
def test_a_second_look_asks_for_nothing(days: list[Day]) -> None:
    """After the facts of a diff the plan is met: the same plan asks for nothing more, at any later time."""
    desk = NudgeLog()
    for day, ((recorded, versions), fates) in enumerate(days):
        planned = given(*recorded).when(*_versions(versions))
        desk.follow(planned, _on(day))
        assert desk.follow(planned, _on(day)) == []
        assert desk.follow(planned, _on(40)) == []
        _suffer(desk, fates)


@modest
@examples(DAYS)
def test_what_was_not_tried_follows_the_plan(days: list[Day]) -> None:
    """After outcomes too, what was not tried is in the plan or is a correction, or has ended."""
    desk = NudgeLog()
    for day, ((recorded, versions), fates) in enumerate(days):
        planned = given(*recorded).when(*_versions(versions))
        desk.follow(planned, _on(day))
        reminders = [intent for intent in desk.pending if intent.step != CORRECTION]
        assert set(reminders) <= set(planned.plan.intents)
        for intent in set(planned.plan.intents).difference(reminders):
            assert desk.nudges[intent.id].attempted or not desk.nudges[intent.id].waits
        _suffer(desk, fates)


@modest
@examples(DAYS)
def test_what_was_tried_is_left_alone_while_it_is_wanted(days: list[Day]) -> None:
    """What perhaps went stays as it is while it is in the plan; once gone, it waits for nothing but its outcome."""
    desk = NudgeLog()
    for day, ((recorded, versions), fates) in enumerate(days):
        tried = [nudge for nudge in desk.nudges.values() if nudge.maybe_sent]
        planned = given(*recorded).when(*_versions(versions))
        desk.follow(planned, _on(day))
        wanted = {intent.id for intent in planned.plan.intents}
        for before_ in tried:
            now = desk.nudges[before_.intent.id]
            assert now.intent == before_.intent
            assert now == before_ or now.intent.id not in wanted
            if now.intent.id not in wanted and now.intent.step != CORRECTION:
                assert {one.state for one in now.deliveries if one.due is not None} <= {State.ATTEMPTED}
        _suffer(desk, fates)
