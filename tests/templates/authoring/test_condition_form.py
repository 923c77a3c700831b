"""Conditions as rows: what is read as rows is written back as it was, and everything else is left alone."""

import pytest

from templates.authoring.condition_form import BadRow, Row, Rows, read_condition, written_condition

TYPES = {
    "event.kind": "string",
    "event.amount": "integer",
    "event.paid": "boolean",
    "event.issued_on": "date",
    "event.topics": "strings",
    "event.share": "number",
    "later.kind": "string",
    "later.issued_on": "date",
    "citizen.age": "integer",
}


@pytest.mark.parametrize(
    "text",
    [
        'event.kind == "passport" && citizen.age >= 9',
        'event.kind == "property" || event.kind == "land"',
        "later.kind == event.kind && later.issued_on > event.issued_on",
        '"work, offers" in event.topics',
        'event.kind.contains("a && b")',
        'event.issued_on < "1984-01-01"',
        "event.share > 1.5",
        "event.paid == true",
    ],
)
def test_what_rows_can_say_is_written_back_as_it_was(text: str) -> None:
    """Each field, operator and value of it, and the joint, survive."""
    rows = read_condition(text, TYPES)
    assert rows is not None
    assert written_condition(rows, TYPES) == text


@pytest.mark.parametrize(
    "text",
    [
        'event.kind == "a" && (citizen.age > 1 || event.paid)',
        'event.kind == "a" || event.paid && event.amount > 1',
        "size(event.kind) > 3",
        "event.amount * 2 > 5",
        'event.amount == "5"',
        "event.unknown == 1",
        "// why\nevent.paid",
        'event.kind == "a" ? true : false',
        'event.kind == "unfinished',
        "event.issued_on == event.amount",
    ],
)
def test_everything_else_stays_a_text(text: str) -> None:
    """Brackets, both joints, functions, remarks and mistakes cannot be shown as rows."""
    assert read_condition(text, TYPES) is None


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (Row("", "==", "x"), "field"),
        (Row("event.amount", "contains", "1"), "operator"),
        (Row("event.amount", ">", "ten"), "value"),
        (Row("event.issued_on", "<", "2025-02-30"), "value"),
        (Row("event.paid", "==", "maybe"), "value"),
        (Row("event.kind", "==", ""), "value"),
        (Row("event.kind", "==", 'say "x"'), "value"),
        (Row("event.kind", "==", "event.amount", of=True), "value"),
    ],
)
def test_a_row_that_makes_no_condition_names_what_is_wrong(row: Row, part: str) -> None:
    """The field, the operator or the value, and in which row."""
    with pytest.raises(BadRow) as bad:
        written_condition(Rows((Row("event.paid", "==", "true"), row)), TYPES)
    assert (bad.value.at, bad.value.part) == (1, part)
