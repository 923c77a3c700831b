"""Completions that are reported after the nudge had gone: noted on the nudge, and taken back with their report."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain.facts.facts import NudgeCancelled, NudgeDone, NudgeRescheduled, NudgeUndone
from domain.nudges.diff import Change
from domain.nudges.nudge import Nudge
from domain.planning.plan import Plan


def completion_changes(
    plan: Plan, nudges: Mapping[UUID, Nudge], changes: Sequence[Change], now: datetime
) -> Iterator[Change]:
    """Yield the facts that say what the plan knows to be done, of nudges that had gone by then; after these changes.

    Of what the plan has no longer nothing is said; nor is anything taken back where something is retired.
    """
    for id_, nudge in nudges.items():
        done_at = plan.done.get(id_)
        if done_at is None and (not nudge.done or not _has(plan, id_)):
            continue
        if nudge.done and plan.closed:
            continue  # what it was noted by may be retired
        version = nudge.version + sum(change.nudge == id_ for change in changes)
        for number, fact in enumerate(_facts(nudge, done_at, now), 1):
            yield Change(id_, version + number, fact)


def is_note(change: Change, nudge: Nudge | None) -> bool:
    """Return True if the change only tells a nudge that was sent what the plan says of it; older logs lack that."""
    ended = nudge is not None and nudge.maybe_sent and not nudge.waits
    was_gone = nudge is not None and nudge.gone
    match change.fact:
        case NudgeRescheduled(moot_from=moot_from, cause=cause, due=due):
            corrected = nudge is not None and (nudge.intent.cause != cause or nudge.intent.due != due)
            return ended and (moot_from is not None or was_gone or corrected)
        case NudgeCancelled():
            return ended
        case fact:
            return type(fact) is NudgeDone  # not NudgeUndone, which takes back what is wrong


def _has(plan: Plan, nudge: UUID) -> bool:
    return nudge in plan.needless or any(intent.id == nudge for intent in plan.intents)


def _facts(nudge: Nudge, done_at: datetime | None, now: datetime) -> Iterator[NudgeDone]:
    noted = {one.recipient: one for one in nudge.done}
    for delivery in nudge.deliveries:
        was = noted.get(delivery.recipient)
        if was is not None and was.done_at == done_at:
            continue
        if was is not None:
            yield NudgeUndone(now, was.recipient, was.attempt, was.done_at)
        if done_at is not None and (attempt := delivery.last_gone_by(done_at)) is not None:
            yield NudgeDone(now, delivery.recipient, attempt, done_at)
