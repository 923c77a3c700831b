from datetime import datetime, timedelta

from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.events import LifeEvent
from domain.facts import (
    NudgeAttempted,
    NudgeDeferred,
    NudgeExpired,
    NudgeFact,
    NudgeFailed,
    NudgeSent,
    NudgeUnknown,
    NudgeWithheld,
)
from domain.rulebook import Version
from tests.domain.given import Desk, before, given, modest, published, rules
from tests.domain.world import AIDA, annulment, at, correction, death, paper, renewed

CARD = rules(
    "paper.issued", {"month": before(30), "week": before(7)}, occurrence="event.number", correction=True,
    unless=[{"on": "paper.renewed", "when": "later.number == event.number"}],
)  # fmt: skip
PATIENT = {**CARD, "unless": [{"on": "paper.renewed", "grace": "P3D"}], "expires": "event.expires_on"}
FIRST, OTHER = paper("2025-02-20"), paper("2025-04-20", event_id="other", number="N2")
DEATH, DONE = death("2025-02-15"), renewed("2025-02-01")
EVENTS = [
    FIRST, OTHER, DEATH, DONE, renewed("2025-01-12", event_id="early"), annulment(DEATH), annulment(FIRST, 3),
    correction(FIRST, paper("2025-03-20", time="2025-01-11"), 2), correction(FIRST, FIRST, 4), annulment(DONE),
    correction(OTHER, paper("2025-04-20", number="N1"), 2), replace(OTHER, ahead_from=at("2025-04-01")),
]  # fmt: skip
VERSIONS = [
    published(CARD, 1), published(PATIENT, 2), published(PATIENT, 2, reach="2025-01-11"),
    published({**CARD, "class": "legal"}, 3), published(CARD, 4, ahead_from="2025-02-10"),
]  # fmt: skip
HISTORIES = st.lists(
    st.tuples(st.lists(st.sampled_from(EVENTS), max_size=8), st.sets(st.integers(0, len(VERSIONS) - 1), max_size=3)),
    min_size=1, max_size=6,
)  # fmt: skip
START = at("2025-01-10")
UNSENT: list[NudgeFact] = [
    NudgeDeferred(START, AIDA, at("2025-02-01"), "quiet_hours"), NudgeWithheld(START, AIDA, "opted_out"),
    NudgeExpired(START, AIDA),
]  # fmt: skip
TRIED: list[NudgeFact] = [
    NudgeSent(START, AIDA, 1, "ref"), NudgeFailed(START, AIDA, 1, "refused", gave_up=True),
    NudgeUnknown(START, AIDA, 1, "no_outcome"),
]  # fmt: skip
OUTCOMES: list[list[NudgeFact]] = [
    [], *([each] for each in UNSENT),
    *([NudgeAttempted(START, AIDA, 1, "sms", "fake", at("2025-01-10 00:03")), each] for each in TRIED),
]  # fmt: skip
Moment = tuple[list[LifeEvent], set[int]]
"""What is recorded, and which versions are published."""
Day = tuple[Moment, list[tuple[int, list[NudgeFact]]]]
"""A moment, and then what happens to some of the nudges."""
FATES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(OUTCOMES)), max_size=4)


def _on(day: int) -> datetime:
    return START + timedelta(days=10 * day)


def _versions(chosen: set[int]) -> list[Version]:
    return [VERSIONS[number] for number in sorted(chosen)]


def _suffer(desk: Desk, fates: list[tuple[int, list[NudgeFact]]]) -> None:
    """Things happen to some of the nudges on their way."""
    for number, facts in fates:
        nudges = [nudge for nudge in desk.nudges.values() if nudge.pending]
        if nudges:
            desk.append(nudges[number % len(nudges)], *facts)


@modest
@examples(HISTORIES)
def test_the_last_plan_holds(histories: list[Moment]) -> None:
    """Whatever was planned before, what is pending in the end is the plan of the last history and rulebook."""
    desk = Desk()
    for day, (recorded, versions) in enumerate(histories):
        planned = given(*recorded).when(*_versions(versions))
        desk.follow(planned, _on(day))
        assert desk.pending == list(planned.plan.intents)


@modest
@examples(st.lists(st.tuples(HISTORIES.map(lambda found: found[0]), FATES), min_size=1, max_size=6))
def test_a_second_look_asks_for_nothing(days: list[Day]) -> None:
    """After the facts of a diff the plan is met: the same plan asks for nothing more, at any later time."""
    desk = Desk()
    for day, ((recorded, versions), fates) in enumerate(days):
        planned = given(*recorded).when(*_versions(versions))
        desk.follow(planned, _on(day))
        assert desk.follow(planned, _on(day)) == []
        assert desk.follow(planned, _on(40)) == []
        _suffer(desk, fates)


@modest
@examples(st.lists(st.tuples(HISTORIES.map(lambda found: found[0]), FATES), min_size=1, max_size=6))
def test_what_was_not_tried_follows_the_plan(days: list[Day]) -> None:
    """After outcomes too, what is pending is in the plan or is a correction, and nothing tried is touched."""
    desk = Desk()
    for day, ((recorded, versions), fates) in enumerate(days):
        tried = {id_: nudge for id_, nudge in desk.nudges.items() if nudge.attempted}
        planned = given(*recorded).when(*_versions(versions))
        desk.follow(planned, _on(day))
        assert {id_: desk.nudges[id_] for id_ in tried} == tried
        reminders = [intent for intent in desk.pending if intent.step != "correction"]
        assert set(reminders) <= set(planned.plan.intents)
        for intent in set(planned.plan.intents).difference(reminders):
            nudge = desk.nudges[intent.id]
            assert nudge.attempted or not any(one.due for one in nudge.deliveries)
        _suffer(desk, fates)
