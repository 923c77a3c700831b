"""The names of what happens to a nudge, as people are told of it."""

from typing import Final

from domain.facts.facts import NudgeCancelled, NudgeFact, NudgeRescheduled
from domain.nudges.nudge import Nudge

FOUND_WRONG: Final = "found_wrong"
RIGHT_AFTER_ALL: Final = "right_after_all"
NO_FURTHER_ATTEMPT: Final = "no_further_attempt"
EVENT_CORRECTED: Final = "event_corrected"


def name_of(fact: NudgeFact, before: Nudge | None) -> str:
    """Return the name of a fact of a nudge, which stands as it was `before`: what was sent stays sent."""
    if before is not None and before.attempted:
        if isinstance(fact, NudgeCancelled):
            return FOUND_WRONG if before.maybe_sent and not before.waits else NO_FURTHER_ATTEMPT
        if isinstance(fact, NudgeRescheduled) and before.maybe_sent:
            return _put_right(fact, before)
    return fact.TOPIC.removeprefix("nudge-").removesuffix("/1")


def _put_right(fact: NudgeRescheduled, before: Nudge) -> str:
    """Return the name of a new plan for what was perhaps sent: it says something else now, or the same."""
    was = before.intent
    if (fact.due, fact.expires) != (was.due, was.expires) or (fact.cause != was.cause and not before.gone):
        return EVENT_CORRECTED
    return RIGHT_AFTER_ALL if before.gone else NO_FURTHER_ATTEMPT
