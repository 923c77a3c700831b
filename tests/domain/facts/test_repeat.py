"""Repetition: a step again and again, counted from when the first is due, with an end."""

from datetime import date
from itertools import permutations
from uuid import UUID

import pytest

from domain.core.timing import add_months
from domain.facts.facts import NudgeAttempted, NudgeSent
from domain.rules.steps import named, repetition_of
from tests.domain.given import NudgeLog, given, rules
from tests.domain.world import AIDA, NAMES, annulment, at, death, local, paper, renewed, replied

WEEKLY = {"every": "P7D", "at_most": 3}
ASK = rules("paper.issued", {"ask": {"repeat": {**WEEKLY, "until": "answered"}}}, occurrence="event.number")
PAPER = paper()
THRICE = ("ask 2025-01-10 00:00", "ask.2 2025-01-17 00:00", "ask.3 2025-01-24 00:00")


def nudge(step: str) -> UUID:
    """The id of a nudge of Aida's paper."""
    return next(intent.id for intent in given(PAPER).when(ASK).intents if intent.step == step)


def test_the_first_is_the_step_itself() -> None:
    """The first keeps the step's name and id, later ones are numbered; there are as many as it says."""
    planned = given(PAPER).when(ASK).then_intents(*THRICE)
    once = rules("paper.issued", {"ask": {}}, occurrence="event.number")
    assert planned.intents[0].id == given(PAPER).when(once).only.id
    occurrence = planned.intents[1].occurrence
    assert planned.intents[1].id == NAMES.nudge("card", AIDA, occurrence, "ask.2")


def test_names_of_repetitions() -> None:
    """A name tells the step and which of its messages it is."""
    assert [named("ask", number) for number in (1, 2, 10)] == ["ask", "ask.2", "ask.10"]
    assert [repetition_of(name) for name in ("ask", "ask.2", "ask.10")] == [("ask", 1), ("ask", 2), ("ask", 10)]


def test_months_never_drift() -> None:
    """From 31 January a month later is the end of February, and two months later 31 March: 50 times."""
    step = {"from": "event.expires_on", "repeat": {"every": "P1M", "at_most": 50}}
    found = given(paper("2025-01-31")).when(rules("paper.issued", {"pay": step})).intents
    expected = [f"{add_months(date(2025, 1, 31), month)} 09:00" for month in range(50)]
    assert [local(intent.due) for intent in found] == expected
    assert expected[1:3] == ["2025-02-28 09:00", "2025-03-31 09:00"]


@pytest.mark.parametrize(
    ("step", "second"),
    [
        ({"from": "event.expires_on", "offset": "-P30D", "at": "18:30"}, "2025-01-22 18:30"),
        ({"from": "event.expires_on", "offset": "PT3H"}, "2025-02-21 12:00"),
        ({"offset": "PT30M"}, "2025-01-11 00:30"),
        ({"at": "18:30"}, "2025-01-11 18:30"),
    ],
)
def test_the_next_day_at_the_same_time(step: dict[str, object], second: str) -> None:
    """A repetition is due at the time of day of the first, whatever the first is counted from."""
    daily = rules("paper.issued", {"ask": {**step, "repeat": {"every": "P1D", "at_most": 2}}})
    assert local(given(PAPER).when(daily).intents[1].due) == second


def test_repetitions_in_hours() -> None:
    """Hours are counted exactly."""
    step = {"from": "event.expires_on", "repeat": {"every": "PT36H", "at_most": 3}}
    given(PAPER).when(rules("paper.issued", {"ask": step})).then_intents(
        "ask 2025-02-20 09:00", "ask.2 2025-02-21 21:00", "ask.3 2025-02-23 09:00"
    )


@pytest.mark.parametrize(
    ("time", "left", "moot"),
    [
        ("2025-01-09", 0, None),
        ("2025-01-10", 0, None),
        ("2025-01-10 00:01", 1, "2025-01-10 00:01"),
        ("2025-01-17 00:00", 1, "2025-01-17 00:00"),
        ("2025-01-17 00:01", 2, "2025-01-17 00:01"),
    ],
)
def test_each_has_its_own_deadline(time: str, left: int, moot: str | None) -> None:
    """What is done by the deadline of a repetition prevents that one; those before it are moot since it was done."""
    unless = [{"on": "paper.renewed", "when": "later.number == event.number"}]
    weekly = rules("paper.issued", {"ask": {"repeat": WEEKLY}}, unless=unless)
    for facts in permutations([PAPER, renewed(time)]):
        planned = given(*facts).when(weekly).then_intents(*THRICE[:left])
        assert {local(intent.moot_from) for intent in planned.intents if intent.moot_from} == (
            {moot} if moot else set()
        )
        assert len(planned.plan.needless) == 3 - left


def test_with_grace_each_waits() -> None:
    """Late reports are waited for by every repetition."""
    weekly = rules("paper.issued", {"ask": {"repeat": WEEKLY}}, unless=[{"on": "paper.renewed", "grace": "P2D"}])
    given(PAPER, renewed("2025-01-18")).when(weekly).then_intents("ask 2025-01-12 00:00", "ask.2 2025-01-19 00:00")


def test_each_expires_by_itself() -> None:
    """A duration counts from each repetition's own due time, a date is the same for all."""
    weekly = rules("paper.issued", {"ask": {"repeat": WEEKLY}}, expires="P3D")
    expiries = [local(intent.expires) for intent in given(PAPER).when(weekly).intents if intent.expires]
    assert expiries == ["2025-01-13 00:00", "2025-01-20 00:00", "2025-01-27 00:00"]
    dated = given(PAPER).when({**weekly, "expires": "event.expires_on"}).intents
    assert {local(intent.expires) for intent in dated if intent.expires} == {"2025-02-21 00:00"}


@pytest.mark.parametrize("step", ["ask", "ask.2", "ask.3", "correction", "last"])
def test_an_answer_ends_it(step: str) -> None:
    """An answer to any nudge of the occurrence ends what is due from then on, in whatever order it became known."""
    due = {**ASK["due"], "last": {"from": "event.expires_on"}}
    occurrence = given(PAPER).when(ASK).intents[0].occurrence
    answer = replied("2025-01-15", NAMES.nudge("card", AIDA, occurrence, step))
    for facts in permutations([PAPER, answer]):
        planned = given(*facts).when({**ASK, "due": due}).then_intents(THRICE[0], "last 2025-02-20 09:00")
        assert [intent.moot_from for intent in planned.intents] == [at("2025-01-15"), None]


def test_an_answer_to_something_else_ends_nothing() -> None:
    """An answer about another paper, or to a nudge that nobody knows, is not this answer."""
    other = given(paper(event_id="b", number="N2")).when(ASK).intents[0].id
    given(PAPER, replied("2025-01-15", other)).when(ASK).then_intents(*THRICE)
    given(PAPER, replied("2025-01-15", UUID(int=7))).when(ASK).then_intents(*THRICE)


def test_an_answer_does_not_end_what_goes_on_regardless() -> None:
    """Without `until: answered` the repetition goes on."""
    weekly = {**ASK, "due": {"ask": {"repeat": WEEKLY}}}
    given(PAPER, replied("2025-01-15", nudge("ask"))).when(weekly).then_intents(*THRICE)


def test_an_answer_taken_back_goes_on() -> None:
    """Where the answer is annulled, what it ended is planned again."""
    answer = replied("2025-01-15", nudge("ask"))
    desk = NudgeLog()
    desk.follow(given(PAPER).when(ASK), "2025-01-10")
    sent = NudgeAttempted(at("2025-01-10"), AIDA, 1, "sms", "fake", at("2025-01-10 00:03"))
    desk.tell("ask", sent, NudgeSent(at("2025-01-10"), AIDA, 1, "ref"))
    told = desk.follow(given(PAPER, answer).when({**ASK, "correction": True}), "2025-01-15")
    assert told == ["cancelled ask.2", "cancelled ask.3"]  # and nothing is put right: nothing was wrong
    told = desk.follow(given(PAPER, answer, annulment(answer)).when(ASK), "2025-01-16")
    assert told == ["planned ask.2", "planned ask.3"]


def test_no_answer_in_seven_days_is_asked_once_more() -> None:
    """The example of the documentation: once more after seven days, and then no more."""
    twice = {**ASK, "due": {"ask": {"repeat": {"every": "P7D", "at_most": 2, "until": "answered"}}}}
    given(PAPER).when(twice).then_intents(*THRICE[:2])
    given(PAPER, replied("2025-01-16 23:59", nudge("ask"))).when(twice).then_intents(THRICE[0])


def test_a_death_ends_it() -> None:
    """What would come after a death is not planned."""
    given(PAPER, death("2025-01-12")).when(ASK).then_intents(THRICE[0])


def test_the_calendar_ends_it() -> None:
    """Beyond the year 9999 nothing is due; what comes before it is."""
    step = {"from": "event.expires_on", "repeat": {"every": "P1Y", "at_most": 5}}
    given(paper("9998-06-01")).when(rules("paper.issued", {"ask": step})).then_intents(
        "ask 9998-06-01 09:00", "ask.2 9999-06-01 09:00"
    )
