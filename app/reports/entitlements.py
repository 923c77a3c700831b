"""Entitlements as plain data, the same for the command and for an assistant."""

from datetime import date, datetime
from typing import Any

from domain.core.events import Effective
from domain.planning.entitlement_answers import Answer, Obstacle
from domain.rules.event_types import Catalogue


def plain(answer: Answer, catalogue: Catalogue, day: date, known_at: datetime) -> dict[str, Any]:
    """Return the answer as of that day and as known then, with everything that it follows from."""
    benefit = answer.benefit
    return {
        "benefit": benefit.name,
        "title": benefit.title,
        "agency": benefit.agency,
        "as_of": day,
        "known_at": known_at,
        "entitled": answer.entitled,
        "clause": benefit.clause,
        "amount": answer.amount,
        "per": benefit.per,
        "from": answer.start,
        "until": answer.until,
        "about": None if answer.about is None else _fact(answer.about),
        "why_not": [_obstacle(each) for each in answer.obstacles],
        "parameters": {
            name: {"value": applied.value, "since": applied.since, "source": source(catalogue, name)}
            for name, applied in answer.parameters.items()
        },
        "used": answer.used,
        "facts": [_fact(each) for each in answer.facts],
    }


def source(catalogue: Catalogue, parameter: str) -> str:
    """Return the law that sets a parameter."""
    return str(catalogue.parameters[parameter].content["source"])


def _fact(fact: Effective) -> dict[str, Any]:
    event = fact.event
    return {"type": event.type, "time": event.time, "source": event.source, "id": fact.original_id}


def _obstacle(each: Obstacle) -> dict[str, Any]:
    found: dict[str, Any] = {"why": each.why.value, "day": each.day}
    if each.requirement is not None:
        required = each.requirement
        found |= {
            "condition": required.id,
            "title": required.title,
            "clause": required.clause,
            "unknown": each.unknown,
        }
    return found if each.fact is None else found | {"fact": _fact(each.fact)}
