"""Doubt after a restore: a log from a backup does not know which of the nudges due meanwhile were sent."""

from collections.abc import Iterable
from datetime import datetime
from itertools import chain

from domain.facts.facts import NudgeAttempted, NudgeFact, NudgeUnknown
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import Delivery
from domain.nudges.nudge import Nudge
from domain.nudges.settle import Defer, NotSentReason, Send, Settlement, Withhold, settle
from streams.delivery.decide.case import Case

RESTORED = "restored"
"""The reason of such an unknown outcome."""


def is_in_doubt(case: Case, until: datetime | None) -> bool:
    """Return whether it may have been sent before `until` without this log knowing it.

    Legal notices and emergencies are sent all the same. What is withheld for a reason that also held when it was
    due was not sent. Nor was what has a later cause, or was held back by quiet hours until later. The receipt of a
    message sent before may be lost, so its silence says nothing.
    """
    if until is None or CLASS_RULES[case.nudge.intent.klass].repeats or _is_withheld(case):
        return False
    if case.cause is not None and case.cause.time > until:
        return False
    delivery = case.nudge.to(case.recipient.pseudonym)
    if delivery.is_silent:
        return _was_attempted(delivery, until)
    return delivery.due is not None and delivery.due <= until and not _was_quiet(case.settlement, delivery.due, until)


def _is_withheld(case: Case) -> bool:
    return isinstance(case.decision, Withhold) and not case.decision.reason.may_be_new


def _was_quiet(case: Settlement, due: datetime, until: datetime) -> bool:
    then = settle(case, due)
    return isinstance(then, Defer) and then.reason is NotSentReason.QUIET_HOURS and then.until > until


def _was_attempted(delivery: Delivery, until: datetime) -> bool:
    return delivery.attempted_at is not None and delivery.attempted_at <= until


def presumed_attempts(cases: Iterable[Case], now: datetime) -> list[tuple[Nudge, NudgeFact]]:
    """Return an attempt with an unknown outcome for each case: repeated on no channel, settled by a receipt."""
    return list(chain.from_iterable(_presumed(case, now) for case in cases))


def _presumed(case: Case, now: datetime) -> Iterable[tuple[Nudge, NudgeFact]]:
    nudge, recipient = case.nudge, case.recipient.pseudonym
    delivery = nudge.to(recipient)
    attempt = delivery.attempt + 1
    channel = delivery.channel or nudge.intent.channels[0]
    if isinstance(case.decision, Send):
        channel = case.decision.channel
    yield nudge, NudgeAttempted(now, recipient, attempt, channel, "", now)
    yield nudge, NudgeUnknown(now, recipient, attempt, RESTORED)


def outcome_lost_by_restore(case: Settlement, until: datetime | None, now: datetime) -> NudgeUnknown | None:
    """Return the unknown outcome of an attempt that was open in the backup; None for any other.

    Its true outcome, and what followed, may be among the facts that are lost.
    """
    delivery = case.nudge.to(case.person.pseudonym)
    if until is None or CLASS_RULES[case.nudge.intent.klass].repeats or not _was_attempted(delivery, until):
        return None
    return NudgeUnknown(now, delivery.recipient, delivery.attempt, RESTORED)
