from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.conditions.language import BadCondition, Condition, Conditions, essence
from tests.domain.given import modest

CONDITIONS = Conditions(
    {
        "event.kind": "string",
        "event.expires_on": "date",
        "event.amount": "integer",
        "event.rate": "number",
        "event.paid": "boolean",
        "event.time": "instant",
        "event.marks": "strings",
        "event.fee.amount": "integer",
        "citizen.age": "integer",
        "later.kind": "string",
        "later.time": "instant",
        "later.amount": "integer",
    }
)
VALUES: Mapping[str, Any] = {
    "event.kind": "card",
    "event.expires_on": "2025-02-20",
    "event.amount": 5,
    "event.rate": 2.5,
    "event.paid": True,
    "event.time": datetime(2025, 1, 10, tzinfo=UTC),
    "event.marks": ["a", "b"],
    "event.fee.amount": 7,
    "citizen.age": 17,
}
LATER: Mapping[str, Any] = {
    "event.kind": "passport",
    "event.time": datetime(2025, 1, 11, tzinfo=UTC),
    "event.amount": 6,
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('event.kind == "card"', True),
        ("event.kind != 'card'", False),
        ("citizen.age >= 16 && citizen.age < 18", True),
        ("citizen.age >= 18 || event.paid", True),
        ("!event.paid", False),
        ('event.expires_on < "2025-03-01"', True),
        ("event.rate > 2.4", True),
        ("event.fee.amount == 7", True),
        ('"b" in event.marks', True),
        ('"c" in event.marks', False),
        ('event.kind in ["card", "passport"]', True),
        ("size(event.marks) == 2", True),
        ("event.amount + event.fee.amount == 12", True),
        ("event.amount * 2 > event.fee.amount", True),
        ('event.time < timestamp("2025-01-11T00:00:00Z")', True),
        ("(event.paid ? 1 : 2) == 1", True),
        ("later.time > event.time", True),
        ("later.kind == event.kind", False),
        ("later.amount > event.amount", True),
        ('event.kind == "event.amount"', False),
        ("true", True),
        ("event.amount > 3\n  && event.paid", True),
        ("event .amount > 3 && event. paid", True),
        ("event\n  .fee\n  .amount == 7", True),
        ("event.`amount` > 3", True),
        ("event.amount > 3 // it isn't much\n  && event.paid // it's done", True),
        ("event.paid // event.amount > 9\n", True),
        ("""event.kind != 'a"' && event.paid && event.kind != '"b'""", True),
    ],
)
def test_conditions_hold_or_don_t(text: str, *, holds: bool) -> None:
    """Conditions compare fields, attributes, dates, instants and lists, also of the later event."""
    condition = CONDITIONS.compile(text)
    assert condition.holds(VALUES, LATER) is holds
    assert condition.holds(VALUES, LATER) is holds


@pytest.mark.parametrize(
    "text",
    [
        "citizen.age > 3",
        "!(citizen.age > 3)",
        'event.kind == "card"',
        '"a" in event.marks',
        "event.paid",
        "!event.paid",
        "later.time > event.time",
        "event.fee.amount == 7",
        "event.amount > 1 && event.paid",
    ],
)
@pytest.mark.parametrize("values", [{}, dict.fromkeys(VALUES), {"event.kinds": "card"}])
def test_a_missing_value_is_neither_true_nor_false(text: str, values: Mapping[str, Any]) -> None:
    """Where a value is missing or null the answer is None, and so is its opposite."""
    condition = CONDITIONS.compile(text)
    assert condition.holds(values) is None
    assert condition.holds(VALUES, LATER) is not None
    assert condition.holds(values) is None


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('event.kind == "card" || citizen.age > 3', True),
        ('event.kind == "x" && citizen.age > 3', False),
        ('event.kind == "x" || citizen.age > 3', None),
        ('event.kind == "card" && citizen.age > 3', None),
    ],
)
def test_what_is_decided_without_the_missing_value_is_decided(text: str, *, holds: bool | None) -> None:
    """A missing value matters only where the answer depends on it."""
    assert CONDITIONS.compile(text).holds({"event.kind": "card"}) is holds


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("event.amount / event.fee.amount > 1", {"event.amount": 1, "event.fee.amount": 0}),
        ("event.amount > 1", {"event.amount": 2**70}),
        ("event.amount > 1", {"event.amount": "much"}),
        ("int(event.kind) > 1", {"event.kind": "card"}),
        ("event.amount + event.fee.amount > 1", {"event.amount": 2**63 - 1, "event.fee.amount": 1}),
    ],
)
def test_what_cannot_be_reckoned_has_no_answer(text: str, values: Mapping[str, Any]) -> None:
    """A division by zero, a number too big or a value of another kind is no answer, and never an exception."""
    assert CONDITIONS.compile(text).holds(values) is None


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("event.paid  &&\n event.amount > 1", "event.paid && event.amount > 1 // not free", True),
        ('event.kind == "a  b"', 'event.kind == "a b"', False),
        ("event.paid // by law\n && event.amount > 1", "event.paid // by law && event.amount > 1", False),
        ('event.kind == "https://a"', 'event.kind == "https://b"', False),
    ],
)
def test_layout_and_remarks_are_no_part_of_what_is_meant(one: str, other: str, *, alike: bool) -> None:
    """Line breaks and remarks change nothing, but where a remark swallows what follows it, or within a text."""
    assert (essence(one) == essence(other)) is alike


def test_later_speaks_of_the_other_event() -> None:
    """`event.` and `later.` are the same names of two events, and are not mixed up."""
    condition = CONDITIONS.compile("later.amount > event.amount")
    assert [condition.holds({"event.amount": a}, {"event.amount": b}) for a, b in ((1, 2), (2, 1), (1, 2))] == [
        True,
        False,
        True,
    ]
    assert condition.holds({"event.amount": 1, "later.amount": 2}) is None


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ('event.kind == "card" && citizen.age > 3', ("citizen.age", "event.kind")),
        ("event.fee.amount > 1", ("event.fee.amount",)),
        ('event.kind == "event.amount"', ("event.kind",)),
        (r"""event.kind == 'it\'s event.amount' || event.kind == "\"event.rate" """, ("event.kind",)),
        ("event.paid || event.paid", ("event.paid",)),
        ("later.kind == event.kind", ("event.kind", "later.kind")),
        ("true", ()),
    ],
)
def test_a_condition_knows_what_it_reads(text: str, reads: tuple[str, ...]) -> None:
    """The names in a condition, each once and sorted; names in a text are only words."""
    assert CONDITIONS.compile(text).reads == reads


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ('event.kimd == "card"', "there is no field 'event.kimd'", 1),
        ("event.kind == card", "'card' is no field; put it in quotes if it is a text", 1),
        ("event.kind == “card”", "'“' is not expected here; use straight quotes", 1),
        ("event.kind == ‘card’", "'‘' is not expected here; use straight quotes", 1),
        ("nothing == 1", "'nothing' is no field; put it in quotes if it is a text", 1),
        ("event.paid &&\n  citizen.aeg > 3", "there is no field 'citizen.aeg'", 2),
        ("event.amount == 'x'", "'==' does not go with a whole number and a text", 1),
        ("event.paid\n\n || event.marks > 3", "'>' does not go with a list and a whole number", 3),
        ("event.rate > 2", "'>' does not go with a decimal number and a whole number", 1),
        ('event.time > "2025-01-01"', "'>' does not go with a time and a text", 1),
        ("event.kind ==", "the condition ends too early", 1),
        ("event.kind = 'card'", "use == to compare", 1),
        ("event.kind == 'card' and event.paid", "use && instead of and", 1),
        ("event.kind == «card»", "'«' is not expected here; use straight quotes", 1),
        ("event.kind == 'card", "a quotation mark is not closed", 1),
        ("(event.paid", "')' is missing", 1),
        ("event.paid &&\n  && true", "'&&' is not expected here", 2),
        ("", "the condition ends too early", 1),
        ("event.kind", "a condition must be true or false, this is a text", 1),
        ("event.amount + 1", "a condition must be true or false, this is a whole number", 1),
        ("event.marks", "a condition must be true or false, this is a list", 1),
    ],
)
def test_a_bad_condition_says_what_is_wrong_and_where(text: str, problem: str, line: int) -> None:
    """Unknown names, wrong types, syntax and answers that are neither true nor false are refused with their line."""
    with pytest.raises(BadCondition) as bad:
        CONDITIONS.compile(text)
    assert bad.value.problem.startswith(problem)
    assert str(bad.value) == bad.value.problem
    assert bad.value.line == line
    assert "\n" not in bad.value.problem


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("nothing == 1", 1),
        ("1 == 'x'", 3),
        ("true && (", 10),
        ("true &&\n  nothing == 1", 3),
    ],
)
def test_columns_count_from_one(text: str, column: int) -> None:
    """The first character of a line is in column 1."""
    with pytest.raises(BadCondition) as bad:
        Conditions({}).compile(text)
    assert bad.value.column == column


@modest
@examples(st.lists(st.one_of(st.none(), st.integers(-3, 3)), min_size=1, max_size=12))
def test_answers_do_not_depend_on_what_was_asked_before(ages: list[int | None]) -> None:
    """Remembered answers are the answers: a used condition says what a new one says."""
    used = CONDITIONS.compile("citizen.age > 0 || citizen.age < -2")
    for age in ages:
        values = {"citizen.age": age}
        assert used.holds(values) is CONDITIONS.compile(used.text).holds(values)


def test_memory_is_bounded() -> None:
    """However many combinations are asked, only so many answers are kept, and they stay right."""
    condition = CONDITIONS.compile("event.amount > 700")
    for amount in range(3 * Condition.REMEMBERED):
        assert condition.holds({"event.amount": amount}) is (amount > 700)
        assert len(condition._answers) <= Condition.REMEMBERED
    assert len(condition._answers) > 0


def test_lists_are_read_afresh() -> None:
    """A list is asked again each time, and is not kept."""
    condition = CONDITIONS.compile('"a" in event.marks')
    for marks in (["a"], ["b"], ["a"], []):
        assert condition.holds({"event.marks": marks}) is ("a" in marks)
    assert condition._answers == {}
