"""Several providers of one channel: by weight, past those that are in trouble, and back when they recover."""

import asyncio
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from uuid import UUID

from purgatory.domain.model import Context, OpenedState

from domain.receipts import OF_THE_PROVIDER
from notifiers.port import Accepted, GiveUp, Message, Notifier, Outcome, Reason, RetryLater, Unknown

FAILURES, RECOVERY_SECONDS = 3, 30.0
"""So many batches in a row that go wrong close a provider's door, for so long; then one message tries it."""
HALF_OPEN = "half-opened"


def in_trouble(outcome: Outcome) -> bool:
    """Whether the outcome speaks against the provider."""
    return isinstance(outcome, RetryLater | Unknown) and outcome.reason in OF_THE_PROVIDER


def is_busy(outcome: Outcome) -> bool:
    """Whether the provider asks us to come again."""
    return isinstance(outcome, RetryLater) and outcome.reason is Reason.BUSY


def is_for_another(outcome: Outcome) -> bool:
    """Whether another provider may do better."""
    return in_trouble(outcome) or is_busy(outcome)


def went_wrong(outcomes: Sequence[Outcome], *, slowly: bool) -> bool:
    """Whether a batch speaks against the provider: half of it does, all of it is put off, or it took too long.

    One message that got no answer says nothing about a provider that takes the others, nor about how fast it is.
    """
    if outcomes and all(map(is_for_another, outcomes)):
        return True
    troubled = sum(map(in_trouble, outcomes))
    return 2 * troubled >= len(outcomes) if troubled else slowly


class _Trial:
    """The one message that looks whether a provider recovered: nobody else is sent there until it is known."""

    def __init__(self) -> None:
        self._until = -math.inf

    def begin(self, seconds: float) -> None:
        """It takes at most so long; what is never sent after all tells nothing, and another one may try then."""
        self._until = time.monotonic() + seconds

    def end(self) -> None:
        """It is known."""
        self._until = -math.inf

    def is_on(self) -> bool:
        """Whether it is waited for."""
        return time.monotonic() < self._until


class _Row:
    """How many addresses a provider refused one after another; many at once are not wrong: something of ours is."""

    MANY = 5

    def __init__(self) -> None:
        self._refused = 0

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """It said this."""
        for outcome in outcomes:
            if isinstance(outcome, GiveUp) and outcome.reason is Reason.BAD_ADDRESS:
                self._refused += 1
            elif isinstance(outcome, Accepted):
                self._refused = 0

    @property
    def is_long(self) -> bool:
        """Whether it refused so many that it is not about the addresses."""
        return self._refused >= self.MANY


class _Trouble(Exception):
    """A batch went wrong, or took too long."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider by its name in the settings, with how it is used.

    `weight`: its share of the channel's messages; `slow`: seconds for a batch that count as a failure; `rate`: the
    messages a second that it takes at most (None: as many as it can).
    """

    name: str
    notifier: Notifier
    weight: float = 1.0
    slow: float = 10.0
    rate: float | None = None
    breaker: Context = field(default_factory=lambda: Context("provider", FAILURES, RECOVERY_SECONDS))
    trial: _Trial = field(default_factory=_Trial)
    row: _Row = field(default_factory=_Row)

    def knows_addresses(self) -> bool:
        """Whether its word about an address counts: it refused not just everybody."""
        return not self.row.is_long

    @property
    def is_elsewhere(self) -> bool:
        """Whether another process has the only link there may be; most kinds of provider allow any number."""
        return bool(getattr(self.notifier, "elsewhere", False))

    def is_open(self) -> bool:
        """Whether its door is open; after a while one looks again."""
        if self.is_elsewhere:
            return False
        try:
            self.breaker.handle_new_request()
        except OpenedState:
            return False
        return not self.trial.is_on()

    def enter(self) -> bool:
        """Whether a message may go there now; the first one after a while is the one that looks."""
        if not self.is_open():
            return False
        if self.breaker.state == HALF_OPEN:
            self.trial.begin(self.notifier.longest)
        return True

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send a batch, and learn from it."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        outcomes = await self.notifier.send(messages)
        self.row.note(outcomes)
        if went_wrong(outcomes, slowly=loop.time() - begun > self.slow):
            self.breaker.handle_exception(_Trouble())
        else:
            self.breaker.handle_end_request()
        self.trial.end()
        self.breaker.messages.clear()  # nobody subscribes to them
        return outcomes


class Route:
    """The providers of one channel."""

    def __init__(self, channel: str, providers: Sequence[Provider]) -> None:
        self.channel = channel
        self.providers = tuple(providers)

    def named(self, name: str | None) -> Provider | None:
        """The provider of that name."""
        return next((each for each in self.providers if each.name == name), None)

    def choose(self, nudge: UUID, address: str, *, avoid: str | None = None) -> Provider:
        """The provider for an address: by weight, the same for a nudge as long as its doors are open.

        `avoid`: the provider that failed it just now, which is taken only where there is no other. Where all doors
        are closed, the first one is tried all the same: only that tells when it is open again.
        """
        ranked = self._ranked(nudge, address, avoid)
        return next((each for each in ranked if each.enter()), ranked[0])

    def likely(self, nudge: UUID, address: str, *, avoid: str | None = None) -> Provider:
        """The one that would be chosen now; nobody is let in by that."""
        ranked = self._ranked(nudge, address, avoid)
        return next((each for each in ranked if each.is_open()), ranked[0])

    def _ranked(self, nudge: UUID, address: str, avoid: str | None) -> Sequence[Provider]:
        if len(self.providers) == 1:
            return self.providers
        fitting = [each for each in self.providers if each.notifier.reaches(address)] or list(self.providers)
        return sorted(fitting, key=lambda each: (each.name == avoid, -_share(nudge, each)))

    def others(self, address: str, than: str) -> Iterator[Provider]:
        """The other providers that could be tried now."""
        return (
            each for each in self.providers
            if each.name != than and each.notifier.reaches(address) and each.is_open()
        )  # fmt: skip

    async def start(self) -> None:
        """Begin to listen for what comes back."""
        await asyncio.gather(*(each.notifier.start() for each in self.providers))

    async def aclose(self) -> None:
        """Close all links."""
        await asyncio.gather(*(each.notifier.aclose() for each in self.providers))


def single_routes(notifiers: Mapping[str, Notifier]) -> dict[str, Route]:
    """Each channel by one notifier, which is called like the channel."""
    return {channel: Route(channel, [Provider(channel, notifier)]) for channel, notifier in notifiers.items()}


def _share(nudge: UUID, provider: Provider) -> float:
    """Weighted rendezvous hashing (Schindelhauer and Schomaker, 2005): shares by weight, and nothing to remember."""
    drawn = int.from_bytes(blake2b(nudge.bytes + provider.name.encode(), digest_size=8).digest())
    return -provider.weight / math.log((drawn + 1) / 2**64) if drawn + 1 < 2**64 else math.inf
