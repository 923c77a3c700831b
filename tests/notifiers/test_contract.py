import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifiers.contract import NotifierContract, Provider
from notifiers.fake import FakeNotifier
from notifiers.port import Message, Notifier, Reason, Unknown
from tests.notifiers.letters import email_to
from tests.notifiers.peers import GARBAGE, Act, Box, real, scripted


class TestFake(NotifierContract):
    channel = "push"
    limit = 0.2
    bad_address = "no such device\n"

    @asynccontextmanager
    async def facing(self, provider: Provider) -> AsyncIterator[Notifier]:
        garbled = [Unknown(Reason.GARBLED)] * 6
        notifier = {
            Provider.WELL: FakeNotifier(self.channel, []),
            Provider.DEAD: FakeNotifier(self.channel, _dead),
            Provider.HUNG: FakeNotifier(self.channel, _hung, limit=self.limit),
            Provider.GARBLED: FakeNotifier(self.channel, [], script=garbled),
        }[provider]
        yield notifier
        await notifier.aclose()

    def address(self, number: int) -> str:
        return f"device-{number}"


class TestEmail(NotifierContract):
    channel = "email"
    limit = 0.8
    bad_address = "nobody@@nowhere.test"

    @asynccontextmanager
    async def facing(self, provider: Provider) -> AsyncIterator[Notifier]:
        limits = {"connect": 0.2, "envelope": 0.2, "final": 0.2, "begin": 0.2} if provider is Provider.HUNG else {}
        async with self._port(provider) as port, email_to(port, limits=limits) as notifier:
            yield notifier

    @asynccontextmanager
    async def _port(self, provider: Provider) -> AsyncIterator[int]:
        match provider:
            case Provider.WELL:
                async with real(Box()) as port:
                    yield port
            case Provider.DEAD:
                async with scripted() as peer:
                    port = peer.port
                yield port
            case Provider.HUNG:
                async with scripted(greeting=Act.HANG) as peer:
                    yield peer.port
            case Provider.GARBLED:
                async with scripted(greeting=GARBAGE) as peer:
                    yield peer.port

    def address(self, number: int) -> str:
        return f"citizen{number}@mail.test"


async def _dead(_message: Message) -> None:
    raise ConnectionRefusedError


async def _hung(_message: Message) -> None:
    await asyncio.Event().wait()
