"""What the shipped rules cost where one person has many events."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.persons.history import history_of
from domain.planning.plan import whole_plan
from domain.rules.event_types import Catalogue
from domain.rules.rulebook import Rulebook, Version
from domain.rules.trigger_compiling import compile_trigger
from domain.rules.triggers import Trigger
from templates.checks.loader import shipped
from templates.checks.sample_values import Inventor
from templates.reading.catalogue import catalogue_of, defaults_of
from tests.beginnings import packs_in

PACKS = packs_in([path for path in shipped() if path.name in ("citizen", "kz")])
CATALOGUE = catalogue_of([pack.content for pack in PACKS])
DEFAULTS = defaults_of([pack.content for pack in PACKS])
NAMES = Names(b"a key of this test")
LONG_AGO = datetime(2010, 1, 1, tzinfo=UTC)
PERSON = "aigerim"
TRIGGERS = {source.name: source for pack in PACKS for source in pack.triggers}


def types_of(trigger: Trigger, catalogue: Catalogue) -> list[str]:
    """The event types that the trigger starts on, is ended by, or needs, in some order."""
    found = [trigger.on, *(unless.on for unless in trigger.unless)]
    found += [each.on for each in (trigger.needs.together if trigger.needs else ())]
    if trigger.entitlement is not None:
        found += [trigger.entitlement.benefit.on, *sorted(trigger.entitlement.benefit.had_by)]
    return [name for name in dict.fromkeys(found) if name in catalogue.types]


def lives(trigger: Trigger, number: int, *, alike: bool) -> Iterator[LifeEvent]:
    """So many events of each type, an hour apart; `alike`: their values are the same but for the dates."""
    for place, name in enumerate(types_of(trigger, CATALOGUE)):
        type_ = CATALOGUE.types[name]
        for at in range(number):
            chance = random.Random(at)  # noqa: S311  (a seeded test)
            data = Inventor(date(2010, 1, 1), pick=(lambda values: values[0]) if alike else chance.choice).data(
                type_.schema
            )
            fields: dict[str, dict[str, object]] = {}
            for path, field in type_.fields.items():
                if field.type == "date":
                    data[path] = (date(2010, 1, 1) + timedelta(days=at)).isoformat()
                elif field.type == "string" and not alike and "enum" not in type_.schema["properties"][path]:
                    data[path] = f"{at}"
                fields.setdefault(field.owner, {})[path] = data[path]
            yield LifeEvent(
                stream=NAMES.stream("registry", f"{name} {at}"),
                source="registry",
                id=f"{name} {at:05}",
                type=name,
                time=LONG_AGO + timedelta(hours=at + 30 * place),
                persons={role: (PERSON if role == type_.subject else f"{role} {at}",) for role in type_.roles},
                fields=fields,
            )


@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("name", TRIGGERS)
def test_a_shipped_rule_costs_no_square_of_a_persons_events(name: str, *, alike: bool) -> None:
    """Each event is looked at a few times beside others, however many of them a person has."""
    trigger = compile_trigger(name, TRIGGERS[name].rules, CATALOGUE)
    if not types_of(trigger, CATALOGUE):
        return
    book = Rulebook(CATALOGUE, DEFAULTS, NAMES, [Version(trigger, name, 1, LONG_AGO, LONG_AGO)])
    events = list(lives(trigger, 60, alike=alike))
    history = history_of(PERSON, events, CATALOGUE)
    whole_plan(history, book, most=len(trigger.unless or (1,)) * 3 * len(events))
