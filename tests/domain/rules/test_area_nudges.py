"""Who is told of what happens to an area: who lived there then, or who lives there when it is due; and when."""

import pytest
from hypothesis import given as tried
from hypothesis import strategies as st

from domain.rules.errors import BadTrigger
from domain.rules.trigger_compiling import compile_trigger
from tests.domain.given import given, modest, rules
from tests.domain.world import CATALOGUE, at, event, moved, storm

KASKELEN, ALMATY_CITY = "195220100", "750000000"
STORM = storm("2025-02-01", KASKELEN)
CAME = moved("2025-01-01", KASKELEN, "came")
LEFT, ARRIVED = moved("2025-02-03", ALMATY_CITY, "left"), moved("2025-02-03", KASKELEN, "arrived")
LATER, TOO_LATE = moved("2025-02-05", ALMATY_CITY, "left later"), moved("2025-02-05", KASKELEN, "arrived later")
DUE = {"soon": {"offset": "P3D"}}
THEN = rules("weather.storm", DUE)
WHEN_DUE = rules("weather.storm", DUE, residents_at="due")

MOVES = {
    "stays": ([CAME], True, True),
    "moves out before": ([CAME, LEFT], True, False),
    "moves out after": ([CAME, LATER], True, True),
    "moves in before": ([ARRIVED], False, True),
    "moves in after": ([TOO_LATE], False, False),
    "leaves and comes back": ([CAME, LEFT, moved("2025-02-03 12:00", KASKELEN, "back")], True, True),
    "lives elsewhere": ([moved("2025-01-01", ALMATY_CITY, "elsewhere")], False, False),
}


@pytest.mark.parametrize("case", MOVES)
def test_residents_are_those_of_the_event_or_those_of_the_due_time(case: str) -> None:
    """At the event's time, later moves change nothing; at the due time, only who lives there then is told."""
    moves, then, when_due = MOVES[case]
    expected = ["soon 2025-02-04 00:00"]
    for recorded in (moves, moves[::-1]):
        lives = given(*recorded, areas=[STORM])
        lives.when(THEN).then_intents(*expected * then)
        lives.when(WHEN_DUE).then_intents(*expected * when_due)


def test_what_is_due_before_it_happened_asks_who_lived_there_when_it_happened() -> None:
    """Nobody is a resident of an area's event before there is one."""
    early = rules("weather.storm", {"early": {"offset": "-P40D"}}, residents_at="due")
    given(CAME, areas=[STORM]).when(early).then_intents("early 2024-12-23 00:00")


def test_what_ends_it_counts_for_the_homes_that_it_is_about() -> None:
    """An end reported for the home's area prevents, also for who lives elsewhere by then; one elsewhere does not."""
    asked = rules("weather.storm", DUE, unless=[{"on": "weather.storm", "when": "later.wind == 0"}])
    here = event("weather.storm", "2025-02-03 12:00", "over", {}, area=KASKELEN, wind=0)
    there = event("weather.storm", "2025-02-03 12:00", "over", {}, area=ALMATY_CITY, wind=0)
    assert [one.occurrence for one in given(CAME, LEFT, areas=[STORM, here]).when(asked).intents] == []
    found = given(CAME, LEFT, areas=[STORM, there]).when(asked).intents
    assert STORM.stream in {one.cause for one in found}


def test_who_moves_in_after_the_end_is_not_told_of_it() -> None:
    """With the residents of the due time, an end before somebody moved in is an end for them as well."""
    asked = rules(
        "weather.storm", DUE, residents_at="due", unless=[{"on": "weather.storm", "when": "later.wind == 0"}]
    )
    over = event("weather.storm", "2025-02-02", "over", {}, area=KASKELEN, wind=0)
    causes = {one.cause for one in given(ARRIVED, areas=[STORM, over]).when(asked).intents}
    assert STORM.stream not in causes


@modest
@tried(number=st.integers(0, 10**6), hours=st.integers(1, 24))
def test_smoothing_moves_only_the_sending(number: int, hours: int) -> None:
    """A smoothed nudge is the unsmoothed one, due within the span after it, always at the same moment."""
    where = [storm("2025-02-01", KASKELEN, f"storm-{number}")]
    plain = given(CAME, areas=where).when(rules("weather.storm", DUE, expires="P1D")).only
    asked = rules("weather.storm", DUE, expires="P1D", smooth=f"PT{hours}H")
    smooth = given(CAME, areas=where).when(asked).only
    assert smooth == given(CAME, areas=where[::-1]).when(asked).only
    assert smooth.id == plain.id
    assert 0 <= (smooth.due - plain.due).total_seconds() < hours * 3600
    assert plain.expires is not None
    assert smooth.expires == plain.expires + (smooth.due - plain.due)


def test_smoothing_spreads() -> None:
    """Of a hundred nudges due at once, hardly two are sent at the same moment of two hours."""
    asked = rules("weather.storm", {"soon": {"offset": "P3D", "smooth": "PT2H"}})
    found = {given(CAME, areas=[storm("2025-02-01", KASKELEN, str(one))]).when(asked).only.due for one in range(100)}
    assert len(found) > 90
    assert max(found) - min(found) > (at("2025-02-01 01:45") - at("2025-02-01"))


def test_smoothing_decides_nothing() -> None:
    """Who dies within the span is planned or not as without it: at the start of the span."""
    asked = rules("weather.storm", DUE, residents_at="due", smooth="PT24H")
    given(CAME, moved("2025-02-04 00:01", ALMATY_CITY, "at once"), areas=[STORM]).when(asked).only  # noqa: B018  (it has one)


def test_a_step_says_its_own_smoothing() -> None:
    """A step's own span counts before the trigger's."""
    asked = rules("weather.storm", {"soon": {"smooth": "PT0S"}}, smooth="PT24H")
    given(CAME, areas=[STORM]).when(asked).then_intents("soon 2025-02-01 00:00")


@pytest.mark.parametrize(
    ("more", "path", "problem"),
    [
        ({"on": "paper.issued", "residents_at": "due"}, "residents_at", "paper.issued is about persons"),
        ({"on": "weather.storm", "smooth": "P2D"}, "smooth", "'P2D' is no span of up to a day"),
        ({"on": "weather.storm", "smooth": "-PT2H"}, "smooth", "'-PT2H' is no span of up to a day"),
        ({"on": "weather.storm", "smooth": "P1M"}, "smooth", "'P1M' is no span of up to a day"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict[str, str], path: str, problem: str) -> None:
    """Residents of an event about persons, and spans that go back or last for days, do not compile."""
    with pytest.raises(BadTrigger) as caught:
        compile_trigger("bad", rules(more.pop("on"), DUE, **more), CATALOGUE)
    assert (caught.value.path, caught.value.problem.startswith(problem)) == ((path,), True)
