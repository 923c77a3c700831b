"""The packs' SMS: each carries its office and its code, and costs no more for it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache, partial
from typing import Any, NamedTuple

import pytest

from domain.core.sms import segments
from domain.rules.benefit_compiling import starts_on
from domain.rules.event_types import Catalogue
from domain.rules.steps import named
from domain.rules.triggers import CORRECTION
from templates.checks.loader import Pack, TriggerSource, shipped
from templates.checks.sample_events import law_variables
from templates.checks.sample_values import AHEAD, Inventor, flat
from templates.reading.catalogue import catalogue_of
from templates.words.rendering import SHORT, Rendered, Renderer, context
from tests.beginnings import packs_in

LONG_DAY = date(2026, 9, 24)
"""Long to write out in all languages of the packs."""
MOMENT = datetime(2026, 9, 24, 9, tzinfo=UTC)
USUAL: Mapping[str, Any] = {
    "date": LONG_DAY.isoformat(),
    "instant": MOMENT,
    "integer": 432_500,
    "number": 4325.0,
    "boolean": True,
    "strings": (),
    "string": "Text",
}
OPEN = {"event.choices": "1 К (Жұмыс); 1 Б (Оқу)", "event.grades": "1–11"}
"""Texts as long as they are, where the schema says nothing."""
CHILD, ADULT = 10, 40


class Said(NamedTuple):
    """An SMS of a trigger, in a language, to whom it concerns or to their parent."""

    where: str
    source: TriggerSource
    language: str
    short: Rendered


@cache
def packs() -> Sequence[Pack]:
    """All that is shipped."""
    return packs_in(shipped())


@cache
def catalogue() -> Catalogue:
    """What they declare."""
    return catalogue_of([pack.content for pack in packs()])


def said(age: int) -> Iterator[Said]:
    """Every SMS of the packs with long values, about somebody of that age."""
    for source in (each for pack in packs() for each in pack.triggers):
        renderer = Renderer(source.words, source.rules, offices=catalogue().offices)
        due = source.rules["due"]
        steps = [*due, *(named(step, 2) for step, each in due.items() if each and "repeat" in each)]
        steps += [CORRECTION] if source.rules.get(CORRECTION) else []
        for language in source.words:
            values = _values(source, language, age)
            for step in steps:
                short = renderer.render(language, step, values, correction=step == CORRECTION, only=SHORT)
                yield Said(f"{source.name}/{language}/{step}", source, language, short)


def _values(source: TriggerSource, language: str, age: int) -> Mapping[str, Any]:
    on = source.rules["on"]
    type_ = catalogue().kinds[str(starts_on(on, catalogue()))]
    event = flat(
        Inventor(LONG_DAY - AHEAD, person=str, pick=partial(max, key=lambda each: len(str(each)))).data(type_.schema)
    )
    event |= {f"event.{name}": USUAL[kind] for name, kind in type_.variables().items() if kind == "date"}
    longest = max((each.rules["title"][language] for pack in packs() for each in pack.triggers), key=len)
    event |= {name: text for name, text in {**OPEN, "event.topic": longest}.items() if name in event}
    person = {name: USUAL[kind] for name, kind in catalogue().citizen_variables().items()} | {"citizen.age": age}
    law = {name: USUAL[kind] for name, kind in law_variables(on, catalogue()).items()}
    return context(event, person, person, MOMENT, lambda: law)


@pytest.mark.parametrize("age", [CHILD, ADULT])
def test_office_and_code_cost_no_part(age: int) -> None:
    """With long values, too, an SMS with its office and its code goes in as many parts as its words alone."""
    assert {
        each.where: each.short.signed()
        for each in said(age)
        if len(segments(each.short.signed()).parts) > len(segments(each.short.sms).parts)
    } == {}


def test_each_names_its_office() -> None:
    """Each says who sends it, in its language; only what must not be read over a shoulder does not."""
    for each in said(ADULT):
        office = catalogue().offices[each.source.rules["owner"]].short[each.language]
        named_ = not each.source.rules.get("discreet")
        last = each.short.signed().splitlines()[-1]
        assert last.startswith(f"{office} " if named_ else ("Код: ", "Code: ")), each.where
