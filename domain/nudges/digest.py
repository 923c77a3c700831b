"""The digest: one nudge a person and local day, which takes along what exceeds their fatigue cap."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from domain.core.ids import Names
from domain.core.timing import at_local
from domain.facts import facts
from domain.facts.facts import NudgeFact
from domain.nudges.delivery import Delivery
from domain.nudges.nudge import Nudge
from domain.planning.plan import Intent
from domain.rules.built_in_triggers import DIGEST, DIGEST_STEP, DIGEST_TRIGGER, DIGEST_VERSION

DUE_TIME = time(18)
"""The local time of the digest: on the day of the overflow, most of which is due in the morning."""
MOST_MEMBERS = 5
"""The nudges that a digest takes: all of them are named within two parts of an SMS."""


def next_day(now: datetime, zone: ZoneInfo, *, another: bool = False) -> date:
    """Return the local day of the first digest that is still to come; `another`: today's has gone already."""
    today = now.astimezone(zone).date()
    return today if due_on(today, zone) > now and not another else today + timedelta(days=1)


def due_on(day: date, zone: ZoneInfo) -> datetime:
    """Return the due time (UTC) of that local day's digest."""
    return at_local(day, DUE_TIME, zone)


def digest_id(names: Names, recipient: str, day: date) -> UUID:
    """Return the id of a person's digest of a local day: there is only one."""
    return names.nudge(DIGEST, recipient, _occurrence(names, recipient, day), DIGEST_STEP)


def _occurrence(names: Names, recipient: str, day: date) -> UUID:
    return names.occurrence(DIGEST, recipient, day.isoformat())


def digest_planned(
    names: Names, recipient: str, day: date, due: datetime, cause: UUID, now: datetime
) -> facts.NudgePlanned:
    """Return the digest's first fact; `cause`: the nudge that was the first not to go by itself.

    It never expires: what it takes along does.
    """
    return facts.NudgePlanned(
        at=now,
        person=recipient,
        trigger=DIGEST,
        version=DIGEST_VERSION,
        occurrence=_occurrence(names, recipient, day),
        step=DIGEST_STEP,
        due=due,
        expires=None,
        klass=DIGEST_TRIGGER.klass,
        channels=DIGEST_TRIGGER.channels,
        cause=cause,
    )


def has_room(digest: Nudge | None) -> bool:
    """Return True if one more nudge can join: the digest was never handed over, still waits, and is not full."""
    return digest is None or (digest.pending and len(digest.members) < MOST_MEMBERS)


def goes_with(nudge: Nudge, digest: Nudge) -> bool:
    """Return True if the nudge goes with this digest (it may have left it since it was gathered)."""
    return nudge.to(digest.intent.person).digest == digest.intent.id


def member_fact(fact: NudgeFact, delivery: Delivery) -> NudgeFact | None:
    """Translate a fact about a digest into the fact about one of its nudges; None where there is none."""
    match fact:
        case facts.NudgeAttempted():
            return replace(fact, attempt=delivery.attempt + 1, provider=DIGEST)
        case facts.NudgeSent():
            return replace(fact, attempt=delivery.attempt, provider=DIGEST)
        case facts.NudgeDelivered() | facts.NudgeFailed() | facts.NudgeUnknown() | facts.NudgeOpened():
            return replace(fact, attempt=delivery.attempt)
        case facts.NudgeWithheld() | facts.NudgeExpired():
            return fact
        case _:
            return None


def is_digest(intent: Intent) -> bool:
    """Return True for a digest, which is in no person's plan."""
    return intent.trigger == DIGEST


def has_other_gone(nudges: Iterable[Nudge], this: UUID, now: datetime, zone: ZoneInfo) -> bool:
    """Return True if another digest than this one was handed over on the local day, or is on its way."""
    others = (one for one in nudges if is_digest(one.intent) and one.intent.id != this)
    went = (each.attempted_at for one in others for each in one.deliveries if each.maybe_sent or each.due is not None)
    return any(at is not None and at.astimezone(zone).date() == now.astimezone(zone).date() for at in went)
