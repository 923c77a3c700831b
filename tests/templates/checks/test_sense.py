"""What is said of conditions by going through the values that a schema allows, and what samples are made of."""

import re
from datetime import date
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conditions.language import Conditions
from domain.conditions.pattern_cost import validator_of
from domain.rules.event_types import EventType, event_type_of
from templates.checks.loader import shipped
from templates.checks.pattern_samples import example
from templates.checks.possible_values import constant_answer
from templates.checks.sample_values import Inventor
from tests.beginnings import packs_in

TYPE: EventType = event_type_of(
    {
        "type": "town.card",
        "title": {},
        "agency": "a",
        "subject": "reader",
        "data": {
            "type": "object",
            "required": ["kind", "number"],
            "properties": {
                "kind": {"type": "string", "enum": ["child", "adult"]},
                "number": {"type": "string"},
                "old": {"type": "boolean"},
            },
        },
    }
)
VARIABLES = {f"event.{name}": kind for name, kind in TYPE.variables().items()} | {
    f"later.{name}": kind for name, kind in TYPE.variables().items()
}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("true", True),
        ("1 > 2", False),
        ('event.kind == "adult"', None),
        ('event.kind == "adlut"', False),
        ('event.kind in ["child", "adult"]', True),
        ('event.kind == "adlut" && event.number == "1"', False),
        ('event.kind != "adlut" || event.number == "1"', True),
        ('event.number == "1"', None),
        ("event.old || !event.old", None),
        ("event.old && !event.old", False),
        ('event.type == "town.card"', True),
        ('later.kind == "adlut"', False),
        ("later.kind != event.kind || later.kind == event.kind", True),
    ],
)
def test_a_condition_that_no_event_decides(text: str, answer: bool | None) -> None:  # noqa: FBT001  (what is expected)
    """Only what holds or fails for every event of the type is said to; a field that may be absent is no surety."""
    assert constant_answer(Conditions(VARIABLES).compile(text), TYPE, TYPE) is answer


@pytest.mark.parametrize(
    "pattern",
    [
        "^[0-9]{9}$",
        r"^\+[1-9][0-9]{6,14}$",
        "^([01][0-9]|2[0-3]):[0-5][0-9]$",
        "^[a-z][a-z0-9_]*$",
        "^(a|b)c?d+$",
        r"^\d{3}-\w{2}$",
        "^KZ[A-Z]{2}[0-9]+$",
        "^[A-Za-z][A-Za-z0-9_+/-]*$",
        "abc",
        "^(?:x|y)$",
    ],
)
def test_an_example_of_a_pattern(pattern: str) -> None:
    """The example matches."""
    made = example(pattern)
    assert made is not None
    assert re.search(pattern, made)


@given(st.text(alphabet="ab01^$()[]{}|?*+\\d,", max_size=12))
def test_no_pattern_is_too_strange(pattern: str) -> None:
    """Whatever the pattern, an example matches it as events are checked, or there is none."""
    made = example(pattern)
    assert made is None or validator_of({"pattern": pattern}).is_valid(made)


def _types() -> list[dict[str, Any]]:
    return [event for pack in packs_in(shipped()) for event in pack.content["events"]]


@pytest.mark.parametrize("event", _types(), ids=lambda event: event["type"])
@pytest.mark.parametrize("optional", [True, False])
def test_invented_data_fits_its_schema(event: dict[str, Any], *, optional: bool) -> None:
    """For each shipped event type the data is valid, with and without what is optional."""
    data = Inventor(date(2026, 3, 1)).data(event["data"], optional=optional)
    schema = {key: value for key, value in event["data"].items() if optional or key != "minProperties"}
    assert [error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(data)] == []
