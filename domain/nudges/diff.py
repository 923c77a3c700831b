"""The diff: from the planned nudges and the stored ones, the facts that make them agree."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import replace

from domain.facts.facts import NudgeCancelled, NudgeFact, NudgePlanned, NudgeRescheduled
from domain.nudges.digest import is_digest
from domain.nudges.nudge import Nudge, content_of
from domain.planning.plan import Intent, Plan
from domain.rules.rulebook import Rulebook
from domain.rules.triggers import CORRECTION, EXPIRES_AFTER


class Change(NamedTuple):
    """A fact to append to a nudge's stream, at the version that follows its last."""

    nudge: UUID
    version: int
    fact: NudgeFact


def diff(plan: Plan, nudges: Mapping[UUID, Nudge], rulebook: Rulebook, now: datetime) -> list[Change]:
    """Return the facts that bring a person's nudges to the plan: planned, rescheduled, cancelled, or put right.

    New → planned; changed → rescheduled; gone and not attempted → cancelled; gone but perhaps read → a correction,
    where the trigger has words for it; back after cancelling → planned again; once perhaps sent, never planned again,
    but no further attempt is made once it was wrong or the thing itself was done, not even if it bounces later.
    Perhaps sent, and its event was corrected or its date moved → no second message for that. If it fails or stays
    silent, the next attempt says what holds now; where the new due time is still to come, what has failed is planned
    anew for it, and no other attempt follows.
    What was sent and is needless now (done in time, ended by a death, behind what a new version looks at) was not
    wrong: no correction. What is on its way or failed is not tried again once it is gone. A digest is in no plan.
    What the plan leaves stays as it is.
    """
    if not nudges:
        return [_planned(intent, None, now) for intent in plan.intents]
    wanted = {intent.id: intent for intent in plan.intents if not _spoke_once(intent, plan, nudges, rulebook)}
    nudges = {
        id_: nudge
        for id_, nudge in nudges.items()
        if not is_digest(nudge.intent) and (id_ in wanted or not plan.leaves(nudge.intent))
    }
    corrections = _corrections(plan.needless.union(wanted), nudges, rulebook, now)
    gone = [nudge for id_, nudge in nudges.items() if id_ not in wanted and id_ not in corrections]
    changes = [_change_to(intent, nudges.get(intent.id), plan, now) for intent in wanted.values()]
    changes += [_correcting(intent, nudges.get(intent.id), now) for intent in corrections.values()]
    changes += [_change_of_unplanned(nudge, plan, rulebook, now) for nudge in gone if not nudge.gone]
    return [change for change in changes if change is not None]


def _spoke_once(intent: Intent, plan: Plan, nudges: Mapping[UUID, Nudge], rulebook: Rulebook) -> bool:
    """Return True for a nudge of a once-only trigger whose event's content is retired by now."""
    if not plan.closed or (nudge := nudges.get(intent.id)) is None or nudge.intent.cause not in plan.closed:
        return False
    return rulebook.version(intent.version).trigger.once


def _change_to(intent: Intent, nudge: Nudge | None, plan: Plan, now: datetime) -> Change | None:
    if nudge is None or nudge.cancelled:
        return _planned(intent, nudge, now)
    if nudge.maybe_sent:
        return _after_sending(intent, nudge, plan, now)
    if nudge.intent == intent:
        return None
    moved = _is_later(intent, nudge.intent, now) if nudge.attempted else _moved(intent, nudge.intent)
    return _rescheduled(intent, nudge, now) if nudge.waits or moved else None


def _after_sending(intent: Intent, nudge: Nudge, plan: Plan, now: datetime) -> Change | None:
    """Bring a nudge that was perhaps sent to what the plan says now: another attempt may yet follow."""
    bounces = nudge.may_bounce(now)
    if nudge.gone and bounces:
        return _rescheduled(intent, nudge, now)
    differs = (bounces or nudge.waits) and _says_otherwise(intent, nudge.intent)
    later = _is_later(intent, nudge.intent, now) and not all(one.has_arrived for one in nudge.deliveries)
    if _may_be_retired(nudge, plan):
        return None
    return _updated(nudge, intent if differs or later else nudge.intent, intent.moot_from, plan, now)


def _is_later(new: Intent, old: Intent, now: datetime) -> bool:
    """Return True if the new intent says something else, at a time that is still to come."""
    return new.due > now and _says_otherwise(new, old)


def _says_otherwise(new: Intent, old: Intent) -> bool:
    """Return True if the new intent speaks of another event, or the same rule gives it another due time."""
    return new.cause != old.cause or (new.version == old.version and new.due != old.due)


def _may_be_retired(nudge: Nudge, plan: Plan) -> bool:
    """Return True for a nudge with nothing ahead that knows that the thing was done, if the report may be retired."""
    return bool(plan.closed) and nudge.intent.moot_from is not None and not nudge.waits


def _updated(nudge: Nudge, intent: Intent, moot_from: datetime | None, plan: Plan, now: datetime) -> Change | None:
    """Tell a nudge that was perhaps sent its intent, and that the thing itself was done, or was not: it may bounce.

    Where it had gone by then, later_completion.py notes that.
    """
    noted = nudge.done or (moot_from is not None and _needs_no_telling(nudge, plan, now))
    told = replace(intent, moot_from=nudge.intent.moot_from if noted else moot_from)
    return None if told == nudge.intent else _rescheduled(told, nudge, now)


def _needs_no_telling(nudge: Nudge, plan: Plan, now: datetime) -> bool:
    """Return True if it is noted that the thing was done, or it was nobody's doing and no attempt can follow."""
    if (done_at := plan.done.get(nudge.intent.id)) is None:
        return not (nudge.waits or nudge.may_bounce(now))
    return any(one.last_gone_by(done_at) for one in nudge.deliveries)


def _cancelled(nudge: Nudge, now: datetime) -> Change:
    return Change(nudge.intent.id, nudge.version + 1, NudgeCancelled(now))


def _rescheduled(intent: Intent, nudge: Nudge, now: datetime) -> Change:
    return Change(intent.id, nudge.version + 1, NudgeRescheduled(now, **content_of(intent)))


def _moved(new: Intent, old: Intent) -> bool:
    """Return True if an ended, unsent nudge must be looked at again: new due, new cause, or no longer moot."""
    undone = old.moot_from is not None and new.moot_from is None
    return new.due != old.due or new.cause != old.cause or undone


def _planned(intent: Intent, nudge: Nudge | None, now: datetime) -> Change:
    version = 1 if nudge is None else nudge.version + 1
    return Change(intent.id, version, NudgePlanned(now, **content_of(intent)))


def _change_of_unplanned(nudge: Nudge, plan: Plan, rulebook: Rulebook, now: datetime) -> Change | None:
    """Cancel what is on its way, and what was wrong and may yet bounce; tell what was sent that it was done.

    A withdrawn trigger sends nothing anyway.
    """
    wrong = nudge.intent.id not in plan.needless and rulebook.has(nudge.intent.trigger)
    if nudge.waits or (wrong and nudge.may_bounce(now)):
        return _cancelled(nudge, now)
    done_at = plan.done.get(nudge.intent.id)
    return None if done_at is None or not nudge.maybe_sent else _updated(nudge, nudge.intent, done_at, plan, now)


def _corrections(
    right: AbstractSet[UUID], nudges: Mapping[UUID, Nudge], rulebook: Rulebook, now: datetime
) -> dict[UUID, Intent]:
    found = {}
    for id_, nudge in nudges.items():
        if id_ not in right and nudge.maybe_sent and nudge.intent.step != CORRECTION and _has_words(nudge, rulebook):
            correction = _correction(nudge.intent, rulebook, now)
            found[correction.id] = correction
    return found


def _has_words(nudge: Nudge, rulebook: Rulebook) -> bool:
    version = rulebook.find(nudge.intent.version)
    return version is not None and version.trigger.has_correction and rulebook.has(nudge.intent.trigger)


def _correction(sent: Intent, rulebook: Rulebook, now: datetime) -> Intent:
    id_ = rulebook.names.nudge(sent.trigger, sent.person, sent.occurrence, CORRECTION)
    return replace(sent, id=id_, step=CORRECTION, due=now, expires=now + EXPIRES_AFTER, moot_from=None)


def _correcting(intent: Intent, nudge: Nudge | None, now: datetime) -> Change | None:
    """A correction is planned once: its due time is the moment of the diff, so it never counts as changed."""
    if nudge is None or nudge.cancelled:
        return _planned(intent, nudge, now)
    return _rescheduled(nudge.intent, nudge, now) if nudge.gone and nudge.may_bounce(now) else None
