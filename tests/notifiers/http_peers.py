"""HTTP servers for tests that do what a script says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from socket import socket

from tests.notifiers.peers import Act

OK = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"
GARBAGE = b"\x00\xfe\xff not http \r\n\r\n"
Answer = bytes | Act


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """A response with these header lines."""
    lines = [f"HTTP/1.1 {status} peer", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class RecordedRequest:
    """A request."""

    line: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


async def heard(reader: asyncio.StreamReader) -> RecordedRequest:
    """The next request."""
    line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
    return RecordedRequest(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


class HttpPeer:
    """Answers each request by the script: one answer for always, or a list whose last one stays."""

    def __init__(self, script: Answer | Sequence[Answer]) -> None:
        self._answers = [script] if isinstance(script, bytes | Act) else list(script)
        self.heard: list[RecordedRequest] = []
        self.connections = 0
        self.port = 0
        self.asked = asyncio.Event()
        self.release: asyncio.Event | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client until either side has enough."""
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer):
                pass

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.heard.append(await heard(reader))
        self.asked.set()
        if self.release is not None:
            await self.release.wait()
        said = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(said, Act):
            if said is not Act.CLOSE:
                await reader.read()  # until the client hangs up
            return False
        writer.write(said)
        await writer.drain()
        return True


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve, at: socket | None = None) -> AsyncIterator[int]:
    """The port of a server that gives each connection to `serve`; all are ended with the context."""
    writers: list[asyncio.StreamWriter] = []
    tasks: list[asyncio.Task[None]] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        current = asyncio.current_task()
        assert current is not None
        tasks.append(current)
        with suppress(asyncio.CancelledError):  # asyncio would report it as an error of the server's
            await serve(reader, writer)
        writer.transport.abort()

    port = at.getsockname()[1] if at else 0
    server = await asyncio.start_server(one, "127.0.0.1", port, limit=2**24, reuse_port=bool(at))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def http_peer(script: Answer | Sequence[Answer] = OK, at: socket | None = None) -> AsyncIterator[HttpPeer]:
    """A server that follows the script."""
    peer = HttpPeer(script)
    async with listening(peer.serve, at) as peer.port:
        yield peer
