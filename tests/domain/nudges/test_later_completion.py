"""What was done after a nudge had gone is noted on it: exactly what the plan knows, whatever came in which order."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest

from domain.core.events import LifeEvent
from domain.facts.facts import (
    NudgeAttempted,
    NudgeDelivered,
    NudgeDone,
    NudgeFact,
    NudgeFailed,
    NudgeSent,
    NudgeUndone,
    NudgeUnknown,
)
from domain.nudges.diff import diff
from domain.nudges.later_completion import completion_changes
from domain.planning.plan import Plan
from tests.domain.given import NudgeLog, Planned, before, given, rules
from tests.domain.world import AIDA, ERLAN, SAULE, annulment, at, correction, event, paper, renewed

UNLESS = {"on": "paper.renewed", "when": "later.number == event.number"}
CARD = rules("paper.issued", {"month": before(30)}, occurrence="event.number", unless=[UNLESS])
PATIENT = rules("paper.issued", {"month": before(30)}, occurrence="event.number", unless=[UNLESS | {"grace": "P5D"}])
PAPER = paper("2025-02-20", time="2025-01-10")
WENT = at("2025-01-27 09:00")
LATER, LATEST = "2025-02-01", "2025-02-03"


def went(number: int = 1, to: str = AIDA, channel: str = "sms", after: int = 0) -> list[NudgeFact]:
    """It was handed over, and taken, so many days after WENT."""
    now = WENT + timedelta(days=after)
    return [NudgeAttempted(now, to, number, channel, "one", now), NudgeSent(now, to, number, "")]


def note(desk: NudgeLog, planned: Planned, now: str = "2025-03-01") -> list[NudgeFact]:
    """Bring the nudges to the plan, as planning does; gives what was noted."""
    changes = diff(planned.plan, desk.nudges, planned.book, at(now))
    noted = list(completion_changes(planned.plan, desk.nudges, changes, at(now)))
    for change in (*changes, *noted):
        desk.append(desk.nudges[change.nudge], change.fact)
        assert desk.nudges[change.nudge].version == change.version
    return [change.fact for change in noted]


def told(*facts: NudgeFact, rule: dict[str, object] = CARD) -> NudgeLog:
    """A desk on which the month's reminder was planned, and then these facts befell it."""
    desk = NudgeLog()
    desk.follow(given(PAPER).when(rule), "2025-01-10")
    desk.tell("month", *facts)
    return desk


@pytest.mark.parametrize("rule", [CARD, PATIENT])
@pytest.mark.parametrize(
    ("time", "number"),
    [
        ("2025-01-26 12:00", 0),
        ("2025-01-27 09:00", 1),
        (LATER, 1),
        ("2025-06-01", 1),
    ],
)
def test_done_after_it_had_gone_is_noted_once(rule: dict[str, object], time: str, number: int) -> None:
    """What happened since it went is noted with its own time; what had happened by then never is."""
    for facts in permutations([PAPER, renewed(time)]):
        desk = told(*went(), rule=rule)
        assert note(desk, given(*facts).when(rule)) == [NudgeDone(at("2025-03-01"), AIDA, 1, at(time))] * number
        assert note(desk, given(*facts, *facts).when(rule), "2025-03-02") == []


def test_what_has_not_gone_has_no_afterwards() -> None:
    """What waits, failed or is only being handed over was not followed by anything."""
    attempt, sent = went()
    lost = NudgeFailed(WENT, AIDA, 1, "undelivered", None, gave_up=True)
    for facts in ([], [attempt], [attempt, lost], [attempt, sent, lost]):
        assert note(told(*facts), given(PAPER, renewed(LATER)).when(CARD)) == []


def test_what_may_not_have_gone_learns_that_it_was_done() -> None:
    """What bounced, or may not have gone, and is to be tried again keeps how far it came, and says it no more."""
    attempt, sent = went()
    again = WENT + timedelta(days=9)
    bounced = NudgeFailed(WENT, AIDA, 1, "undelivered", again, gave_up=True)
    unknown = NudgeUnknown(WENT, AIDA, 1, "timed_out", silent_at=again)
    late = [attempt, NudgeSent(at("2025-02-02"), AIDA, 1, "")]
    for facts in ([attempt, sent, bounced], [attempt, unknown], late):
        desk = told(*facts)
        tried = desk.of("month").deliveries
        assert note(desk, given(PAPER, renewed(LATER)).when(CARD)) == []
        assert (desk.of("month").intent.moot_from, desk.of("month").deliveries) == (at(LATER), tried)
        version = desk.of("month").version
        note(desk, given(PAPER, renewed(LATER)).when(CARD))
        assert desk.of("month").version == version, "once"
        note(desk, given(PAPER, renewed(LATER), annulment(renewed(LATER), 2)).when(CARD))
        assert (desk.of("month").intent.moot_from, desk.of("month").deliveries) == (None, tried)


def test_the_first_time_counts_in_any_order() -> None:
    """Done twice, it was done when it was done first, whichever report came first."""
    first, second = renewed(LATER, event_id="a"), renewed(LATEST, event_id="b")
    for one in (first, second):
        desk = told(*went())
        note(desk, given(PAPER, one).when(CARD))
        note(desk, given(PAPER, first, second).when(CARD))
        assert [each.done_at for each in desk.of("month").done] == [at(LATER)]


@pytest.mark.parametrize(
    "gone",
    [
        annulment(renewed(LATER), 2),
        correction(renewed(LATER), renewed("2025-01-26 12:00")),
    ],
)
def test_what_turns_out_not_to_be_so_is_taken_back(gone: LifeEvent) -> None:
    """An annulled report, or one corrected to before it went, takes back what was noted, and in one order only."""
    desk = told(*went())
    [noted] = note(desk, given(PAPER, renewed(LATER)).when(CARD))
    assert isinstance(noted, NudgeDone)
    [taken] = note(desk, given(PAPER, renewed(LATER), gone).when(CARD))
    assert isinstance(taken, NudgeUndone)
    assert (taken.attempt, taken.done_at, desk.of("month").done) == (noted.attempt, noted.done_at, ())
    assert note(told(*went()), given(PAPER, gone, renewed(LATER)).when(CARD)) == []


def test_it_counts_for_the_attempt_before_it() -> None:
    """Done between two of three channels it followed the one before, done after all the last, unless that bounced."""
    both = [*went(), *went(2, channel="email", after=10)]
    bounced = [*both, NudgeFailed(WENT + timedelta(days=11), AIDA, 2, "undelivered", None, gave_up=True)]
    three = [*both, *went(3, channel="push", after=20)]
    of_two = ((both, LATER, 1), (both, "2025-02-20", 2), (bounced, "2025-02-20", 1))
    for facts, time, attempt in (*of_two, (three, LATER, 1), (three, "2025-02-10", 2), (three, "2025-02-20", 3)):
        [noted] = note(told(*facts), given(PAPER, renewed(time)).when(CARD))
        assert isinstance(noted, NudgeDone)
        assert noted.attempt == attempt


def test_each_guardian_has_their_own() -> None:
    """Of two who were told, it is noted for each to whom it had gone by then, in the order of their names."""
    desk = told(*went(to=SAULE), *went(to=ERLAN), *went(to=AIDA, after=20))
    noted = note(desk, given(PAPER, renewed(LATER)).when(CARD))
    assert [getattr(each, "recipient", "") for each in noted] == sorted((ERLAN, SAULE))
    assert note(desk, given(PAPER, renewed(LATER)).when(CARD)) == []


def test_a_nudge_that_is_needless_now_may_have_been_followed() -> None:
    """Where a correction moves the deadline behind what was done, that was still done after what had gone."""
    moved = correction(PAPER, paper("2025-06-20", time="2025-01-10"))
    desk = told(*went())
    planned = given(PAPER, moved, renewed(LATER)).when(CARD)
    assert desk.of("month").intent.id in planned.plan.needless
    assert [type(each) for each in note(desk, planned)] == [NudgeDone]


def test_of_what_left_the_plan_nothing_is_said() -> None:
    """A nudge whose event was annulled keeps what was noted, and gets nothing new."""
    for first in ([], [renewed(LATER)]):
        desk = told(*went(), NudgeDelivered(WENT, AIDA, 1))
        before_it = note(desk, given(PAPER, *first).when(CARD))
        gone: Sequence[LifeEvent] = (PAPER, annulment(PAPER, 2), renewed(LATER))
        assert note(desk, given(*gone).when(CARD)) == []
        assert list(desk.of("month").done) == before_it


def test_what_is_retired_takes_nothing_back() -> None:
    """Where something can be read no more, perhaps what was done, what was noted stands."""
    desk = told(*went())
    planned = given(PAPER, renewed(LATER)).when(CARD)
    note(desk, planned)
    intents, closed = given(PAPER).when(CARD).plan.intents, frozenset([UUID(int=1)])
    for plan, number in ((Plan(intents, frozenset()), 1), (Plan(intents, frozenset(), closed=closed), 0)):
        assert len(list(completion_changes(plan, desk.nudges, [], at("2025-03-01")))) == number


def test_what_happens_to_a_whole_area_is_nobodys_doing() -> None:
    """An event of an area may make a nudge moot, and is not counted as done by anybody."""
    over = rules("paper.issued", {"month": before(30)}, unless=[{"on": "weather.storm"}])
    home = event("person.moved", "2024-01-01", "home", {"citizen": AIDA}, area="750000000")
    storm = event("weather.storm", LATER, "storm", {}, area="75")
    planned = given(PAPER, home, areas=[storm]).when(over)
    assert planned.only.moot_from == at(LATER)
    desk = NudgeLog()
    desk.follow(given(PAPER, home).when(over), "2025-01-10")
    desk.tell("month", *went())
    assert note(desk, planned) == []
