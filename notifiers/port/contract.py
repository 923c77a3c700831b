"""The promises of every notifier, as tests.

Subclass `NotifierContract` as `Test…` and say how to reach each state.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from uuid import UUID

from notifiers.port.interface import (
    Accepted,
    Askable,
    GiveUp,
    Inquiry,
    Message,
    NeverCame,
    Notifier,
    Outcome,
    Reason,
    Report,
    RetryLater,
    StatusAnswer,
    Unknown,
)

BUSY_MACHINE_SECONDS = 60.0
"""Seconds after which what has a limit of its own has none, however busy the machine is."""


class Provider(StrEnum):
    """The behaviour of the provider while a promise is tested."""

    WELL = "well"
    DEAD = "dead"  # nobody listens there
    HUNG = "hung"  # it takes the connection and says nothing
    GARBLED = "garbled"  # it answers with bytes that mean nothing


class NotifierContract(ABC):
    """The promises of `notifiers.port.interface.Notifier`.

    `channel` and `limit` are the channel of the notifiers under test and the seconds within which their `send`
    has to return.
    """

    channel: str
    limit: float
    bad_address: str

    @abstractmethod
    def facing(self, provider: Provider) -> AbstractAsyncContextManager[Notifier]:
        """Return a notifier whose provider behaves so; both are gone at the end."""

    @abstractmethod
    def address(self, number: int) -> str:
        """Return a good address for each number."""

    def message(self, number: int, *, attempt: int = 1, address: str | None = None) -> Message:
        """Return the message with this number; the same nudge and recipient at every attempt."""
        return Message(
            nudge=UUID(int=number + 1),
            attempt=attempt,
            channel=self.channel,
            recipient=f"person-{number}",
            address=self.address(number) if address is None else address,
            language="kk",
            title="Жеке куәлік",
            text=f"Мерзімі аяқталады: {number}",
        )

    async def send(self, notifier: Notifier, messages: Sequence[Message]) -> list[Outcome]:
        """Send within the limit, or fail; what is added for a busy machine is less than for ever."""
        async with asyncio.timeout(self.limit + BUSY_MACHINE_SECONDS):
            return list(await notifier.send(messages))

    async def test_one_outcome_a_message_in_their_order(self) -> None:
        """A batch gives one outcome a message, each in its message's place."""
        batch = [self.message(n, address=self.bad_address if n % 3 == 1 else None) for n in range(8)]
        async with self.facing(Provider.WELL) as notifier:
            outcomes = await self.send(notifier, batch)
        assert [type(outcome) for outcome in outcomes] == [GiveUp if n % 3 == 1 else Accepted for n in range(8)]

    async def test_every_accepted_message_has_its_own_reference(self) -> None:
        """Receipts can be told apart: no two messages share a reference."""
        batch = [self.message(n) for n in range(5)]
        async with self.facing(Provider.WELL) as notifier:
            outcomes = await self.send(notifier, batch)
        references = {outcome.reference for outcome in outcomes if isinstance(outcome, Accepted)}
        assert len(references - {""}) == len(batch)

    async def test_an_empty_batch_is_no_trouble(self) -> None:
        """An empty batch gives an empty answer, even when nobody could be reached."""
        async with self.facing(Provider.DEAD) as notifier:
            assert await self.send(notifier, []) == []

    async def test_the_key_is_stable(self) -> None:
        """The idempotency key outlives attempts and changes of address, and tells nudges apart."""
        first, again = self.message(1), self.message(1, attempt=2, address=self.address(7))
        assert first.key == again.key
        assert first.key != self.message(2).key

    async def test_a_bad_address_is_given_up(self) -> None:
        """A message that can never arrive is not tried again."""
        async with self.facing(Provider.WELL) as notifier:
            (outcome,) = await self.send(notifier, [self.message(1, address=self.bad_address)])
        assert isinstance(outcome, GiveUp)
        assert outcome.reason is Reason.BAD_ADDRESS

    async def test_a_dead_provider_means_later(self) -> None:
        """Without a provider nothing has gone, and everything may be tried again."""
        async with self.facing(Provider.DEAD) as notifier:
            outcomes = await self.send(notifier, [self.message(n) for n in range(6)])
        assert [type(outcome) for outcome in outcomes] == [RetryLater] * 6

    async def test_a_hung_provider_holds_nobody(self) -> None:
        """A provider that says nothing is left within the limit, and nothing counts as sent."""
        batch = [self.message(n) for n in range(6)]
        async with self.facing(Provider.HUNG) as notifier:
            outcomes = await self.send(notifier, batch)
        assert len(outcomes) == len(batch)
        assert all(isinstance(outcome, RetryLater | Unknown) for outcome in outcomes)

    async def test_garbage_is_no_success(self) -> None:
        """Meaningless answers neither raise nor count as sent."""
        batch = [self.message(n) for n in range(6)]
        async with self.facing(Provider.GARBLED) as notifier:
            outcomes = await self.send(notifier, batch)
        assert len(outcomes) == len(batch)
        assert all(isinstance(outcome, RetryLater | Unknown) for outcome in outcomes)

    async def test_batches_run_at_the_same_time(self) -> None:
        """Concurrent batches don't mix up their outcomes."""
        batches = [
            [self.message(10 * b + n, address=self.bad_address if n == b else None) for n in range(4)]
            for b in range(4)
        ]
        async with self.facing(Provider.WELL) as notifier:
            answers = await asyncio.gather(*(self.send(notifier, batch) for batch in batches))
        given_up = [[n for n, outcome in enumerate(answer) if isinstance(outcome, GiveUp)] for answer in answers]
        assert given_up == [[0], [1], [2], [3]]
        assert [len(answer) for answer in answers] == [len(batch) for batch in batches]

    async def test_closing_is_final_and_repeatable(self) -> None:
        """A closed notifier may be closed again, and puts off what it is given."""
        async with self.facing(Provider.WELL) as notifier:
            await self.send(notifier, [self.message(1)])
            await notifier.aclose()
            await notifier.aclose()
            (outcome,) = await self.send(notifier, [self.message(2)])
        assert outcome == RetryLater(None, Reason.CLOSED)

    async def test_nothing_shows_whom_or_what(self) -> None:
        """Neither a message nor an outcome prints the address or the words."""
        message, bad = self.message(1), self.message(2, address=self.bad_address)
        async with self.facing(Provider.WELL) as notifier:
            shown = f"{message!r}{message}{bad!r}{await self.send(notifier, [message, bad])!r}"
        for secret in (message.address, message.text, message.title, message.recipient, bad.address):
            assert not secret or secret not in shown


class AskableContract(ABC):
    """The promises of `notifiers.port.interface.Askable`, of a notifier whose provider can be asked, within `limit`
    seconds.
    """

    channel: str
    limit: float

    @abstractmethod
    def asking(self, provider: Provider) -> AbstractAsyncContextManager[Askable]:
        """A notifier whose provider behaves so, and that has, if it is well, the attempts with an even number."""

    @abstractmethod
    def address(self, number: int) -> str:
        """Return a good address for each number."""

    def inquiry(self, number: int) -> Inquiry:
        """Return the only attempt at the message with this number."""
        return Inquiry(
            nudge=UUID(int=number + 1),
            attempt=1,
            channel=self.channel,
            recipient=f"person-{number}",
            address=self.address(number),
        )

    async def ask(self, notifier: Askable, number: int) -> StatusAnswer:
        """Ask within the limit, or fail."""
        async with asyncio.timeout(self.limit + BUSY_MACHINE_SECONDS):
            return await notifier.ask(self.inquiry(number))

    async def test_it_says_when_it_can_be_asked(self) -> None:
        """A notifier that can be asked says so, and gives the provider time to process what it was given."""
        async with self.asking(Provider.WELL) as notifier:
            assert notifier.ask_after
            assert notifier.ask_after.total_seconds() > 0

    async def test_what_the_provider_has_it_says(self) -> None:
        """A message that came there is reported as accepted or with its outcome, unlike one that never came."""
        async with self.asking(Provider.WELL) as notifier:
            told = [await self.ask(notifier, number) for number in range(4)]
        assert [isinstance(each, Accepted | Report) for each in told] == [True, False, True, False]
        assert [each for each in told if not isinstance(each, Accepted | Report)] == [NeverCame()] * 2

    async def test_who_cannot_tell_leaves_it_unknown(self) -> None:
        """A provider that is dead, hangs or talks nonsense says nothing: least of all that it never came."""
        for provider in (Provider.DEAD, Provider.HUNG, Provider.GARBLED):
            async with self.asking(provider) as notifier:
                assert isinstance(await self.ask(notifier, 1), Unknown)

    async def test_nothing_shows_who_is_asked_about(self) -> None:
        """Neither a question nor what is told prints the address or the person."""
        async with self.asking(Provider.WELL) as notifier:
            shown = f"{self.inquiry(1)!r}{[await self.ask(notifier, number) for number in (0, 1)]!r}"
        for secret in (self.address(1), "person-1"):
            assert secret not in shown
