"""A nudge as its facts give it: what was planned, and how far each of its deliveries has come.

A minor's nudge goes to each guardian: every recipient has a delivery of their own, and each ends for itself.
"""

from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.facts import facts
from domain.facts.facts import NudgeFact
from domain.nudges.delivery import MAYBE_SENT, RANK, Delivery, State, evolve_delivery, state_so_far
from domain.planning.plan import Intent


class Nudge(Struct, frozen=True, array_like=True, gc=False):
    """A nudge as its facts give it.

    `version`: how many there are; `planned_at`: since when it is due at its due time; `gone`: it left the plan, so
    what was attempted is not tried again; `members`: of a digest, what was ever to go with it; `done`: that the thing
    itself was done after it had gone, at most one fact for each recipient.
    """

    intent: Intent
    version: int
    planned_at: datetime
    deliveries: tuple[Delivery, ...]
    gone: bool = False
    members: tuple[UUID, ...] = ()
    done: tuple[facts.NudgeDone, ...] = ()

    @property
    def thing(self) -> tuple[str, UUID]:
        """Return the same for all nudges of one trigger about one thing."""
        return self.intent.trigger, self.intent.occurrence

    @property
    def waits(self) -> bool:
        """Return True if the dispatcher has yet to look at it."""
        return any(one.due is not None for one in self.deliveries)

    def is_due(self, now: datetime) -> bool:
        """Return True if something is due to a recipient by now."""
        return any(one.due is not None and one.due <= now for one in self.deliveries)

    @property
    def is_undivided(self) -> bool:
        """Return True while all it has is a delivery planned to its person: a minor's guardians have none yet."""
        own, *others = self.deliveries
        return not others and own.recipient == self.intent.person and own.state is State.PLANNED

    @property
    def pending(self) -> bool:
        """Return True if it was never attempted and is still on its way."""
        return not self.attempted and self.waits

    @property
    def attempted(self) -> bool:
        """Return True if it was ever handed to a provider: from then on it is never planned again."""
        return any(one.attempt for one in self.deliveries)

    def was_attempted_by(self, moment: datetime) -> bool:
        """Return True if it was handed to a provider by that moment."""
        tried = (one.made[0][1] if one.made else one.attempted_at for one in self.deliveries)
        return any(at is not None and at <= moment for at in tried)

    @property
    def cancelled(self) -> bool:
        """Return True if it left the plan before any attempt, while somebody still waited for it."""
        return not self.attempted and any(one.state is State.CANCELLED for one in self.deliveries)

    @property
    def maybe_sent(self) -> bool:
        """Return True if a recipient may have read it."""
        return any(one.maybe_sent for one in self.deliveries)

    def may_bounce(self, now: datetime) -> bool:
        """Return True if the bounce of a message that may have gone would lead to another channel."""
        expires, channels = self.intent.expires, self.intent.channels
        return (expires is None or now < expires) and any(one.may_bounce(channels) for one in self.deliveries)

    @property
    def state(self) -> State:
        """Return the state of the delivery that got furthest."""
        if len(self.deliveries) == 1:  # as of nearly all, in a third of the time
            return self.deliveries[0].state
        return max(self.deliveries, key=lambda one: RANK[one.state]).state

    def to(self, recipient: str) -> Delivery:
        """Return the delivery to that recipient; one who was not known before starts as planned."""
        for one in self.deliveries:
            if one.recipient == recipient:
                return one
        return _fresh(self.intent, recipient)


def is_asked(delivery: Delivery) -> bool:
    """Return True if the delivery is due only to ask the provider for the outcome of the last attempt."""
    return delivery.ask_at is not None and delivery.due == delivery.ask_at


def _fresh(intent: Intent, recipient: str) -> Delivery:
    return Delivery(recipient, State.PLANNED, intent.due)


def evolve(nudge: Nudge | None, nudge_id: UUID, version: int, fact: NudgeFact) -> Nudge:
    """Return the nudge after one more of its facts.

    Raises:
        ValueError: the first fact of a nudge is not that it was planned.
    """
    if isinstance(fact, facts.NudgePlanned):
        return _planned(nudge, nudge_id, version, fact)
    if nudge is None:
        raise ValueError(f"nudge {nudge_id} starts with {fact.TOPIC}; its log is incomplete")
    if isinstance(fact, facts.NudgeCancelled):
        ended = tuple(_because(_out_of_the_plan(one), fact.reason) for one in nudge.deliveries)
        return replace(nudge, version=version, deliveries=ended, gone=True)
    if isinstance(fact, facts.NudgeGathered):
        others = [one for one in nudge.members if one != fact.nudge]
        return replace(nudge, version=version, members=(*others, fact.nudge))
    if isinstance(fact, facts.NudgeDone):
        return replace(nudge, version=version, done=_done(nudge, fact))
    delivery = evolve_delivery(fact, nudge.to(fact.recipient))
    if nudge.gone:
        delivery = _out_of_the_plan(delivery)
    elif delivery.attempted_at is not None and delivery.attempted_at < nudge.intent.due:
        delivery = _moved_to_later(nudge.intent, delivery)
    return replace(nudge, version=version, deliveries=_with(nudge, delivery))


def _planned(before: Nudge | None, nudge_id: UUID, version: int, fact: facts.NudgePlanned) -> Nudge:
    intent = intent_of(nudge_id, fact)
    if before is not None and before.maybe_sent:
        deliveries = tuple(_at_its_time(intent, one) for one in before.deliveries)
        if intent.due > fact.at and intent.due != before.intent.due:
            deliveries = tuple(_moved_to_later(intent, one) for one in before.deliveries)
        return replace(before, intent=intent, version=version, gone=False, deliveries=deliveries)
    same_time = before is not None and not before.gone and before.intent.due == intent.due
    since = before.planned_at if before is not None and same_time else fact.at
    return Nudge(intent, version, since, _anew(intent, before) or (_fresh(intent, intent.person),))


def _anew(intent: Intent, before: Nudge | None) -> tuple[Delivery, ...]:
    """Return fresh deliveries for attempts that have certainly not gone; they go on counting their attempts.

    All recipients are kept: what was tried for one guardian keeps the other, too.
    """
    if before is None or not before.attempted:
        return ()
    return tuple(_again(intent, one) for one in before.deliveries)


def _again(intent: Intent, delivery: Delivery) -> Delivery:
    return replace(_fresh(intent, delivery.recipient), attempt=delivery.attempt)


def _at_its_time(intent: Intent, delivery: Delivery) -> Delivery:
    return replace(delivery, due=intent.due) if delivery.state is State.PLANNED else delivery


def _moved_to_later(intent: Intent, delivery: Delivery) -> Delivery:
    """Plan a delivery anew for the later time if its recipient can have read nothing; else nothing more is tried.

    An open attempt keeps its lease; its outcome decides.
    """
    if delivery.state is State.ATTEMPTED or is_asked(delivery):
        return delivery
    if delivery.accepted or delivery.uncertain or delivery.state in MAYBE_SENT:
        return _out_of_the_plan(delivery)
    return _again(intent, delivery)


def _out_of_the_plan(delivery: Delivery) -> Delivery:
    """Cancel a delivery that was not attempted; an open attempt keeps its lease; nothing is tried again."""
    if delivery.state is State.ATTEMPTED or is_asked(delivery):
        return delivery
    state: State = delivery.state
    if delivery.attempt == 0 and delivery.due is not None:
        state = State.CANCELLED
    elif delivery.state in {State.DEFERRED, State.DIGESTED, State.PLANNED}:
        state = state_so_far(delivery) if delivery.accepted or delivery.uncertain else State.FAILED
    went = delivery.due is None and delivery.maybe_sent  # what has yet to go with a digest leaves it
    digest = delivery.digest if went else None
    return replace(delivery, state=state, due=None, digest=digest)


def _because(delivery: Delivery, reason: str) -> Delivery:
    return replace(delivery, reason=reason) if reason and delivery.state is State.CANCELLED else delivery


def _with(nudge: Nudge, delivery: Delivery) -> tuple[Delivery, ...]:
    """Return the deliveries with this one; once it goes to guardians, the child's own untouched one is gone.

    One with attempts stays: providers take two attempts of one number for one message.
    """
    others = [one for one in nudge.deliveries if one.recipient != delivery.recipient]
    if delivery.recipient != (child := nudge.intent.person):
        others = [one for one in others if one.recipient != child or one.state is not State.PLANNED or one.attempt]
    return tuple(sorted([*others, delivery], key=lambda one: one.recipient))


def _done(nudge: Nudge, fact: facts.NudgeDone) -> tuple[facts.NudgeDone, ...]:
    others = [one for one in nudge.done if one.recipient != fact.recipient]
    said = others if isinstance(fact, facts.NudgeUndone) else [*others, fact]
    return tuple(sorted(said, key=lambda one: one.recipient))


CONTENT = tuple(name for name in Intent.__struct_fields__ if name != "id")
_content = attrgetter(*CONTENT)


def intent_of(nudge_id: UUID, fact: facts.NudgePlanned) -> Intent:
    """Return the intent that the fact keeps."""
    return Intent(id=nudge_id, **content_of(fact))


def content_of(planned: Intent | facts.NudgePlanned) -> dict[str, Any]:
    """Return the intent's fields as NudgePlanned and NudgeRescheduled keep them."""
    return dict(zip(CONTENT, _content(planned), strict=True))
