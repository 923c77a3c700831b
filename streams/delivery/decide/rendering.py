"""Rendering a case: the text that its recipient reads, for each channel."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.nudges.settle import NotSentReason, Withhold
from domain.persons.hours import local_zone
from domain.persons.person import Person, citizen_values
from domain.planning.law import law_values
from domain.rules.event_types import NO_OFFICE
from domain.rules.rulebook import Defaults
from domain.rules.triggers import CORRECTION
from streams.delivery.decide.case import Case
from streams.rules.in_force import Rules
from templates.words.digest_words import render_digest
from templates.words.rendering import PLATFORM, Rendered, WordsFailed, context, placeholder_answer_url

AnswerUrl = Callable[[UUID, str, str], str]
"""Makes the link to answer a nudge, as its recipient, with a code."""


def render(
    case: Case, rules: Rules, now: datetime, answer_url: AnswerUrl | None = None, *, only: str | None = None
) -> Rendered:
    """Render a case in its recipient's language for all channels; with `answer_url`, its buttons can answer.

    `only`: leave out the text of other channels; a value that is missing there still raises.

    Raises:
        WordsFailed: a value is missing.
    """
    intent, defaults = case.nudge.intent, rules.defaults
    language = case.recipient.get("language") or defaults.language
    if case.members:
        members = [render(member, rules, now, answer_url) for member in case.members]
        return render_digest(language, members, rules.catalogue.offices.get(PLATFORM, NO_OFFICE))
    if case.cause is None:
        raise WordsFailed(intent.trigger, "event")
    zone = local_zone(case.recipient, defaults)
    about = _values(case.about, now, defaults)
    recipient = about if case.recipient is case.about else _values(case.recipient, now, defaults)
    values = context(
        _event_values(case, case.cause),
        about,
        recipient,
        intent.due.astimezone(zone),
        partial(law_values, intent, case.cause, case.history, rules.rulebook),
    )
    answer = (
        placeholder_answer_url if answer_url is None else partial(answer_url, intent.id, case.recipient.pseudonym)
    )
    return rules.renderers[intent.version].render(
        language, intent.step, values, correction=intent.step == CORRECTION, answer=answer, only=only
    )


def _event_values(case: Case, cause: LifeEvent) -> Mapping[str, Any]:
    """Return the event's values for templates: none if the trigger needs no event, as its cause only explains it."""
    return {} if case.settlement.trigger.alone else cause.values


def without_unrenderable(case: Case, rules: Rules, now: datetime) -> Case:
    """Return a digest without the members that cannot be rendered any more; any other case as it is."""
    if not case.members:
        return case
    failed = [member for member in case.members if not _has_words(member, rules, now)]
    going = tuple(member for member in case.members if member not in failed)
    withheld = (replace(member, decision=Withhold(NotSentReason.UNREADABLE)) for member in failed)
    decision = case.decision if going else Withhold(NotSentReason.NOTHING_LEFT)
    return replace(case, decision=decision, members=going, leaving=(*case.leaving, *withheld))


def _has_words(case: Case, rules: Rules, now: datetime) -> bool:
    try:
        render(case, rules, now)
    except WordsFailed:
        return False
    return True


def _values(person: Person, now: datetime, defaults: Defaults) -> dict[str, object]:
    return citizen_values(person.attributes, now, local_zone(person, defaults))
