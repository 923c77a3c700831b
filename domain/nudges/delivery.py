"""A nudge on its way to one recipient: its states, and what each fact makes of them.

planned ─► deferred ─► attempted ─► sent ─► delivered ─► opened ─► answered
│           │           │           └─► (after a silence, the next channel)
│           │           ├─► failed ─► (again, or the next channel; ended by an outage, a repair renews it)
│           │           └─► unknown ─► (again only where a double is harmless, or legal; or the next channel)
├───────────┼─► withheld, expired
├───────────┴─► digested ─► what becomes of the digest, becomes of it; or deferred, withheld, expired
└─► cancelled ─► planned again
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import singledispatch
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.facts import facts


class Due(NamedTuple):
    """The key of a delivery: its nudge and its recipient."""

    nudge: UUID
    recipient: str


class State(StrEnum):
    """The state of a nudge for one recipient."""

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


MAYBE_SENT = frozenset({State.ATTEMPTED, State.SENT, State.DELIVERED, State.OPENED, State.ANSWERED, State.UNKNOWN})
"""The states in which the recipient may have read it."""

_ARRIVED = frozenset({State.DELIVERED, State.OPENED, State.ANSWERED})
_PROGRESS = (State.SENT, State.DELIVERED, State.OPENED, State.ANSWERED)


class Delivery(Struct, frozen=True, array_like=True, gc=False):
    """A nudge on its way to one recipient.

    `due`: when the dispatcher must look at it next (None: it has ended); `attempt`: how many were made; `since`: when
    its channel was first tried; `exhausted`: the channels that gave up; `sent_at`: when a provider first took it
    over; `uncertain`: of an attempt (`doubts` has which) nobody knows whether it went; `digest`: the digest that it
    goes with, which alone is sent; `provider`: of the last attempt; `accepted`: the attempts that a provider took
    over and did not fail since; `silence`: what the last attempt's channel still has to say, so that the next has no
    turn (None: not waited for); `arrived`: an attempt was delivered; `doubtful`: the provider that may have it from
    its last channel, and was to get it again; `ask_at`: when the provider was to be asked about the last attempt;
    `closed`: an operator said that its outcome stays unknown; `made`: the attempts before the last one, each with its
    time.
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
    provider: str | None = None
    accepted: tuple[int, ...] = ()
    silence: State | None = None
    arrived: bool = False
    doubtful: str | None = None
    doubts: tuple[int, ...] = ()
    since: datetime | None = None
    ask_at: datetime | None = None
    closed: bool = False
    made: tuple[tuple[int, datetime], ...] = ()

    @property
    def bound_provider(self) -> str | None:
        """Return the provider that may have it while its channel is still being tried.

        No other can remove a double.
        """
        return None if self.is_silent or self.channel in self.exhausted else self.doubtful

    @property
    def is_unresolved(self) -> bool:
        """Return True if its outcome is unknown, nothing more is tried, and no operator has closed it."""
        return self.state is State.UNKNOWN and self.due is None and self.digest is None and not self.closed

    @property
    def has_failed(self) -> bool:
        """Return True if no attempt can have reached the recipient, and no further one follows."""
        return self.state is State.FAILED and self.due is None and not (self.accepted or self.uncertain)

    @property
    def has_arrived(self) -> bool:
        """Return True if the recipient has it."""
        return self.state in _ARRIVED

    @property
    def is_silent(self) -> bool:
        """Return True if its channel had its time: when it is due again, the next channel has its turn."""
        return self.silence is not None

    @property
    def maybe_sent(self) -> bool:
        """Return True if the recipient may have read it."""
        return self.state in MAYBE_SENT or self.sent_at is not None or self.uncertain

    def may_bounce(self, channels: Iterable[str]) -> bool:
        """Return True if it may have gone, has not arrived, and another of the channels would follow its failure."""
        left = set(channels).difference(self.exhausted, {self.channel})
        return bool(left) and self.state in {State.SENT, State.UNKNOWN}

    def last_gone_by(self, moment: datetime) -> int | None:
        """Return the last attempt, made by that moment, that a provider took over and that has not failed since."""
        if self.sent_at is None or self.attempted_at is None or self.sent_at > moment:
            return None
        made = {**dict(self.made), self.attempt: self.attempted_at}  # views of before an upgrade lack earlier ones
        return max((each for each in self.accepted if made.get(each, self.sent_at) <= moment), default=None)


RANK = {
    state: rank
    for rank, state in enumerate(
        (
            State.CANCELLED,
            State.WITHHELD,
            State.EXPIRED,
            State.FAILED,
            State.PLANNED,
            State.DEFERRED,
            State.DIGESTED,
            State.UNKNOWN,
            State.ATTEMPTED,
            State.SENT,
            State.DELIVERED,
            State.OPENED,
            State.ANSWERED,
        )
    )
}


@singledispatch
def evolve_delivery(fact: object, delivery: Delivery) -> Delivery:  # noqa: ARG001  (each registered one uses both)
    """Return the delivery after one more fact. Raises TypeError where the fact is about no delivery."""
    raise TypeError(f"{type(fact).__name__} is not a fact of a delivery; register it in domain/nudges/delivery.py")


@evolve_delivery.register
def _(fact: facts.NudgeWithheld, delivery: Delivery) -> Delivery:
    return _ended(delivery, State.WITHHELD, fact.reason)


@evolve_delivery.register
def _(_: facts.NudgeExpired, delivery: Delivery) -> Delivery:
    return _ended(delivery, State.EXPIRED, delivery.reason)


def _ended(delivery: Delivery, state: State, reason: str | None) -> Delivery:
    """End the delivery: nothing more is tried. An earlier attempt that may have gone keeps its state."""
    if delivery.accepted or delivery.uncertain:
        state, reason = state_so_far(delivery), None
    return replace(delivery, state=state, due=None, reason=reason, digest=None, silence=None)


@evolve_delivery.register
def _(fact: facts.NudgeDeferred, delivery: Delivery) -> Delivery:
    since = delivery.attempted_at if delivery.digest is None else None  # it did not go by itself yet
    return replace(
        delivery, state=State.DEFERRED, due=fact.until, reason=fact.reason, attempted_at=since, digest=None
    )


@evolve_delivery.register
def _(fact: facts.NudgeDigested, delivery: Delivery) -> Delivery:
    return replace(delivery, state=State.DIGESTED, due=fact.until, reason=None, digest=fact.digest)


@evolve_delivery.register
def _(fact: facts.NudgeAttempted, delivery: Delivery) -> Delivery:
    same = delivery.channel == fact.channel
    left = delivery.channel if delivery.is_silent and not same else None
    before = () if delivery.attempted_at is None else ((delivery.attempt, delivery.attempted_at),)
    return replace(
        delivery,
        state=State.ATTEMPTED,
        due=fact.until,
        attempt=fact.attempt,
        channel=fact.channel,
        attempted_at=fact.at,
        provider=fact.provider,
        silence=None,
        exhausted=_with(delivery.exhausted, left),
        doubtful=delivery.doubtful if same else None,
        since=(delivery.since if same else None) or fact.at,
        ask_at=None,
        closed=False,
        made=(*delivery.made, *before),
    )


def state_so_far(delivery: Delivery) -> State:
    """Return the state that the earlier attempts led to."""
    if delivery.arrived:
        return State.DELIVERED
    return State.SENT if delivery.accepted else State.UNKNOWN


def _without_doubt(delivery: Delivery, attempt: int) -> Delivery:
    """Remove the doubt about that attempt, whose outcome is known."""
    if attempt not in delivery.doubts:
        return delivery
    doubts = tuple(each for each in delivery.doubts if each != attempt)
    return replace(delivery, doubts=doubts, uncertain=bool(doubts))


def _with(exhausted: tuple[str, ...], channel: str | None) -> tuple[str, ...]:
    return exhausted if channel is None or channel in exhausted else (*exhausted, channel)


@evolve_delivery.register
def _(fact: facts.NudgeSent, delivery: Delivery) -> Delivery:
    reached = _reached(delivery, State.SENT, fact)
    if reached.state is not State.SENT or fact.attempt < delivery.attempt:
        return reached
    awaited = State.OPENED if fact.until_opened else State.DELIVERED
    return replace(reached, due=fact.silent_at, silence=None if fact.silent_at is None else awaited)


@evolve_delivery.register
def _(fact: facts.NudgeDelivered | facts.NudgeOpened, delivery: Delivery) -> Delivery:
    return _reached(delivery, State.OPENED if isinstance(fact, facts.NudgeOpened) else State.DELIVERED, fact)


@evolve_delivery.register
def _(fact: facts.NudgeAnswered, delivery: Delivery) -> Delivery:
    return _moved(delivery, State.ANSWERED, fact.at)


def _reached(
    delivery: Delivery, state: State, fact: facts.NudgeSent | facts.NudgeDelivered | facts.NudgeOpened
) -> Delivery:
    """Record good news of an attempt. News of an earlier one changes the present one only if the message arrived."""
    delivery = _without_doubt(delivery, fact.attempt)
    accepted = delivery.accepted if fact.attempt in delivery.accepted else (*delivery.accepted, fact.attempt)
    return _moved(replace(delivery, accepted=accepted), state, fact.at)


def _moved(delivery: Delivery, state: State, at: datetime) -> Delivery:
    """Move the delivery forward: good news that comes late or twice never takes anything back."""
    if delivery.state in _PROGRESS and _PROGRESS.index(delivery.state) >= _PROGRESS.index(state):
        return delivery
    waits = delivery.silence is not None and _PROGRESS.index(state) < _PROGRESS.index(delivery.silence)
    return replace(
        delivery,
        state=state,
        reason=None,
        sent_at=delivery.sent_at or at,
        due=delivery.due if waits else None,
        silence=delivery.silence if waits else None,
        arrived=delivery.arrived or state is not State.SENT,
    )


@evolve_delivery.register
def _(fact: facts.NudgeFailed, delivery: Delivery) -> Delivery:
    delivery = _without_doubt(delivery, fact.attempt)
    accepted = tuple(each for each in delivery.accepted if each != fact.attempt)
    planned_anew = delivery.attempted_at is None
    if planned_anew or fact.attempt < delivery.attempt or delivery.state in _ARRIVED:
        return _without_support(replace(delivery, accepted=accepted), fact.reason)
    exhausted = _with(delivery.exhausted, delivery.channel if fact.gave_up else None)
    went = replace(delivery, accepted=accepted)
    maybe = bool(accepted) or delivery.uncertain
    state = state_so_far(went) if maybe and fact.retry_at is None else State.FAILED
    return replace(
        delivery,
        state=state,
        due=fact.retry_at,
        exhausted=exhausted,
        reason=fact.reason,
        accepted=accepted,
        silence=None,
        ask_at=None,
    )


def _without_support(delivery: Delivery, reason: str) -> Delivery:
    """Set the delivery to failed if, now that the attempt that counted has failed, no earlier one may have gone."""
    supported = delivery.accepted or delivery.uncertain or delivery.state not in {State.SENT, State.UNKNOWN}
    return delivery if supported else replace(delivery, state=State.FAILED, reason=reason)


@evolve_delivery.register
def _(fact: facts.NudgeUnknown, delivery: Delivery) -> Delivery:
    if fact.attempt < delivery.attempt or delivery.state in _PROGRESS:
        return delivery
    awaited = State.DELIVERED if fact.silent_at is not None else None
    undecided = delivery.doubtful if fact.ask_at is not None else None
    return replace(
        delivery,
        state=State.UNKNOWN if fact.retry_at or fact.ask_at else state_so_far(delivery),
        due=fact.ask_at or fact.retry_at or fact.silent_at,
        reason=fact.reason,
        uncertain=True,
        silence=awaited,
        doubtful=delivery.provider if fact.retry_at is not None else undecided,
        doubts=(*(each for each in delivery.doubts if each != fact.attempt), fact.attempt),
        ask_at=fact.ask_at,
    )


@evolve_delivery.register
def _(fact: facts.NudgeRenewed, delivery: Delivery) -> Delivery:
    """Try these channels again, unless a receipt of success came meanwhile."""
    if delivery.state is not State.FAILED or delivery.due is not None:
        return delivery
    exhausted = tuple(each for each in delivery.exhausted if each not in fact.channels)
    return replace(delivery, state=State.DEFERRED, due=fact.at, exhausted=exhausted, reason=None, since=None)


@evolve_delivery.register
def _(fact: facts.NudgeResolved, delivery: Delivery) -> Delivery:
    """Decide an unresolved delivery: ask again, close it, or retry. News that came meanwhile stands.

    A receipt that was brought is a fact of its own, and changes the delivery itself.
    """
    if fact.how == "receipt" or fact.attempt != delivery.attempt or not delivery.is_unresolved:
        return delivery
    if fact.how == "ask":
        return replace(delivery, due=fact.at, ask_at=fact.at)
    if fact.how == "close":
        return replace(delivery, closed=True)
    exhausted = tuple(each for each in delivery.exhausted if each != delivery.channel)
    return replace(
        delivery,
        state=State.DEFERRED,
        due=fact.at,
        exhausted=exhausted,
        reason=None,
        since=None,
        uncertain=False,
        doubts=(),
        doubtful=None,
    )
