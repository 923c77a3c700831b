"""Tells what happens in a rehearsal, a line for each fact."""

from datetime import datetime

from domain import facts
from domain.built_in import DIGEST
from domain.digest import is_digest
from domain.events import LifeEvent
from domain.facts import NudgeFact
from domain.nudge import Nudge
from streams.rehearsal_script import Decision


def told(now: datetime, nudge: Nudge, fact: NudgeFact, words: str, prevented: str | None) -> Decision:
    """A fact of a nudge, which is as after it; `prevented`: why the plan has it no longer."""
    what, until, reason = fact.TOPIC.removeprefix("nudge-").removesuffix("/1"), None, None
    match fact:
        case facts.NudgePlanned():
            until = fact.due
        case facts.NudgeCancelled():
            reason = prevented
        case facts.NudgeDeferred():
            until, reason = fact.until, fact.reason
        case facts.NudgeDigested():
            until, reason = fact.until, f"{fact.messages} messages in {fact.days} days"
        case facts.NudgeWithheld():
            reason = fact.reason
    channel = nudge.to(fact.recipient).channel if isinstance(fact, facts.NudgeSent) else None
    about = DIGEST if is_digest(nudge.intent) else nudge.intent.step
    return Decision(now, what, about, nudge.intent.id, until, reason, channel, words)


def revision(event: LifeEvent) -> str | None:
    """That it changes another event, and which."""
    if event.corrects is None:
        return None
    return f"{'annuls' if event.annuls else 'corrects'} {event.corrects}"
