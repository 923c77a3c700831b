"""Half-open connections to providers: one that was well falls silent, or is gone without a farewell."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from notifiers.port.contract import BUSY_MACHINE_SECONDS
from notifiers.port.interface import Message, Notifier, Outcome, RetryLater, Unknown
from tests.faults.wire import Wire, wire
from tests.notifiers.browsers import Browser, push, web_push
from tests.notifiers.gateway import gateway, sms_by
from tests.notifiers.google import made_google
from tests.notifiers.http_peers import http_peer
from tests.notifiers.sms_helpers import sms, sms_to, until_taken
from tests.notifiers.smsc import scripted_centre

LIMITS: Any = {"connect_timeout": 0.3, "timeout": 0.4}
FAR_LIMITS: Any = {"connect_timeout": 0.8, "timeout": 1.0}  # a process of its own
SMPP_LIMITS: Any = {"connect": 0.3, "response": 0.3, "begin": 0.3}
Sends = tuple[Notifier, Message, Wire]


@asynccontextmanager
async def smpp(_: Path) -> AsyncIterator[Sends]:
    """An SMS centre."""
    async with scripted_centre() as centre:
        with wire(centre.port) as line:
            async with sms_to(line.port, limits=SMPP_LIMITS) as notifier:
                yield notifier, sms(), line


@asynccontextmanager
async def sms_gateway(_: Path) -> AsyncIterator[Sends]:
    """A gateway over HTTP."""
    async with gateway() as peer:
        with wire(peer.port) as line:
            async with sms_by(line.port, **LIMITS) as notifier:
                yield notifier, sms(), line


@asynccontextmanager
async def push_service(folder: Path) -> AsyncIterator[Sends]:
    """A push service of browsers."""
    async with http_peer() as peer:
        with wire(peer.port) as line:
            async with web_push(folder, line.port, **LIMITS) as notifier:
                yield notifier, push(Browser().address(f"http://127.0.0.1:{line.port}/push/1")), line


@asynccontextmanager
async def fcm(folder: Path) -> AsyncIterator[Sends]:
    """Firebase, over HTTP/2."""
    google = made_google(folder)
    async with google.listening() as port:
        with wire(port) as line:
            async with google.sending(line.port, **FAR_LIMITS) as notifier:
                yield notifier, push("phone-1:APA91b_x"), line


@pytest.mark.parametrize("provider", [smpp, sms_gateway, push_service, fcm])
async def test_a_provider_that_falls_silent_holds_nobody(
    tmp_path: Path, provider: Callable[[Path], AbstractAsyncContextManager[Sends]]
) -> None:
    """Each send ends by its own limit and takes nothing for sent; on a connection that is well it goes on."""
    async with provider(tmp_path) as (notifier, message, line), asyncio.timeout(BUSY_MACHINE_SECONDS):
        await until_taken(notifier, message)
        line.swallows = True
        assert isinstance(await sent(notifier, message), RetryLater | Unknown)
        line.swallows = False
        await until_taken(notifier, message)
        line.vanish()
        assert isinstance(await sent(notifier, message), RetryLater | Unknown)


async def sent(notifier: Notifier, message: Message) -> Outcome:
    """What came of it."""
    (outcome,) = await notifier.send([message])
    return outcome
