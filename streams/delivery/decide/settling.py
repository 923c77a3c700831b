"""Deciding on claimed deliveries: settle each, and separate what is sent from what is not."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from domain.facts.facts import NudgeDeferred, NudgeExpired, NudgeFact, NudgeFailed, NudgeWithheld
from domain.nudges.delivery import Due, State
from domain.nudges.nudge import Nudge, is_asked
from domain.nudges.settle import Defer, Digest, NotSentReason, Send, Settlement, Withhold, is_stopped
from projections import nudges
from streams.delivery.decide.awaited_plans import awaiting_plans
from streams.delivery.decide.case import Case, new_deliveries
from streams.delivery.decide.decision_inputs import DecisionInputs
from streams.delivery.decide.digesting import Decided
from streams.delivery.decide.overflow import Overflow
from streams.delivery.decide.rendering import without_unrenderable
from streams.delivery.decide.restore_doubt import is_in_doubt, outcome_lost_by_restore, presumed_attempts
from streams.log.log import Log
from streams.rules.in_force import Rules


class Claimed(Struct, frozen=True):
    """The deliveries of a claim, by what is to be done with them.

    `cases`: to decide on; `lease_ended`: open attempts whose lease ran out; `to_ask`: unknown outcomes about which a
    provider is asked; `changed`: those that changed since the claim; `awaiting_plans`: those that are not decided on
    before a plan, with the time of the next look.
    """

    cases: list[Case]
    lease_ended: list[Settlement]
    to_ask: list[Settlement]
    changed: list[Due]
    awaiting_plans: Mapping[Due, datetime]


class Decisions(Struct, frozen=True):
    """The decisions on a claim: `facts` to append now; `cases` to send; `questions` for providers.

    A case that is not to be sent stands among `cases` where another delivery of its nudge is: they end together.
    """

    facts: list[Decided]
    cases: list[Case]
    questions: list[Settlement]


def read_claim(connection: Connection, log: Log, rules: Rules, claimed: Sequence[Due], now: datetime) -> Claimed:
    """Read what the claimed deliveries need, and settle each."""
    found = nudges.by_id(connection, [row.nudge for row in claimed])
    lost, asked, fresh, moved_on = [], [], [], []
    for row in claimed:
        nudge = found[row.nudge]
        if not _is_due(nudge, row.recipient, now):
            moved_on.append(row)
        elif nudge.to(row.recipient).state is State.ATTEMPTED:
            lost.append((nudge, row.recipient))
        elif is_asked(nudge.to(row.recipient)):
            asked.append((nudge, row.recipient))
        else:
            fresh.append((nudge, row.recipient))
    inputs = DecisionInputs(connection, log, rules, now)
    settlements = inputs.settlements(lost), inputs.settlements(asked)
    waiting, left_out = awaiting_plans(
        connection, inputs.nudges_by_message(nudge for nudge, _ in fresh), rules.rulebook, now
    )
    ready = [(nudge, whom) for nudge, whom in fresh if nudge.intent.id not in waiting]
    awaiting = {
        Due(nudge.intent.id, whom): waiting[nudge.intent.id] for nudge, whom in fresh if nudge.intent.id in waiting
    }
    return Claimed(list(inputs.cases(ready, left_out)), *settlements, moved_on, awaiting)


def decide(claimed: Claimed, rules: Rules, now: datetime) -> Decisions:
    """Separate what is sent from what is not: the latter becomes facts, in this order.

    After a restore from a backup, what may have been sent meanwhile becomes an attempt with an unknown outcome.
    """
    until = rules.governed.doubt_until
    facts: list[Decided] = []
    questions: list[Settlement] = []
    for asked in claimed.to_ask:
        if (lost := outcome_lost_by_restore(asked, until, now)) is not None:
            facts.append((asked.nudge, lost))
        else:
            questions.append(asked)
    doubtful, certain = list[Case](), list[Case]()
    for case in (without_unrenderable(case, rules, now) for case in claimed.cases):
        (doubtful if is_in_doubt(case, until) else certain).append(case)
    facts += presumed_attempts(doubtful, now)
    leaving = [member for case in certain for member in case.leaving]
    facts += [(case.nudge, unsent_fact(case, now)) for case in leaving]
    sent = {case.nudge.intent.id for case in certain if isinstance(case.decision, Send)}
    new = [case for case in certain if not _is_still_stopped(case, now)]
    ended = [case for case in new if case.nudge.intent.id not in sent]
    facts += [(case.nudge, unsent_fact(case, now)) for case in ended]
    facts += new_deliveries([*doubtful, *leaving, *ended], now)
    return Decisions(facts, [case for case in new if case.nudge.intent.id in sent], questions)


def unsent_fact(case: Case, now: datetime) -> NudgeFact | Overflow:
    """Return the fact that records a decision not to send."""
    recipient = case.recipient.pseudonym
    delivery = case.nudge.to(recipient)
    match case.decision:
        case Withhold(NotSentReason.NO_ADDRESS) if (
            delivery.attempted_at is not None and not delivery.is_silent and not delivery.accepted
        ):
            reason = delivery.reason or NotSentReason.NO_ADDRESS.value
            return NudgeFailed(now, recipient, delivery.attempt, reason, gave_up=True)
        case Withhold(reason):
            return NudgeWithheld(now, recipient, reason.value)
        case Defer(until, reason):
            return NudgeDeferred(now, recipient, until, reason.value)
        case Digest() as digest:
            return Overflow(case.settlement, digest, now)
        case _:
            return NudgeExpired(now, recipient)


def _is_still_stopped(case: Case, now: datetime) -> bool:
    """Return whether a kill switch or pause holds it back as before, so that no further fact is due."""
    delivery = case.nudge.to(case.recipient.pseudonym)
    stopped = isinstance(case.decision, Defer) and case.decision.reason is NotSentReason.STOPPED
    return stopped and is_stopped(delivery) and delivery.due is not None and delivery.due > now


def _is_due(nudge: Nudge, recipient: str, now: datetime) -> bool:
    """Return whether the delivery is due now: it may have been cancelled, moved or sent since it was claimed.

    A delivery that a kill switch or pause holds back counts as due, so that it is looked at again.
    """
    theirs = (one for one in nudge.deliveries if one.recipient == recipient and one.digest is None)
    return any(one.due is not None and (one.due <= now or is_stopped(one)) for one in theirs)
