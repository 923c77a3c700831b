from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.conditions.cost import TooCostly
from domain.conditions.language import Condition, Conditions
from domain.conditions.matching import ComparisonLimit, Matcher, _Extremes
from domain.core.events import Effective, LifeEvent
from domain.planning.plan import whole_plan
from domain.rules.parts import prefixed
from tests.domain.given import before, given, modest, rulebook, rules
from tests.domain.world import AIDA, CATALOGUE, at, event, paper, renewed

PAPER = CATALOGUE.types["paper.issued"]
CONDITIONS = Conditions(prefixed("event", PAPER) | prefixed("later", PAPER) | CATALOGUE.citizen_variables())
SIDES = ("kind", "number", "issued_on", "fee.amount", "fee.rate", "paid", "time", "holder")
PAIRS = [f"later.{name} {op} event.{name}" for name in SIDES for op in ("==", "<", "<=", ">", ">=", "!=")]
OTHERS = [
    "event.kind == later.number",
    "event.issued_on < later.expires_on",
    "later.kind == 'card'",
    "event.fee.amount > 1",
    "citizen.age >= 16",
    "later.number.startsWith(event.number)",
    "'a' in later.marks",
    "later.marks == event.marks",
    "later.fee.amount + 1 == event.fee.amount",
    "citizen.sex == later.kind",
    "1 / later.fee.amount == event.fee.amount",
    "true",
]
WORDS = st.sampled_from(["card", "a", "b", "", "ä", "\U0001f600", "\ud800"])
DAYS = st.sampled_from(["2025-01-01", "2025-02-01", "2025-02-02", "9999-12-31"])
WHOLE = st.sampled_from([0, 1, 2, 2**53, 2**53 + 1, 2**63, -1])
DECIMAL = st.one_of(WHOLE, st.sampled_from([0.0, -0.0, 1.0, 1.5, float(2**53), float("nan"), float("inf"), 10**400]))
ODD = st.sampled_from([None, True, 1, 1.0, "card", ["card"], {"a": 1}])


def of(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what the type says; now and then something that an older type, or nobody, allows."""
    return st.one_of(usual, usual, usual, ODD)


def joined(operator: str, parts: list[str]) -> str:
    """The parts, each in brackets, with the operator between them."""
    return f" {operator} ".join(f"({part})" for part in parts)


simple = st.sampled_from([*PAIRS, *PAIRS, *OTHERS])
both = st.lists(simple, min_size=1, max_size=4).map(lambda parts: joined("&&", parts))
conditions = st.one_of(simple, both, st.lists(both, min_size=1, max_size=3).map(lambda parts: joined("||", parts)))
data = st.fixed_dictionaries(
    {},
    optional={
        "kind": of(WORDS),
        "number": of(WORDS),
        "issued_on": of(DAYS),
        "expires_on": of(DAYS),
        "fee": st.fixed_dictionaries({}, optional={"amount": of(WHOLE), "rate": of(DECIMAL)}),
        "paid": of(st.booleans()),
        "marks": of(st.lists(WORDS, max_size=2)),
    },
)
windows = st.sampled_from(
    [{}, {"within": {"before": "P2D"}}, {"within": {"before": "P1D", "after": "P3D"}}, {"within": {"after": "P1D"}}]
)
histories = st.lists(st.tuples(st.integers(0, 9), data), min_size=1, max_size=9)


class Asked:
    """A condition that counts how often it is asked."""

    def __init__(self, condition: Condition | None) -> None:
        assert condition is not None
        self.condition, self.reads, self.times = condition, condition.reads, 0

    def holds(self, values: Mapping[str, Any]) -> bool | None:
        """Whether it holds."""
        self.times += 1
        return self.condition.holds(values)


def papers(drawn_papers: list[tuple[int, Mapping[str, Any]]]) -> list[LifeEvent]:
    """Papers of Aida's, each so many days after the first of January."""
    return [
        event("paper.issued", f"2025-01-{day + 1:02}", f"paper {number}", {"holder": AIDA}, **values)
        for number, (day, values) in enumerate(drawn_papers)
    ]


@modest
@drawn(conditions, histories, st.integers(0, 9), st.integers(0, 5))
def test_lookups_find_what_asking_of_each_finds(
    text: str, drawn_papers: list[tuple[int, Mapping[str, Any]]], day: int, days: int
) -> None:
    """Whatever the condition and the values, the same events are found, in the same order."""
    condition, facts = CONDITIONS.compile(text), given(*papers(drawn_papers)).history.facts
    matcher = Matcher({"paper.issued": facts})
    since = at("2025-01-01") + timedelta(days=day)
    for within in ((since, since + timedelta(days=days)), (at("2000-01-01"), at("2100-01-01"))):
        for start in facts:
            values = start.values | {"citizen.age": 20, "citizen.sex": "card"}
            met = [each for each in facts if within[0] <= each.event.time <= within[1]]
            expected = [each.original_id for each in met if condition.holds(values, each.values)]
            found = matcher.matching("paper.issued", condition, values, within)
            assert [each.original_id for each in found] == expected


@modest
@drawn(conditions, histories, st.sampled_from(["P0D", "P5D"]), windows)
def test_a_plan_with_lookups_is_the_plan_without(
    text: str, drawn_papers: list[tuple[int, Mapping[str, Any]]], grace: str, more: Mapping[str, Any]
) -> None:
    """Nothing is looked up in `c ? true : false`, and it means the same as `c`."""
    history = given(*papers(drawn_papers))
    plans = []
    for when in (text, f"({text}) ? true : false"):
        unless = [{"on": "paper.issued", "when": when, "grace": grace, **more}]
        others = [{"on": "paper.issued", "when": when, "within": "P5D", "order": "any"}]
        plain = rules("paper.issued", {"month": {}}, unless=unless)
        together = rules("paper.issued", {"day": {}}, **{"with": [*others, *others]})
        plans.append([history.when(content).plan for content in (plain, together)])
    for looked_up, asked_of_each in zip(*plans, strict=True):
        assert _told(looked_up) == _told(asked_of_each)


def _told(plan: Any) -> Any:
    return [(each.id, each.due, each.moot_from) for each in plan.intents], plan.needless, plan.done


def many(number: int, **values: Any) -> list[LifeEvent]:
    """So many papers of one day, each with its own number."""
    return [paper(event_id=f"paper {at}", number=f"N{at}", **values) for at in range(number)]


def payments(number: int) -> list[LifeEvent]:
    """So many renewals, each of another paper."""
    return [renewed("2025-01-15", f"N{at}", f"renewed {at}") for at in range(number)]


SAME_NUMBER = rules(
    "paper.issued", {"month": before(30)}, unless=[{"on": "paper.renewed", "when": "later.number == event.number"}]
)


@pytest.mark.parametrize("number", [250, 1000])
def test_events_with_their_ends_are_looked_at_once_each(number: int) -> None:
    """Papers with their renewals cost one look for each, however many there are."""
    history = given(*many(number), *payments(number)).history
    plan = whole_plan(history, rulebook(SAME_NUMBER), most=number)
    assert len(plan.needless) == number


@pytest.mark.parametrize("rising", [True, False])
@pytest.mark.parametrize("number", [250, 1000])
def test_events_that_follow_each_other_are_looked_at_once_each(number: int, *, rising: bool) -> None:
    """Papers of one kind, each newer than the one before or older, cost two looks for each at the most."""
    unless = [{"on": "paper.issued", "when": "later.kind == event.kind && later.issued_on > event.issued_on"}]
    newer = rules("paper.issued", {"month": before(30)}, unless=unless)
    days = [f"{2000 + at // 300:04}-{at % 300 // 25 + 1:02}-{at % 25 + 1:02}" for at in range(number)]
    issued = [
        paper(event_id=f"{at:05}", kind="card", issued_on=day)
        for at, day in enumerate(days if rising else reversed(days))
    ]
    plan = whole_plan(given(*issued).history, rulebook(newer), most=2 * number)
    assert len(plan.intents) == 1


@pytest.mark.parametrize("number", [250, 1000])
def test_what_lies_outside_of_a_window_is_not_looked_at(number: int) -> None:
    """A paper among a thousand newer ones costs two looks, and few steps, where only those of a day count."""
    same = "later.kind == event.kind && later.issued_on >= event.issued_on"
    unless = [{"on": "paper.issued", "when": same, "within": {"before": "P1D", "after": "P1D"}}]
    newer = rules("paper.issued", {"day": {}}, unless=unless)
    issued = [
        paper(event_id=f"{each:05}", kind="card", issued_on=f"{4000 - each}-01-01", time=_day(each))
        for each in range(number)
    ]
    plan = whole_plan(given(*issued).history, rulebook(newer), most=2 * number)
    assert len(plan.intents) == number // 25  # the first of each month


def _day(number: int) -> str:
    return f"{2025 + number // 300:04}-{number % 300 // 25 + 1:02}-{number % 25 + 1:02}"


@pytest.mark.parametrize("number", [1 << 10, 1 << 14])
def test_values_before_a_window_are_passed_over(number: int) -> None:
    """Among the values that compare so, those of a window are found in steps that grow with the logarithm."""
    asked = 0

    class Counted(int):
        def __gt__(self, other: int) -> bool:
            nonlocal asked
            asked += 1
            return int(self) > int(other)

    extremes = _Extremes([Counted(1) for _ in range(number)])
    asked = 0
    assert list(extremes.compared("_>_", 0, number - 3, number - 1)) == [number - 3, number - 2]
    assert asked < 4 * number.bit_length()


def test_what_cannot_be_looked_up_has_a_limit() -> None:
    """A rule that compares too many pairs of events ends with an error that says so, and not in an hour."""
    unless = [{"on": "paper.renewed", "when": "later.number.startsWith(event.number + '-')"}]
    odd = rules("paper.issued", {"month": before(30)}, unless=unless)
    history = given(*many(50), *payments(50)).history
    whole_plan(history, rulebook(odd), most=2500)
    with pytest.raises(TooCostly, match="more than 2499 pairs"):
        whole_plan(history, rulebook(odd), most=2499)


@pytest.mark.parametrize("number", [250, 1000])
def test_the_nth_event_is_found_without_asking_of_all_before_it(number: int) -> None:
    """Whether an event counts is asked once, however many come after it."""
    nth = rules("paper.issued", {"day": {}}, count={"nth": 3, "within": "P1D"}, when="event.number != ''")
    [version] = rulebook(nth).versions.values()
    history = given(*many(number)).history
    asked = Asked(version.trigger.when)
    counting = replace(version, trigger=replace(version.trigger, when=asked))
    assert len(whole_plan(history, rulebook(counting)).intents) == 1
    assert asked.times <= 2 * number


def test_no_event_is_compared_with_itself() -> None:
    """What a trigger starts on cannot prevent it, so a person's only paper costs no look."""
    unless = [{"on": "paper.issued", "when": "later.kind == event.kind"}]
    alone = rules("paper.issued", {"month": before(30)}, unless=unless)
    assert len(whole_plan(given(*many(1)).history, rulebook(alone), most=0).intents) == 1


def test_looks_are_counted_over_all_conditions() -> None:
    """The limit is one for all rules together."""
    looks, facts = ComparisonLimit(3), given(*many(2)).history.facts
    matcher = Matcher({"paper.issued": facts}, looks)
    found: list[Effective] = [*matcher.matching("paper.issued", None, {})]
    assert (len(found), looks.taken) == (2, 2)
    with pytest.raises(TooCostly):
        list(matcher.matching("paper.issued", CONDITIONS.compile("true"), {}))
