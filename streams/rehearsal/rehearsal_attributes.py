"""Check the attributes of a case's persons at the start: some event must be able to set each value."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from zoneinfo import available_timezones

import jsonschema_rs

from domain.core.timing import zone_or
from domain.persons.channels import ADDRESS_OF as CHANNELS
from domain.rules.event_types import Catalogue
from streams.intake.validation import reason_of
from streams.rehearsal.case_events import Notes
from streams.rehearsal.case_model import PERSON
from streams.rehearsal.rehearsal_stage import Stage
from templates.checks.pattern_samples import example
from templates.reading.attributes import KINDS, is_of
from templates.reading.yaml_file import Path as At

_NOWHERE = "UTC"


class AttributeChecker:
    """Reports attributes that no event of these packs could set."""

    def __init__(self, stage: Stage, notes: Notes) -> None:
        self._notes, self._categories = notes, stage.categories
        self._languages, self._catalogue = stage.defaults.languages, stage.catalogue

    def check(self, where: At, attributes: Mapping[str, Any]) -> None:
        """Report wrong attributes of a person; null means unknown and is allowed."""
        known = self._catalogue.attributes
        for name, value in attributes.items():
            path: At = (*where, name)
            if name not in known:
                self._notes.unknown(path, "attribute", name, known, key=True)
            elif value is not None and not is_of(known[name], value):
                self._notes.wrong(path, f"{name} must be {KINDS[known[name]][1]}")
            elif value is not None:
                self._check_value(path, name, value)

    def _check_value(self, path: At, name: str, value: Any) -> None:  # noqa: ANN401  (anything that a file may hold)
        match name:
            case "language":
                self._check_names([(path, value)], "language of the packs", self._languages)
            case "zone":
                known = (value,) if zone_or(value, _NOWHERE).key == value else available_timezones()
                self._check_names([(path, value)], "time zone", known)
            case "channels":
                self._check_names(_entries(path, value), "channel", CHANNELS)
            case "opted_out" | "consents":
                self._check_categories(path, value, of_a_channel=name == "opted_out")
            case "guardians" if not all(re.fullmatch(PERSON, each) for each in value):
                self._notes.wrong(path, "guardians are named as in $mother")
            case _:
                self._check_as_set(path, name, value)

    def _check_names(self, given: Iterable[tuple[At, str]], what: str, known: Iterable[str]) -> None:
        for path, each in given:
            if each not in known:
                self._notes.unknown(path, what, each, known)

    def _check_categories(self, path: At, value: list[str], *, of_a_channel: bool) -> None:
        """Check categories; a refusal may also name one channel of a category (health/sms)."""
        for at, each in _entries(path, value):
            category, slash, channel = each.partition("/") if of_a_channel else (each, "", "")
            self._check_names([(at, category)], "category of these packs' triggers", self._categories)
            self._check_names([(at, channel)] if slash else (), "channel", CHANNELS)

    def _check_as_set(self, path: At, name: str, value: Any) -> None:  # noqa: ANN401  (anything that a file may hold)
        """Check the value against the schemas of the fields that set the attribute; one that fits is enough."""
        allowed = [*_settings(self._catalogue, name)]
        errors = [error for each in allowed if (error := _error(each, value)) is not None]
        if errors and len(errors) == len(allowed):
            options = [one for each in allowed for one in each.get("enum", ()) if isinstance(one, str)]
            if options:
                self._check_names([(path, value)], f"value of {name}", options)
            else:
                self._notes.wrong(path, f"{name} {_reason(allowed[0], errors[0])}")


def _entries(path: At, values: Iterable[str]) -> Iterator[tuple[At, str]]:
    return (((*path, at), each) for at, each in enumerate(values))


def _settings(catalogue: Catalogue, attribute: str) -> Iterator[dict[str, Any]]:
    """Yield the schema of each field that sets the attribute; one that is set otherwise allows everything."""
    for type_ in catalogue.types.values():
        for setting in (each for settings in type_.sets.values() for each in settings if each.attribute == attribute):
            if setting.path is None:
                yield {}
                continue
            schema: Any = type_.schema
            for name in setting.path.removeprefix("event.").split("."):
                schema = schema.get("properties", {}).get(name, {})
            yield dict(schema)


def _error(schema: dict[str, Any], value: Any) -> jsonschema_rs.ValidationError | None:  # noqa: ANN401  (plain data)
    found = jsonschema_rs.iter_errors(schema, value, validate_formats=True, ignore_unknown_formats=True)
    return next(iter(found), None)


def _reason(schema: Mapping[str, Any], error: jsonschema_rs.ValidationError) -> str:
    like = example(schema["pattern"]) if "pattern" in schema else None
    return reason_of(error) if like is None else f"is written as in {like!r}"
