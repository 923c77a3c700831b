"""The words of a case: what its recipient reads, in all channels."""

from datetime import datetime

from domain.law import law_values
from domain.person import Person, citizen_values
from domain.timing import zone_or
from domain.triggers import CORRECTION
from streams.library import Rules
from streams.settling import Case
from templates.render import Rendered, WordsFailed, context


def render(case: Case, rules: Rules, now: datetime) -> Rendered:
    """The words of a case in its recipient's language, all channels.

    Raises:
        WordsFailed: a value is missing.
    """
    intent, defaults = case.nudge.intent, rules.defaults
    if case.cause is None:
        raise WordsFailed(intent.trigger, "event")
    zone = zone_or(case.recipient.get("zone"), defaults.zone)
    values = context(
        case.cause.values, _values(case.about, now, defaults.zone), _values(case.recipient, now, defaults.zone),
        intent.due.astimezone(zone), law_values(intent, case.cause, case.history, rules.rulebook),
    )  # fmt: skip
    language = case.recipient.get("language") or defaults.language
    return rules.renderers[intent.version].render(language, intent.step, values, correction=intent.step == CORRECTION)


def _values(person: Person, now: datetime, zone: str) -> dict[str, object]:
    return citizen_values(person.attributes, now, zone_or(person.get("zone"), zone))
