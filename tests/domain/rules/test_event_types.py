from typing import Any

import pytest

from domain.rules.event_types import Field, Setting, event_type_of
from tests.domain.world import CATALOGUE, PERSON, PERSONS, event_type

BIRTH = {
    "type": "kz.civil.birth_registered",
    "title": {"en": "Birth"},
    "agency": "justice",
    "subject": "child",
    "data": {
        "type": "object",
        "properties": {
            "mother": PERSON,
            "witnesses": PERSONS,
            "born_on": {"type": "string", "format": "date"},
            "order": {"type": "integer", "x-of": "mother"},
            "weight": {"type": ["number", "null"]},
            "alive": {"type": "boolean", "x-of": "public"},
            "names": {"type": "array", "items": {"type": "string"}},
            "place": {
                "type": "object",
                "x-of": "public",
                "properties": {
                    "name": {"type": "string"},
                    "since": {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}},
                },
            },
        },
    },
    "sets": {"child": {"born_on": "event.born_on", "guardians": ["mother", "witnesses"], "alive": {"value": True}}},
}
MADE = event_type_of(BIRTH)


def test_persons_are_roles_and_the_rest_are_fields() -> None:
    """The subject and every national id are roles (of one person, or of several); everything else is a field."""
    assert MADE.roles == {"child": False, "mother": False, "witnesses": True}
    assert MADE.fields == {
        "born_on": Field("date", "child"),
        "order": Field("integer", "mother"),
        "weight": Field("number", "child"),
        "alive": Field("boolean", "public"),
        "names": Field("strings", "child"),
        "place.name": Field("string", "public"),
        "place.since.day": Field("date", "public"),
    }


def test_what_it_sets_is_a_path_a_list_of_roles_or_a_literal() -> None:
    """The three ways in which an event sets an attribute."""
    assert MADE.sets == {
        "child": (
            Setting("born_on", path="event.born_on"),
            Setting("guardians", roles=("mother", "witnesses")),
            Setting("alive", literal=True),
        ),
    }


def test_conditions_may_read_fields_single_roles_type_and_time() -> None:
    """A role of several persons is not one value, so no condition reads it."""
    assert MADE.variables() == {
        "born_on": "date",
        "order": "integer",
        "weight": "number",
        "alive": "boolean",
        "names": "strings",
        "place.name": "string",
        "place.since.day": "date",
        "child": "string",
        "mother": "string",
        "type": "string",
        "time": "instant",
    }


def test_an_area_event_names_nobody() -> None:
    """An event about an area has no subject, and what it says is public."""
    storm = CATALOGUE.types["weather.storm"]
    assert (storm.subject, storm.roles, storm.area) == (None, {}, "event.area")
    assert storm.fields == {"area": Field("string", "public"), "wind": Field("integer", "public")}


@pytest.mark.parametrize(("content", "ends"), [({}, False), ({"ends_life": True, "sets": None}, True)])
def test_what_is_not_said_is_nothing(content: dict[str, Any], *, ends: bool) -> None:
    """A type ends no life and sets nothing unless it says so."""
    made = event_type("person.died", "citizen", {}, **content)
    assert (made.ends_life, made.sets, made.area) == (ends, {}, None)


def test_the_attributes_of_a_person_have_an_age() -> None:
    """Conditions read the attributes under `citizen.`, and the age that follows from the birth date."""
    variables = CATALOGUE.citizen_variables()
    assert variables["citizen.age"] == "integer"
    assert variables.keys() == {"citizen.age", *(f"citizen.{name}" for name in CATALOGUE.attributes)}
