"""The life of a nudge, on one page: what it is now, folded from its facts.

    planned ─► deferred ─► attempted ─► sent ─► delivered ─► opened ─► answered
       │           │           ├─► failed ─► (again, or the next channel)
       │           │           └─► unknown ─► (again only where a double is harmless, or legal)
       ├───────────┴─► withheld, expired
       └─► cancelled ─► planned again

A minor's nudge goes to each guardian: every recipient has a delivery of their own, and each ends for itself.
"""

from datetime import datetime
from enum import StrEnum
from functools import singledispatch
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain import facts
from domain.facts import NudgeFact
from domain.plan import Intent


class State(StrEnum):
    """What became of a nudge, for one recipient."""

    PLANNED = "planned"
    DEFERRED = "deferred"
    ATTEMPTED = "attempted"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    ANSWERED = "answered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    WITHHELD = "withheld"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


MAYBE_SENT = frozenset(
    {State.ATTEMPTED, State.SENT, State.DELIVERED, State.OPENED, State.ANSWERED, State.UNKNOWN}
)  # fmt: skip
"""The states in which the recipient may have read it."""

_PROGRESS = (State.SENT, State.DELIVERED, State.OPENED, State.ANSWERED)


class Delivery(Struct, frozen=True, array_like=True):
    """A nudge on its way to one recipient.

    `due`: when the dispatcher must look at it next (None: it has ended); `attempt`: how many were made;
    `exhausted`: the channels that gave up; `sent_at`: when a provider first took it over.
    """

    recipient: str
    state: State
    due: datetime | None
    attempt: int = 0
    channel: str | None = None
    attempted_at: datetime | None = None
    exhausted: tuple[str, ...] = ()
    reason: str | None = None
    sent_at: datetime | None = None


class Nudge(Struct, frozen=True, array_like=True):
    """A nudge as its facts give it; `version`: how many there are."""

    intent: Intent
    version: int
    planned_at: datetime
    deliveries: tuple[Delivery, ...]

    @property
    def pending(self) -> bool:
        """Never attempted, and still on its way."""
        return not self.attempted and any(one.due is not None for one in self.deliveries)

    @property
    def attempted(self) -> bool:
        """Ever handed to a provider: from then on it is never planned again."""
        return any(one.attempt for one in self.deliveries)

    @property
    def cancelled(self) -> bool:
        """Taken out of the plan before any attempt."""
        return all(one.state is State.CANCELLED for one in self.deliveries)

    @property
    def maybe_sent(self) -> bool:
        """Somebody may have read it."""
        return any(one.state in MAYBE_SENT or one.sent_at for one in self.deliveries)

    @property
    def state(self) -> State:
        """The state of the delivery that got furthest."""
        return max(self.deliveries, key=lambda one: _RANK[one.state]).state

    def to(self, recipient: str) -> Delivery:
        """The delivery to that recipient; one who was not known before starts as planned."""
        return next((one for one in self.deliveries if one.recipient == recipient), _fresh(self.intent, recipient))


_RANK = {
    state: rank
    for rank, state in enumerate((
        State.CANCELLED, State.WITHHELD, State.EXPIRED, State.FAILED, State.PLANNED, State.DEFERRED, State.UNKNOWN,
        State.ATTEMPTED, State.SENT, State.DELIVERED, State.OPENED, State.ANSWERED,
    ))
}  # fmt: skip


def _fresh(intent: Intent, recipient: str) -> Delivery:
    return Delivery(recipient, State.PLANNED, intent.due)


def evolve(nudge: Nudge | None, nudge_id: UUID, version: int, fact: NudgeFact) -> Nudge:
    """The nudge after one more of its facts.

    Raises:
        ValueError: the first fact of a nudge is not that it was planned.
    """
    if isinstance(fact, facts.NudgePlanned):
        return _planned(nudge_id, version, fact)
    if nudge is None:
        raise ValueError(f"nudge {nudge_id} starts with {fact.TOPIC}; its log is incomplete")
    if isinstance(fact, facts.NudgeCancelled):
        ended = tuple(replace(one, state=State.CANCELLED, due=None) for one in nudge.deliveries)
        return replace(nudge, version=version, deliveries=ended)
    delivery = _after(fact, nudge.to(fact.recipient))
    return replace(nudge, version=version, deliveries=_with(nudge, delivery))


def _planned(nudge_id: UUID, version: int, fact: facts.NudgePlanned) -> Nudge:
    intent = intent_of(nudge_id, fact)
    return Nudge(intent, version, fact.at, (_fresh(intent, intent.person),))


def _with(nudge: Nudge, delivery: Delivery) -> tuple[Delivery, ...]:
    """The deliveries with this one; once it goes to guardians, the child's own untouched one is gone."""
    others = [one for one in nudge.deliveries if one.recipient != delivery.recipient]
    if delivery.recipient != nudge.intent.person:
        others = [one for one in others if one.recipient != nudge.intent.person or one.state is not State.PLANNED]
    return tuple(sorted([*others, delivery], key=lambda one: one.recipient))


CONTENT = tuple(name for name in Intent.__struct_fields__ if name != "id")


def intent_of(nudge_id: UUID, fact: facts.NudgePlanned) -> Intent:
    """The intent that the fact keeps."""
    return Intent(id=nudge_id, **{name: getattr(fact, name) for name in CONTENT})


def content_of(intent: Intent) -> dict[str, Any]:
    """The intent's fields as NudgePlanned and NudgeRescheduled keep them."""
    return {name: getattr(intent, name) for name in CONTENT}


@singledispatch
def _after(fact: object, delivery: Delivery) -> Delivery:  # noqa: ARG001  (each registered one uses both)
    raise TypeError(f"{type(fact).__name__} is no fact of a delivery; register it in domain/nudge.py")


@_after.register
def _(fact: facts.NudgeWithheld, delivery: Delivery) -> Delivery:
    return replace(delivery, state=State.WITHHELD, due=None, reason=fact.reason)


@_after.register
def _(_: facts.NudgeExpired, delivery: Delivery) -> Delivery:
    return replace(delivery, state=State.EXPIRED, due=None)


@_after.register
def _(fact: facts.NudgeDeferred, delivery: Delivery) -> Delivery:
    return replace(delivery, state=State.DEFERRED, due=fact.until, reason=fact.reason)


@_after.register
def _(fact: facts.NudgeAttempted, delivery: Delivery) -> Delivery:
    return replace(
        delivery, state=State.ATTEMPTED, due=fact.until, attempt=fact.attempt, channel=fact.channel,
        attempted_at=fact.at,
    )  # fmt: skip


@_after.register
def _(fact: facts.NudgeSent, delivery: Delivery) -> Delivery:
    return _reached(delivery, State.SENT, fact.at)


@_after.register
def _(fact: facts.NudgeDelivered, delivery: Delivery) -> Delivery:
    return _reached(delivery, State.DELIVERED, fact.at)


@_after.register
def _(fact: facts.NudgeOpened, delivery: Delivery) -> Delivery:
    return _reached(delivery, State.OPENED, fact.at)


@_after.register
def _(fact: facts.NudgeAnswered, delivery: Delivery) -> Delivery:
    return _reached(delivery, State.ANSWERED, fact.at)


def _reached(delivery: Delivery, state: State, at: datetime) -> Delivery:
    """Good news only moves forward: a report that comes late or twice never takes anything back."""
    if delivery.state in _PROGRESS and _PROGRESS.index(delivery.state) >= _PROGRESS.index(state):
        return delivery
    return replace(delivery, state=state, due=None, sent_at=delivery.sent_at or at)


@_after.register
def _(fact: facts.NudgeFailed, delivery: Delivery) -> Delivery:
    if fact.attempt < delivery.attempt:
        return delivery
    exhausted = delivery.exhausted
    if fact.gave_up and delivery.channel is not None:
        exhausted = (*exhausted, delivery.channel)
    return replace(delivery, state=State.FAILED, due=fact.retry_at, exhausted=exhausted, reason=fact.reason)


@_after.register
def _(fact: facts.NudgeUnknown, delivery: Delivery) -> Delivery:
    if fact.attempt < delivery.attempt or delivery.state in _PROGRESS:
        return delivery
    return replace(delivery, state=State.UNKNOWN, due=fact.retry_at, reason=fact.reason)
