"""Entitlements as plain data, the same for the command and for an assistant."""

from datetime import date, datetime
from typing import Any

from app.compose import Platform
from domain.core.events import Effective
from domain.persons.history import History
from domain.persons.life_course import LifeCourse
from domain.planning.eligibility import eligibility
from domain.planning.entitlement_answers import Answer, Obstacle
from domain.rules.event_types import Catalogue
from streams.planning import histories


def entitlements(
    platform: Platform, person: str, day: date | None = None, known_at: datetime | None = None
) -> tuple[date, History, list[Answer]]:
    """Return the day (by default today where the person lives), the history, and the answer about each benefit.

    `known_at`: only what was recorded by then counts; None: all that is known now.
    """
    now = platform.clock()
    rulebook = platform.rules.library.rules().rulebook
    with platform.database.reading() as connection:
        history = histories.own_history(connection, platform.log, person, rulebook, known_at or now)
    asked = day or now.astimezone(LifeCourse(history, rulebook).zone(now)).date()
    return asked, history, eligibility(history, rulebook, asked) if history.facts else []


def answer_data(answer: Answer, catalogue: Catalogue, day: date, known_at: datetime) -> dict[str, Any]:
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
            name: {"value": applied.value, "since": applied.since, "source": law_of(catalogue, name)}
            for name, applied in answer.parameters.items()
        },
        "used": answer.used,
        "facts": [_fact(each) for each in answer.facts],
    }


def law_of(catalogue: Catalogue, parameter: str) -> str:
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
