"""Values of the law that a nudge's words may read: parameters, amounts, and the period of an entitlement."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.core.events import Effective, LifeEvent
from domain.persons.history import History
from domain.persons.life_course import LifeCourse
from domain.planning.eligibility import BenefitCase
from domain.planning.plan import Intent
from domain.planning.starts import occurrence_of
from domain.rules.parameters import parameters_on
from domain.rules.rulebook import Rulebook
from domain.rules.triggers import Trigger


def law_values(intent: Intent, cause: LifeEvent, history: History, rulebook: Rulebook) -> dict[str, Any]:
    """Return dotted name -> value: as of the date of the event, amounts as of the first day if the benefit says so.

    What is about the person alone goes by the day on which the entitlement begins or ends. What has no value (no
    parameter on that day, an amount that needs a missing field) is absent.
    """
    catalogue = rulebook.catalogue
    trigger = rulebook.versions[intent.version].trigger
    kind = trigger.on if trigger.alone else cause.type
    benefits = [each for each in catalogue.benefits.values() if each.on == kind]
    if not benefits and not catalogue.parameters:
        return {}
    course = LifeCourse(history, rulebook)
    moment = moment_of(intent, cause, history, rulebook)
    day = moment.astimezone(course.zone(moment)).date()
    values: dict[str, Any] = dict(parameters_on(catalogue.parameters, day.isoformat()))
    if benefits:
        fact = None if trigger.alone else _counting(cause, history)
        amounts = {each.name: BenefitCase(each, fact, course).amount(moment) for each in benefits}
        values |= {f"benefit.{name}.amount": amount for name, amount in amounts.items() if amount is not None}
        values |= _entitled(trigger, intent, fact, course, rulebook)
    return values


def moment_of(intent: Intent, cause: LifeEvent, history: History, rulebook: Rulebook) -> datetime:
    """Return the time as of which the person and the law are read.

    It is that of the event, or of the gain or loss of an entitlement about the person alone. Where the entitlement is
    gone, it is that of the event that explained it.
    """
    trigger = rulebook.versions[intent.version].trigger
    if trigger.entitlement is None or not trigger.alone:
        return cause.time
    case = BenefitCase(trigger.entitlement.benefit, None, LifeCourse(history, rulebook))
    for number, _, edge in case.edges(becomes=trigger.entitlement.becomes):
        if intent.occurrence == _occurrence(intent, trigger, None, rulebook, number):
            return edge
    return cause.time


def _counting(cause: LifeEvent, history: History) -> Effective:
    found = (fact for fact in history.facts if fact.event.stream == cause.stream)
    return next(found, Effective(cause, cause.original))


def _entitled(
    trigger: Trigger, intent: Intent, fact: Effective | None, course: LifeCourse, rulebook: Rulebook
) -> dict[str, str]:
    """Return the entitlement that the nudge is about: that of its occurrence."""
    if trigger.entitlement is None:
        return {}
    case = BenefitCase(trigger.entitlement.benefit, fact, course)
    for number, period in enumerate(case.periods):
        if intent.occurrence == _occurrence(intent, trigger, fact, rulebook, number):
            return case.entitled_values(period)
    return {}


def _occurrence(
    intent: Intent, trigger: Trigger, fact: Effective | None, rulebook: Rulebook, number: int
) -> UUID | None:
    return occurrence_of(rulebook.names, intent.person, trigger, fact, number)
