"""What the law says to invented people, for previews: parameters, amounts, and an entitlement."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from domain.benefits import Benefit
from domain.event_types import PERSON, Catalogue
from domain.parameters import parameters_on
from domain.triggers import Trigger

Values = Mapping[str, Any]


def law_of(trigger: Trigger, values: Values, catalogue: Catalogue, today: date, zone: ZoneInfo) -> dict[str, Any]:
    """What words and conditions read of the law, if the event happens today with these values.

    An entitlement begins today at the earliest, and ends by its own date; one about the person alone may be over.
    """
    law: dict[str, Any] = dict(parameters_on(catalogue.parameters, today.isoformat()))
    if trigger.turn is not None:
        law |= _entitled(trigger.turn.benefit, values, today, zone)
    amounts = {
        benefit.name: _amount(benefit, {**values, **law}, catalogue, zone)
        for benefit in catalogue.benefits.values()
        if benefit.on == trigger.on
    }
    return law | {f"benefit.{name}.amount": amount for name, amount in amounts.items() if amount is not None}


def _entitled(benefit: Benefit, values: Values, today: date, zone: ZoneInfo) -> dict[str, str]:
    start = benefit.start.day(values, zone) if benefit.start else today
    until = benefit.until.day(values, zone) if benefit.until else None
    if benefit.on == PERSON and until is not None and until <= today:
        return {}  # who they are has ended it already: nothing will turn today
    edges = {"entitled.from": start and max(start, today), "entitled.until": until}
    return {name: day.isoformat() for name, day in edges.items() if day is not None}


def _amount(benefit: Benefit, values: Values, catalogue: Catalogue, zone: ZoneInfo) -> int | None:
    if benefit.amount is None:
        return None
    first = None if benefit.as_of_asked or benefit.start is None else benefit.start.day(values, zone)
    law = parameters_on(catalogue.parameters, first.isoformat()) if first else {}
    return benefit.amount.tenge({**values, **law})
