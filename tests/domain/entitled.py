"""The small country's law: an index, benefits, and triggers on becoming entitled and ceasing to be."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.persons.history import history_of
from domain.planning.eligibility import eligibility
from domain.planning.entitlement_answers import Answer
from domain.rules.benefit_compiling import with_benefits
from domain.rules.event_types import PERSON, Catalogue
from domain.rules.parameters import parameter_of
from domain.rules.rulebook import Rulebook, Version
from domain.rules.trigger_compiling import compile_trigger
from tests.domain.given import DEFAULTS, Planned, rules
from tests.domain.world import CATALOGUE, NAMES, SAULE, at, event

INDEX = {
    "title": {"en": "Index"},
    "source": "Budget",
    "values": {"2024-01-01": 100, "2025-01-01": 110, "2026-01-01": 130},
}
ALLOWANCE: Mapping[str, Any] = {
    "title": {"en": "Allowance"},
    "agency": "justice",
    "clause": "art. 7",
    "on": "civil.born",
    "to": "mother",
    "from": "event.born_on",
    "until": {"from": "event.born_on", "offset": "P1Y"},
    "conditions": [
        {
            "id": "resident",
            "when": 'citizen.area.startsWith("75")',
            "title": {"en": "Lives in the city"},
            "clause": "art. 8",
        },
    ],
    "unless": [{"on": "paper.issued", "when": 'later.kind == "allowance"'}],
    "amount": "event.order <= 3 ? 38 * param.index : 63 * param.index",
}
PENSION: Mapping[str, Any] = {
    "title": {"en": "Pension"},
    "agency": "justice",
    "clause": "art. 9",
    "on": PERSON,
    "from": {"from": "citizen.born_on", "offset": "P63Y"},
    "amount": "1.5 * double(param.index)",
    "amount_as_of": "asked",
}


def law(**benefits: Mapping[str, Any]) -> Catalogue:
    """The small country with these benefits."""
    return with_benefits(replace(CATALOGUE, parameters={"index": parameter_of(INDEX)}), benefits)


def born(
    order: int = 1, *, born_on: str = "2025-03-10", time: str = "2025-03-12 11:00", event_id: str = "birth"
) -> LifeEvent:
    """Saule has a child."""
    return event("civil.born", time, event_id, {"child": "dana", "mother": SAULE}, born_on=born_on, order=order)


def lives(area: str = "750000000", time: str = "2024-01-01", event_id: str = "lives") -> LifeEvent:
    """Saule moves into an area: 75 is the city."""
    return event("person.moved", time, event_id, {"citizen": SAULE}, area=area)


def granted(time: str, event_id: str = "granted") -> LifeEvent:
    """Saule gets the paper that grants the allowance."""
    return event("paper.issued", time, event_id, {"holder": SAULE}, kind="allowance")


def answers(*recorded: LifeEvent, day: str, to: str = SAULE, benefit: Mapping[str, Any] = ALLOWANCE) -> list[Answer]:
    """What these facts entitle to on a day, by this benefit."""
    catalogue = law(benefit=benefit)
    history = history_of(to, recorded, catalogue)
    return eligibility(history, Rulebook(catalogue, DEFAULTS, NAMES), date.fromisoformat(day))


def answer(*recorded: LifeEvent, day: str, benefit: Mapping[str, Any] = ALLOWANCE) -> Answer:
    """The only answer."""
    [found] = answers(*recorded, day=day, benefit=benefit)
    return found


def turning(
    *recorded: LifeEvent,
    on: str | Mapping[str, str],
    due: Mapping[str, Any] | None = None,
    benefit: Mapping[str, Any] = ALLOWANCE,
    **more: Any,
) -> Planned:
    """What Saule hears by a trigger on that edge of her entitlement, or on an event under the same law."""
    catalogue = law(allowance=benefit)
    content = {**rules("", due or {"now": {"at": "10:00"}}, **more), "on": on}
    trigger = compile_trigger("told", content, catalogue)
    version = Version(trigger, "told@1", 1, at("1990-01-01"), at("2020-01-01"))
    return Planned(history_of(SAULE, recorded, catalogue), Rulebook(catalogue, DEFAULTS, NAMES, [version]))
