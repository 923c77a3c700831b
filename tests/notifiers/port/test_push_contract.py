"""The contract of the notifiers, over both kinds of push."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from notifiers.port.contract import NotifierContract, Provider
from notifiers.port.interface import Notifier
from tests.notifiers.browsers import Browser, web_push
from tests.notifiers.google import Google, made_google
from tests.notifiers.http_peers import GARBAGE, http_peer
from tests.notifiers.peers import Act
from tests.services.delay import far_away
from tests.services.ports import kept_port

HASTY: dict[str, Any] = {"connect_timeout": 0.2, "timeout": 0.4, "begin": 0.2}


class TestWebPush(NotifierContract):
    channel = "push"
    limit = 1.0
    browser = Browser()
    bad_address = browser.address("http://evil.test@127.0.0.1:9/wpush/v2/secret")

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> Iterator[None]:
        """The port stays the same whoever listens there, for it is a part of the addresses."""
        self._folder = tmp_path
        with kept_port() as self._port:
            self._near = self._port
            yield

    @asynccontextmanager
    async def facing(self, provider: Provider) -> AsyncIterator[Notifier]:
        settings: dict[str, Any] = HASTY if provider is Provider.HUNG else {}
        port = self._port.getsockname()[1]
        async with web_push(self._folder, port, **settings) as notifier:
            match provider:
                case Provider.DEAD:
                    yield notifier
                case Provider.WELL:
                    async with http_peer(at=self._near):
                        yield notifier
                case Provider.HUNG:
                    async with http_peer(Act.HANG, at=self._near):
                        yield notifier
                case Provider.GARBLED:
                    async with http_peer(GARBAGE, at=self._near):
                        yield notifier

    def address(self, number: int) -> str:
        return self.browser.address(f"http://127.0.0.1:{self._port.getsockname()[1]}/push/{number}")


class TestWebPushFarAway(TestWebPush):
    """The same promises, with a push service that is 20 ms away."""

    limit = 1.4

    @pytest.fixture(autouse=True)
    def _distance(self, _place: None) -> Iterator[None]:
        with kept_port() as self._near:
            yield

    @asynccontextmanager
    async def facing(self, provider: Provider) -> AsyncIterator[Notifier]:
        between: AbstractAsyncContextManager[object] = nullcontext()
        if provider is not Provider.DEAD:  # the proxy is not dead
            between = far_away(self._near.getsockname()[1], 0.02, at=self._port)
        async with between, super().facing(provider) as notifier:
            yield notifier


class TestFcm(NotifierContract):
    channel = "push"
    limit = 1.8
    bad_address = "gone-1:APA91b_secret"

    @pytest.fixture(autouse=True)
    def _place(self, google: Google) -> None:
        self._google = google

    @asynccontextmanager
    async def facing(self, provider: Provider) -> AsyncIterator[Notifier]:
        match provider:
            case Provider.DEAD:
                with kept_port() as kept:
                    async with self._google.sending(kept.getsockname()[1]) as notifier:
                        yield notifier
            case Provider.WELL:
                async with self._listening("") as port, self._google.sending(port) as notifier:
                    yield notifier
            case Provider.HUNG:
                async with self._listening("hang") as port, self._google.sending(port, **HASTY) as notifier:
                    yield notifier
            case Provider.GARBLED:
                async with self._listening("garbage") as port, self._google.sending(port) as notifier:
                    yield notifier

    def _listening(self, mode: str) -> AbstractAsyncContextManager[int]:
        return self._google.listening(mode)

    def address(self, number: int) -> str:
        return f"phone-{number}:APA91b"


class TestFcmFarAway(TestFcm):
    """The same promises, with FCM and its token service 20 ms away."""

    limit = 2.4

    @asynccontextmanager
    async def _listening(self, mode: str) -> AsyncIterator[int]:
        async with super()._listening(mode) as near, far_away(near, 0.02) as port:
            yield port


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Google:
    """Keys and certificates, made once."""
    return made_google(tmp_path_factory.mktemp("google"))
