import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifiers.port.contract import NotifierContract, Provider
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message, Notifier, Reason, Unknown


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


async def _dead(_message: Message) -> None:
    raise ConnectionRefusedError


async def _hung(_message: Message) -> None:
    await asyncio.Event().wait()
