from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifiers.port.contract import NotifierContract, Provider
from notifiers.port.interface import Notifier
from tests.notifiers.gateway import gateway, http, sms_by
from tests.notifiers.sms_helpers import number
from tests.services.delay import far_away
from tests.services.ports import kept_port

GARBAGE = b"\xff\xfe\x00garbage that is no HTTP\r\n\r\n"


class TestHttpSms(NotifierContract):
    channel = "sms"
    limit = 0.8
    bad_address = "+7 000 000 00 00"
    garbage = GARBAGE

    @asynccontextmanager
    async def facing(self, provider: Provider) -> AsyncIterator[Notifier]:
        impatient = {"connect_timeout": 0.2, "timeout": 0.4, "begin": 0.4} if provider is Provider.HUNG else {}
        async with self._port(provider) as port, sms_by(port, **impatient) as notifier:
            yield notifier

    @asynccontextmanager
    async def _port(self, provider: Provider) -> AsyncIterator[int]:
        match provider:
            case Provider.WELL:
                async with gateway() as peer:
                    yield peer.port
            case Provider.DEAD:
                with kept_port() as kept:
                    yield kept.getsockname()[1]
            case Provider.HUNG:
                async with gateway(None) as peer:
                    yield peer.port
            case Provider.GARBLED:
                async with gateway(self.garbage) as peer:
                    yield peer.port

    def address(self, number_: int) -> str:
        return number(number_)


class TestHttpSmsWithOddWords(TestHttpSms):
    """The same promises, with a gateway whose status is right and whose words are not its own."""

    garbage = http(200, b"<html>Welcome to our network</html>")


class TestHttpSmsFarAway(TestHttpSms):
    """The same promises, with a gateway that is 20 ms away."""

    limit = 1.2

    @asynccontextmanager
    async def _port(self, provider: Provider) -> AsyncIterator[int]:
        async with super()._port(provider) as port, far_away(port, round_trip=0.02) as far:
            yield port if provider is Provider.DEAD else far  # the proxy is not dead
