"""An SMS gateway for tests that does over HTTP what a script says, and the notifiers that call it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext
from typing import Any
from urllib.parse import parse_qs, urlsplit

from notifiers.sms.http.notifier import HttpSmsNotifier
from notifiers.sms.http.options import HttpSmsOptions
from tests.notifiers.sms_helpers import AT

TAKEN = b"0: Accepted for delivery"


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Gateway:
    """Answers each request with the next of `answers`, whose last one stays; None is no answer, b"" a hang-up.

    `requests` has what came: method, path, parameters, headers and body.
    """

    def __init__(self, answers: Sequence[bytes | None]) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client until either side has enough."""
        self._tasks.append(asyncio.current_task())
        self._writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while (answer := await self._answer(reader)) != b"":
                writer.write(answer or b"")
                await writer.drain()
        writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *rest = head.strip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = dict(line.lower().split(": ", 1) for line in rest)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        parameters = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        self.requests.append(
            {
                "method": method,
                "path": urlsplit(target).path,
                "parameters": parameters,
                "headers": headers,
                "body": body,
            }
        )
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def hang_up(self) -> None:
        """Cut every connection."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*(task for task in self._tasks if task), return_exceptions=True)


class Book(Gateway):
    """A gateway that keeps what it takes by our `id`, and can be asked by it at /status.

    `script` has for each message in turn whether it takes it and whether it answers; then it does both. `dumb`: so
    many of the next questions get no answer. `held`: how often each id was taken, `told`: how often each number.
    """

    def __init__(self, *script: tuple[bool, bool], dumb: int = 0) -> None:
        super().__init__([])
        self.script, self.dumb, self.status = list(script), dumb, "accepted"
        self.held: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.questions: list[Mapping[str, str]] = []

    async def _answer(self, reader: asyncio.StreamReader) -> bytes | None:
        self.answers = [b""]
        await super()._answer(reader)
        request = self.requests[-1]
        id_ = request["parameters"]["id"]
        if request["path"] == "/status":
            self.questions.append(request["parameters"])
            self.dumb -= 1
            return b"" if self.dumb >= 0 else http(200, f"<{self.status if self.held[id_] else 'never'}>".encode())
        takes, answers = self.script.pop(0) if self.script else (True, True)
        self.held[id_] += takes
        self.told[request["parameters"]["to"]] += takes
        return http(202, TAKEN) if answers else b""


HANDED_IN = {"to": "{digits}", "text": "{text}", "id": "{reference}"}


def by_status(port: int, **others: Any) -> dict[str, Any]:
    """The settings by which a Book is asked."""
    query = {
        "url": f"http://127.0.0.1:{port}/status",
        "parameters": {"phone": "{digits}", "id": "{reference}"},
        "delivered": "<delivered>",
        "failed": "<failed>",
        "accepted": "<accepted>",
        "never_came": "<never>",
    }
    return {"parameters": HANDED_IN, "query": query | others}


@asynccontextmanager
async def book(*script: tuple[bool, bool], dumb: int = 0) -> AsyncIterator[Book]:
    """A gateway that keeps a book."""
    peer = Book(*script, dumb=dumb)
    async with _listening(peer):
        yield peer


@asynccontextmanager
async def _listening(peer: Gateway, tls: SSLContext | None = None) -> AsyncIterator[None]:
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        await peer.hang_up()


@asynccontextmanager
async def gateway(*answers: bytes | None, tls: SSLContext | None = None) -> AsyncIterator[Gateway]:
    """A gateway that gives these answers; it takes everything if there are none."""
    peer = Gateway(answers or [http(202, TAKEN)])
    async with _listening(peer, tls):
        yield peer


def options(url: str, **others: Any) -> HttpSmsOptions:
    """Settings for the gateway at this address."""
    settings = {"url": url, "username": "habarshy", "password": "secret", "sender": "1414", "region": "KZ"}
    patient = {"connect_timeout": 20.0, "timeout": 40.0}
    return HttpSmsOptions.model_validate(settings | patient | others)


@asynccontextmanager
async def sms_by(target: int | str, /, **others: Any) -> AsyncIterator[HttpSmsNotifier]:
    """A notifier for the gateway at this address, or on this port; its clock stands still."""
    url = target if isinstance(target, str) else f"http://127.0.0.1:{target}/cgi-bin/sendsms"
    notifier = HttpSmsNotifier(options(url, **others), lambda: AT)
    try:
        yield notifier
    finally:
        await notifier.aclose()
