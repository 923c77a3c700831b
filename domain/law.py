"""What the words of a nudge may say of the law: parameters, amounts, and from when to when somebody is entitled."""

from typing import Any

from domain.course import Course
from domain.eligibility import Case, entitled_values
from domain.events import Effective, LifeEvent
from domain.history import History
from domain.parameters import parameters_on
from domain.plan import Intent
from domain.rulebook import Rulebook
from domain.starts import occurrence_of
from domain.timing import zone_or
from domain.triggers import Trigger


def law_values(intent: Intent, cause: LifeEvent, history: History, rulebook: Rulebook) -> dict[str, Any]:
    """Dotted name -> value: all as of the date of the event, amounts as of the first day where the benefit says so.

    What has no value (no parameter on that day, an amount that needs a missing field) is absent.
    """
    catalogue = rulebook.catalogue
    trigger = rulebook.versions[intent.version].trigger
    benefits = [each for each in catalogue.benefits.values() if each.on == cause.type]
    if not benefits and not catalogue.parameters:
        return {}
    course = Course(history, rulebook) if benefits else None
    zone = course.zone(cause.time) if course else zone_or(None, rulebook.defaults.zone)
    values: dict[str, Any] = dict(parameters_on(catalogue.parameters, cause.time.astimezone(zone).date().isoformat()))
    if course is not None:
        fact = _counting(cause, history)
        amounts = {each.name: Case(each, fact, course).amount(cause.time) for each in benefits}
        values |= {f"benefit.{name}.amount": amount for name, amount in amounts.items() if amount is not None}
        values |= _entitled(trigger, intent, fact, course, rulebook)
    return values


def _counting(cause: LifeEvent, history: History) -> Effective:
    found = (fact for fact in history.facts if fact.event.stream == cause.stream)
    return next(found, Effective(cause, cause.original))


def _entitled(
    trigger: Trigger, intent: Intent, fact: Effective, course: Course, rulebook: Rulebook
) -> dict[str, str]:
    """The entitlement that the nudge is about: that of its occurrence."""
    if trigger.turn is None:
        return {}
    case, zone = Case(trigger.turn.benefit, fact, course), course.zone(fact.event.time)
    for number, period in enumerate(case.periods()):
        if intent.occurrence == occurrence_of(rulebook.names, intent.person, trigger, fact, number):
            return entitled_values(period, zone)
    return {}
