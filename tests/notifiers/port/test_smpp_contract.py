from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifiers.port.contract import NotifierContract, Provider
from notifiers.port.interface import Notifier
from tests.notifiers.sms_helpers import number, sms_to
from tests.notifiers.smsc import Act, real_centre, scripted_centre
from tests.services.delay import far_away
from tests.services.ports import kept_port

GARBAGE = b"\xff\xfe\x00garbage that is no SMPP"


class TestSmpp(NotifierContract):
    channel = "sms"
    limit = 0.8
    bad_address = "+7 000 000 00 00"

    @asynccontextmanager
    async def facing(self, provider: Provider) -> AsyncIterator[Notifier]:
        hung = {"connect": 0.2, "response": 0.2, "begin": 0.2}
        async with (
            self._port(provider) as port,
            sms_to(port, limits=hung if provider is Provider.HUNG else {}) as notifier,
        ):
            yield notifier

    @asynccontextmanager
    async def _port(self, provider: Provider) -> AsyncIterator[int]:
        match provider:
            case Provider.WELL:
                async with real_centre() as centre:
                    yield centre.port
            case Provider.DEAD:
                with kept_port() as kept:
                    yield kept.getsockname()[1]
            case Provider.HUNG:
                async with scripted_centre(bind=Act.IGNORE) as peer:
                    yield peer.port
            case Provider.GARBLED:
                async with scripted_centre(bind=GARBAGE) as peer:
                    yield peer.port

    def address(self, number_: int) -> str:
        return number(number_)


class TestSmppOnceBound(TestSmpp):
    """The same promises, with a provider that only begins to misbehave once it has let us in."""

    @asynccontextmanager
    async def _port(self, provider: Provider) -> AsyncIterator[int]:
        match provider:
            case Provider.HUNG:
                async with scripted_centre(submit=Act.IGNORE, enquire=Act.IGNORE, unbind=Act.IGNORE) as peer:
                    yield peer.port
            case Provider.GARBLED:
                async with scripted_centre(submit=GARBAGE) as peer:
                    yield peer.port
            case _:
                async with super()._port(provider) as port:
                    yield port


class TestSmppFarAway(TestSmppOnceBound):
    """The same promises, with a centre that is 20 ms away."""

    limit = 1.2

    @asynccontextmanager
    async def _port(self, provider: Provider) -> AsyncIterator[int]:
        async with super()._port(provider) as port, far_away(port, round_trip=0.02) as far:
            yield port if provider is Provider.DEAD else far  # the proxy is not dead
