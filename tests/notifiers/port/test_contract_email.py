from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

import pytest

from notifiers.port.contract import NotifierContract, Provider
from notifiers.port.interface import Notifier
from tests.notifiers.letters import email_to
from tests.notifiers.peers import GARBAGE, Act, Box, real, scripted
from tests.services.delay import far_away
from tests.services.ports import kept_port
from tests.services.sink import sink


class TestEmail(NotifierContract):
    """A server that keeps its letters and one that is fast, here and far away."""

    channel = "email"
    limit = 0.8
    bad_address = "nobody@@nowhere.test"

    @pytest.fixture(params=["aiosmtpd", "smtp-sink"], autouse=True)
    def _server(self, request: pytest.FixtureRequest) -> None:
        self._kind = request.param

    @pytest.fixture(params=[0.0, 0.02], ids=["here", "far away"], autouse=True)
    def _distance(self, request: pytest.FixtureRequest) -> None:
        self._delay = request.param

    @asynccontextmanager
    async def facing(self, provider: Provider) -> AsyncIterator[Notifier]:
        limits = {"connect": 0.2, "envelope": 0.2, "final": 0.2, "begin": 0.2} if provider is Provider.HUNG else {}
        async with (
            self._port(provider) as near,
            far_away(near, self._delay) if self._delay else nullcontext(near) as port,
            email_to(port, limits=limits) as notifier,
        ):
            yield notifier

    @asynccontextmanager
    async def _port(self, provider: Provider) -> AsyncIterator[int]:
        match provider:
            case Provider.WELL:
                async with self._well() as port:
                    yield port
            case Provider.DEAD:
                with kept_port() as kept:
                    yield kept.getsockname()[1]
            case Provider.HUNG:
                async with scripted(greeting=Act.HANG) as peer:
                    yield peer.port
            case Provider.GARBLED:
                async with scripted(greeting=GARBAGE) as peer:
                    yield peer.port

    def _well(self) -> AbstractAsyncContextManager[int]:
        return sink() if self._kind == "smtp-sink" else real(Box())

    def address(self, number: int) -> str:
        return f"citizen{number}@mail.test"
