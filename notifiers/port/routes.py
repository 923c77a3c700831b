"""Several providers of one channel: by weight, past those that are in trouble, and back when they recover."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from typing import cast
from uuid import UUID

from purgatory.domain.model import Context, OpenedState

from domain.facts.receipts import PROVIDER_FAILURES
from notifiers.port.interface import (
    Accepted,
    Askable,
    Connecting,
    GiveUp,
    Inquiry,
    Message,
    Notifier,
    Outcome,
    Reason,
    RetryLater,
    StatusAnswer,
    Unknown,
)
from notifiers.port.standing import MOST_PATIENCE, Standing

FAILURES, RECOVERY_SECONDS = 3, 30.0
"""So many batches in a row that go wrong close a provider's door, for so long; then one message tries it."""
HALF_OPEN = "half-opened"
PATIENCE = timedelta(minutes=1)
"""For so long a provider is not tried that asks for patience without saying how long."""


def in_trouble(outcome: Outcome) -> bool:
    """Return True if the outcome speaks against the provider."""
    return isinstance(outcome, RetryLater | Unknown) and outcome.reason in PROVIDER_FAILURES


def is_busy(outcome: Outcome) -> bool:
    """Return True if the provider asks us to come again."""
    return isinstance(outcome, RetryLater) and outcome.reason is Reason.BUSY


def is_for_another(outcome: Outcome) -> bool:
    """Return True if another provider may do better."""
    return in_trouble(outcome) or is_busy(outcome)


def went_wrong(outcomes: Sequence[Outcome], *, slowly: bool) -> bool:
    """Return True if a batch speaks against the provider: half of it does, all of it is put off, or it took too long.

    One message that got no answer says nothing about a provider that takes the others, nor about its speed.
    """
    if outcomes and all(map(is_for_another, outcomes)):
        return True
    troubled = sum(map(in_trouble, outcomes))
    return 2 * troubled >= len(outcomes) if troubled else slowly


class TimedSwitch:
    """A while that ends by itself, if nobody ends it before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._until = clock, -math.inf

    def begin(self, seconds: float) -> None:
        """Turn it on for at least so many seconds."""
        self._until = max(self._until, self._clock() + seconds)

    def end(self) -> None:
        """Turn it off."""
        self._until = -math.inf

    @property
    def left(self) -> float:
        """Return the seconds for which it is still on; 0 where it is not."""
        return max(0.0, self._until - self._clock())


class _Trouble(Exception):
    """A batch went wrong, or took too long."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider by its name in the settings, with how it is used.

    `weight`: its share of the channel's messages; `slow`: seconds for a batch that count as a failure; `rate`: the
    messages a second that it takes at most (None: as many as it can). `trial`: one message looks whether it is well
    again, and nobody else is sent there until that is known, or its time is over, as it may never be sent after all.
    `patience`: it asked for some; then not even one looks. `standing`: what it said of addresses. `calls`: whether it
    may call us. `on_outcomes`: gets the outcomes of each batch (None: its notifier failed by a defect).
    """

    name: str
    notifier: Notifier
    weight: float = 1.0
    slow: float = 10.0
    rate: float | None = None
    breaker: Context = field(default_factory=lambda: Context("provider", FAILURES, RECOVERY_SECONDS))
    trial: TimedSwitch = field(default_factory=TimedSwitch)
    patience: TimedSwitch = field(default_factory=TimedSwitch)
    standing: Standing = field(default_factory=lambda: Standing(before=0))
    calls: bool = False
    on_outcomes: Callable[[Sequence[Outcome | None]], None] = field(default=lambda _: None, repr=False)

    @property
    def may_report(self) -> bool:
        """Return True if it may report the outcome of a message, over its link or by a call."""
        return self.calls or self.notifier.reports

    def knows_addresses(self) -> bool:
        """Return True if its refusal of an address counts: it did not just refuse everybody."""
        return not self.standing.refuses_us

    @property
    def is_elsewhere(self) -> bool:
        """Return True if another process has the only link there may be; most kinds of provider allow any number."""
        return bool(getattr(self.notifier, "elsewhere", False))

    @property
    def ask_after(self) -> timedelta | None:
        """Return the time after which an attempt without an outcome is asked about; None: it cannot be."""
        after: timedelta | None = getattr(self.notifier, "ask_after", None)
        return after

    async def ask(self, inquiry: Inquiry) -> StatusAnswer:
        """Ask for the outcome of an attempt; its circuit breaker has nothing to do with that."""
        try:
            async with asyncio.timeout(self.notifier.longest):
                return await cast("Askable", self.notifier).ask(inquiry)  # whoever has `ask_after` is one
        except TimeoutError:
            return Unknown(Reason.TIMED_OUT)

    def is_open(self) -> bool:
        """Return True if messages may be sent to it. After a while a closed provider is tried again."""
        if self.is_elsewhere or self.patience.left:
            return False
        try:
            self.breaker.handle_new_request()
        except OpenedState:
            return False
        return not self.trial.left

    def enter(self) -> bool:
        """Return True if a message may go there now. The first one after a pause is the trial."""
        if not self.is_open():
            return False
        if self.breaker.state == HALF_OPEN:
            self.trial.begin(self.notifier.longest)
        return True

    async def ready(self) -> RetryLater | None:
        """Wait until a message could leave, where it keeps links open; return why none can: see `retry_later`."""
        if self.patience.left or not hasattr(self.notifier, "ready"):
            return None
        return await cast("Connecting", self.notifier).ready()

    def retry_later(self, messages: Sequence[Message], why: RetryLater) -> Sequence[Outcome]:
        """Return the outcomes of a batch for which no link could be opened, and learn from it."""
        return self._learnt([why] * len(messages), slowly=False)

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send a batch, and learn from it; while it asks for patience it is not called."""
        if left := self.patience.left:
            return [RetryLater(timedelta(seconds=left), Reason.BUSY, everybody=True)] * len(messages)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            outcomes = await self.notifier.send(messages)
        except Exception:
            self.on_outcomes([None] * len(messages))
            raise
        return self._learnt(outcomes, slowly=loop.time() - begun > self.slow)

    def _learnt(self, outcomes: Sequence[Outcome], *, slowly: bool) -> Sequence[Outcome]:
        self.on_outcomes(outcomes)
        self._learn(outcomes)
        if went_wrong(outcomes, slowly=slowly):
            self.breaker.handle_exception(_Trouble())
        else:
            self.breaker.handle_end_request()
        self.trial.end()
        self.breaker.messages.clear()  # nobody subscribes to them
        return outcomes

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        takes = any(isinstance(each, Accepted) for each in outcomes)
        for outcome in outcomes:
            match outcome:
                case Accepted():
                    self.standing.note_accepted()
                case GiveUp(Reason.BAD_ADDRESS):
                    self.standing.note_refused()
                case RetryLater(None, everybody=True) if not takes:  # else it was one connection too many
                    self.patience.begin(PATIENCE.total_seconds())
                case RetryLater(timedelta() as after, everybody=True):
                    self.patience.begin(min(after, MOST_PATIENCE).total_seconds())


class Route:
    """The providers of one channel."""

    def __init__(self, channel: str, providers: Sequence[Provider]) -> None:
        self.channel = channel
        self.providers = tuple(providers)

    def named(self, name: str | None) -> Provider | None:
        """Return the provider of that name."""
        return next((each for each in self.providers if each.name == name), None)

    def choose(self, nudge: UUID, address: str, *, avoid: str | None = None) -> Provider:
        """Return the provider for an address: by weight, the same for a nudge as long as its doors are open.

        `avoid`: the provider that failed it just now, which is taken only where there is no other. Where all doors
        are closed, the first one is tried all the same: only that tells when it is open again. One that asked for
        patience is the last.
        """
        ranked = self._ranked(nudge, address, avoid)
        return next((each for each in ranked if each.enter()), None) or _soonest(ranked)

    def likely(self, nudge: UUID, address: str, *, avoid: str | None = None) -> Provider:
        """Return the one that would be chosen now; nobody is let in by that."""
        ranked = self._ranked(nudge, address, avoid)
        return next((each for each in ranked if each.is_open()), None) or _soonest(ranked)

    def _ranked(self, nudge: UUID, address: str, avoid: str | None) -> Sequence[Provider]:
        if len(self.providers) == 1:
            return self.providers
        fitting = [each for each in self.providers if each.notifier.reaches(address)] or list(self.providers)
        return sorted(fitting, key=lambda each: (each.name == avoid, -_share(nudge, each)))

    def others(self, address: str, than: str) -> Iterator[Provider]:
        """Return the other providers that could be tried now."""
        return (
            each for each in self.providers if each.name != than and each.notifier.reaches(address) and each.is_open()
        )

    async def start(self) -> None:
        """Begin to listen for what comes back."""
        await asyncio.gather(*(each.notifier.start() for each in self.providers))

    async def aclose(self) -> None:
        """Close all links."""
        await asyncio.gather(*(each.notifier.aclose() for each in self.providers))


def single_routes(notifiers: Mapping[str, Notifier]) -> dict[str, Route]:
    """Return a route for each channel by one notifier, which has the channel's name."""
    return {channel: Route(channel, [Provider(channel, notifier)]) for channel, notifier in notifiers.items()}


def _soonest(ranked: Sequence[Provider]) -> Provider:
    """Return the first of those that can be tried soonest."""
    return min(ranked, key=lambda each: each.patience.left)


def _share(nudge: UUID, provider: Provider) -> float:
    """Weighted rendezvous hashing (Schindelhauer and Schomaker, 2005): shares by weight, and nothing to remember."""
    drawn = int.from_bytes(blake2b(nudge.bytes + provider.name.encode(), digest_size=8).digest())
    return -provider.weight / math.log((drawn + 1) / 2**64) if drawn + 1 < 2**64 else math.inf
