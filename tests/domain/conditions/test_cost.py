"""What a condition or a pattern may cost is known before it runs."""

import tracemalloc

import pytest

from domain.conditions.cost import MOST_COST, TooCostly
from domain.conditions.language import Conditions
from domain.conditions.pattern_cost import MOST_WEIGHT, pattern_weight

CONDITIONS = Conditions({"event.number": "string", "event.marks": "strings", "event.amount": "integer"})


def doubling(levels: int) -> str:
    """A text that is twice as long at each level."""
    inner = "true"
    for level in range(levels, 0, -1):
        before = "[event.number]" if level == 1 else f"[v{level - 1} + v{level - 1}]"
        inner = f"{before}.exists(v{level}, {inner})"
    return inner


def test_a_text_that_doubles_is_never_built() -> None:
    """At fifteen levels it is too dear, and evaluating it ends before it begins: no memory is taken."""
    assert CONDITIONS.compile(doubling(5)).holds({"event.number": "N1"}) is True
    dear = CONDITIONS.compile(doubling(15))
    tracemalloc.start()
    with pytest.raises(TooCostly, match="for one event"):
        dear.holds({"event.number": "N1"})
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        "event.marks.all(x, event.marks.all(y, x != y || size(x) > 3))",
        "event.marks.exists(mark, event.number.contains(mark))",
        "event.marks.map(mark, mark + '!').size() == event.amount",
        "event.number.matches('^[A-Z]{2}[0-9]{7}$') && event.marks.exists(mark, mark.startsWith('a'))",
        " && ".join(["event.number + event.number != 'N1N1'"] * 50),
    ],
)
def test_what_people_write_is_cheap_enough(text: str) -> None:
    """Lists are compared with themselves, texts are searched, and parts are many."""
    assert 0 < CONDITIONS.compile(text).cost <= MOST_COST


@pytest.mark.parametrize(
    "text",
    [
        doubling(20),
        "event.number.matches('([a-z]{500}){2}')",
        "event.number.matches(event.marks[0])",
        "event.marks.map(a, event.marks.map(b, event.number + a + b)).size() > 1",
        "[event.marks + event.marks].exists(a, [a + a].exists(b, [b + b].exists(c, c.all(x, x.contains(x + x)))))",
    ],
)
def test_what_may_take_long_is_known(text: str) -> None:
    """Growth, patterns that count or come from an event, and long results of loops are too dear."""
    assert CONDITIONS.compile(text).cost > MOST_COST


@pytest.mark.parametrize(
    "text",
    [
        "event.marks.exists(mark, {'a': 1}[event.number] == 1)",
        "['', event.amount > 1 ? dyn(event.marks)[0] : event.number].exists(a, [a + a].exists(b, b + b == 'a'))",
    ],
)
def test_nothing_that_is_copied_costs_nothing(text: str) -> None:
    """An error for a missing key repeats the key; what may be a text as well as a list costs what a text does."""
    with pytest.raises(TooCostly):
        CONDITIONS.compile(text).holds(
            {"event.number": "a" * 3_000_000, "event.amount": 1, "event.marks": ["a"] * 100}
        )


def test_values_larger_than_usual_are_counted_when_they_come() -> None:
    """A condition that is cheap for what is usual is not evaluated for an event that makes it dear."""
    condition = CONDITIONS.compile("event.marks.exists(mark, mark.contains(event.number))")
    assert condition.holds({"event.number": "b", "event.marks": ["a"] * 9_000}) is False
    assert condition.holds({"event.number": "b" * 10_000, "event.marks": ["a"]}) is False
    with pytest.raises(TooCostly):
        condition.holds({"event.number": "b" * 10_000, "event.marks": ["a" * 10_000] * 100})


@pytest.mark.parametrize(
    "pattern",
    [
        r"([\w]{500}){50}",
        r"[\w]{500}" * 200,
        "(((a{99}){99}){99}){99}",
        r"\w{200}",
        r"(\p{L}{2,}x){50,90}",
        r"(\w{ 50 }){ 50 }",
        r"(?x)(\w {500}) {50}",
        r"[[](\w{500})]",
        r"([^]\w]{500})",
        r"[[:alpha:]\w]{500}",
    ],
)
def test_a_pattern_that_counts_too_much_is_heavy(pattern: str) -> None:
    """What is counted in what is counted is multiplied, and what stands one after the other is added."""
    assert pattern_weight(pattern) > MOST_WEIGHT


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\+[1-9][0-9]{6,14}$",
        r"^\p{L}{1,60}$",
        r"^[\w \-]{1,60}$",
        "^[A-Z]{2}[0-9]{7}$",
        r"^(a|b{3})+\{9999\}$",
        "(",
        "[",
    ],
)
def test_a_pattern_that_people_write_is_light(pattern: str) -> None:
    """Names, numbers and codes are far from the limit, and so is what is no pattern."""
    assert pattern_weight(pattern) <= MOST_WEIGHT
