"""A nudge on its way to one recipient: its states, and what each fact makes of them.

planned ─► deferred ─► attempted ─► sent ─► delivered ─► opened ─► answered
│           │           ├─► failed ─► (again, or the next channel)
│           │           └─► unknown ─► (again only where a double is harmless, or legal)
├───────────┼─► withheld, expired
├───────────┴─► digested ─► what becomes of the digest, becomes of it; or deferred, withheld, expired
└─► cancelled ─► planned again
"""

from datetime import datetime
from enum import StrEnum
from functools import singledispatch
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain import facts


class State(StrEnum):
    """What became of a nudge, for one recipient."""

    PLANNED = "planned"
    DEFERRED = "deferred"
    DIGESTED = "digested"
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

_ARRIVED = frozenset({State.DELIVERED, State.OPENED, State.ANSWERED})
_PROGRESS = (State.SENT, State.DELIVERED, State.OPENED, State.ANSWERED)


class Delivery(Struct, frozen=True, array_like=True):
    """A nudge on its way to one recipient.

    `due`: when the dispatcher must look at it next (None: it has ended); `attempt`: how many were made;
    `exhausted`: the channels that gave up; `sent_at`: when a provider first took it over; `uncertain`: an attempt
    ended so that nobody knows whether it went; `digest`: the digest that it goes with, which alone is sent.
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
    uncertain: bool = False
    digest: UUID | None = None

    @property
    def maybe_sent(self) -> bool:
        """The recipient may have read it."""
        return self.state in MAYBE_SENT or self.sent_at is not None or self.uncertain


RANK = {
    state: rank
    for rank, state in enumerate((
        State.CANCELLED, State.WITHHELD, State.EXPIRED, State.FAILED, State.PLANNED, State.DEFERRED, State.DIGESTED,
        State.UNKNOWN, State.ATTEMPTED, State.SENT, State.DELIVERED, State.OPENED, State.ANSWERED,
    ))
}  # fmt: skip


@singledispatch
def after(fact: object, delivery: Delivery) -> Delivery:  # noqa: ARG001  (each registered one uses both)
    """The delivery after one more fact.

    Raises:
        TypeError: the fact is about no delivery.
    """
    raise TypeError(f"{type(fact).__name__} is no fact of a delivery; register it in domain/delivery.py")


@after.register
def _(fact: facts.NudgeWithheld, delivery: Delivery) -> Delivery:
    return replace(delivery, state=State.WITHHELD, due=None, reason=fact.reason, digest=None)


@after.register
def _(_: facts.NudgeExpired, delivery: Delivery) -> Delivery:
    return replace(delivery, state=State.EXPIRED, due=None, digest=None)


@after.register
def _(fact: facts.NudgeDeferred, delivery: Delivery) -> Delivery:
    since = delivery.attempted_at if delivery.digest is None else None  # it did not go by itself yet
    return replace(
        delivery, state=State.DEFERRED, due=fact.until, reason=fact.reason, attempted_at=since, digest=None
    )  # fmt: skip


@after.register
def _(fact: facts.NudgeDigested, delivery: Delivery) -> Delivery:
    return replace(delivery, state=State.DIGESTED, due=fact.until, reason=None, digest=fact.digest)


@after.register
def _(fact: facts.NudgeAttempted, delivery: Delivery) -> Delivery:
    return replace(
        delivery, state=State.ATTEMPTED, due=fact.until, attempt=fact.attempt, channel=fact.channel,
        attempted_at=fact.at,
    )  # fmt: skip


@after.register
def _(fact: facts.NudgeSent, delivery: Delivery) -> Delivery:
    return _reached(delivery, State.SENT, fact.at)


@after.register
def _(fact: facts.NudgeDelivered, delivery: Delivery) -> Delivery:
    return _reached(delivery, State.DELIVERED, fact.at)


@after.register
def _(fact: facts.NudgeOpened, delivery: Delivery) -> Delivery:
    return _reached(delivery, State.OPENED, fact.at)


@after.register
def _(fact: facts.NudgeAnswered, delivery: Delivery) -> Delivery:
    return _reached(delivery, State.ANSWERED, fact.at)


def _reached(delivery: Delivery, state: State, at: datetime) -> Delivery:
    """Good news only moves forward: a report that comes late or twice never takes anything back."""
    if delivery.state in _PROGRESS and _PROGRESS.index(delivery.state) >= _PROGRESS.index(state):
        return delivery
    return replace(delivery, state=state, due=None, reason=None, sent_at=delivery.sent_at or at)


@after.register
def _(fact: facts.NudgeFailed, delivery: Delivery) -> Delivery:
    if fact.attempt < delivery.attempt or delivery.state in _ARRIVED:
        return delivery
    exhausted = delivery.exhausted
    if fact.gave_up and delivery.channel is not None and delivery.channel not in exhausted:
        exhausted = (*exhausted, delivery.channel)
    return replace(delivery, state=State.FAILED, due=fact.retry_at, exhausted=exhausted, reason=fact.reason)


@after.register
def _(fact: facts.NudgeUnknown, delivery: Delivery) -> Delivery:
    if fact.attempt < delivery.attempt or delivery.state in _PROGRESS:
        return delivery
    return replace(delivery, state=State.UNKNOWN, due=fact.retry_at, reason=fact.reason, uncertain=True)
