"""Mail servers for tests, on private loopback ports: a real one (aiosmtpd) and one that follows a script."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from enum import Enum
from ssl import SSLContext
from typing import Any, Protocol

from aiosmtpd.smtp import SMTP, Envelope, Session


class Act(Enum):
    """What a scripted server does instead of answering."""

    HANG = "hang"
    CLOSE = "close"
    DEAF = "deaf"  # it stops reading, for good
    DRIP = "drip"  # it answers for ever, byte by byte


GARBAGE = b"\x00\xfe\xff not smtp \r\n"
FLOOD = b"x" * 100_000
HANDSHAKE = {
    "greeting": b"220 peer\r\n",
    "ehlo": b"250-peer\r\n250 8BITMIME\r\n",
    "mail": b"250 ok\r\n",
    "rcpt": b"250 ok\r\n",
    "data": b"354 go on\r\n",
    "letter": b"250 2.0.0 queued as 1\r\n",
    "rset": b"250 ok\r\n",
    "quit": b"221 bye\r\n",
}
Answer = bytes | Act


class ScriptedServer:
    """Answers each command by `script`: one answer for always, or a list whose last one stays.

    `heard` has the commands, `letters` what came between DATA and the dot, `connections` how often it was called.
    """

    def __init__(self, script: Mapping[str, Answer | Sequence[Answer]]) -> None:
        self._answers = {
            stage: [answer] if isinstance(answer, bytes | Act) else list(answer)
            for stage, answer in {**HANDSHAKE, **script}.items()
        }
        self.heard: list[str] = []
        self.letters: list[bytes] = []
        self.connections = 0
        self.port = 0
        self._reached = {stage: asyncio.Event() for stage in self._answers}
        self._held: dict[str, asyncio.Event] = {}
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None] | None] = []

    async def reached(self, stage: str) -> None:
        """Wait until a client has come so far."""
        await self._reached[stage].wait()

    def hold(self, stage: str) -> asyncio.Event:
        """Answer at this stage only once the event is set."""
        return self._held.setdefault(stage, asyncio.Event())

    async def left_alone(self) -> None:
        """Wait until every client has hung up."""
        await asyncio.gather(*(task for task in self._tasks if task))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client until either side has enough."""
        self.connections += 1
        self._writers.append(writer)
        self._tasks.append(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._converse(reader, writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        goes_on = await self._answer("greeting", reader, writer)
        while goes_on and (line := await reader.readline()):
            self.heard.append(line.decode().strip())
            goes_on = await self._answer(line[:4].strip().lower().decode(), reader, writer)
            if goes_on == 354:
                self.letters.append(await _to_the_dot(reader))
                goes_on = await self._answer("letter", reader, writer)

    async def _answer(self, stage: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        """Do what the script says; 0 ends the conversation, else the code that was sent."""
        self._reached[stage].set()
        if stage in self._held:
            await self._held[stage].wait()
        answers = self._answers[stage]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
            return int(answer[:3]) if answer[:3].isdigit() else 1
        if answer is Act.HANG:
            await reader.read()  # until the client hangs up
        if answer is Act.DRIP:
            await drip(reader, writer)
        if answer is Act.DEAF:
            writer.write(b"354 go on\r\n")
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # typeshed: a transport that writes
            await writer.wait_closed()
        return 0

    async def hang_up(self) -> None:
        """Close every connection, and wait for their conversations to end."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*(task for task in self._tasks if task), return_exceptions=True)


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send single bytes until the client hangs up."""
    left = asyncio.ensure_future(reader.read())
    while not left.done():
        writer.write(b"2")
        await asyncio.wait([left], timeout=0.01)
    await left


async def _to_the_dot(reader: asyncio.StreamReader) -> bytes:
    lines: list[bytes] = []
    while not lines or lines[-1] != b".\r\n":
        lines.append(await reader.readuntil(b"\n"))
    return b"".join(lines)


@asynccontextmanager
async def scripted(**script: Answer | Sequence[Answer]) -> AsyncIterator[ScriptedServer]:
    """A server that follows `script`."""
    peer = ScriptedServer(script)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, limit=2**24)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        await peer.hang_up()


class Scripted(Protocol):
    """The type of `scripted`."""

    def __call__(self, **script: Answer | Sequence[Answer]) -> AbstractAsyncContextManager[ScriptedServer]:
        """A server that follows `script`."""


class Box:
    """The handler of the real server: keeps the envelopes; `at_rcpt` and `at_data` may refuse by address."""

    def __init__(
        self,
        at_rcpt: Mapping[str, str] | None = None,
        at_data: Mapping[str, str] | None = None,
    ) -> None:
        self.envelopes: list[Envelope] = []
        self.sessions: list[Session] = []
        self._at_rcpt = at_rcpt or {}
        self._at_data = at_data or {}

    async def handle_RCPT(  # noqa: N802  aiosmtpd's names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take or refuse one recipient."""
        if address in self._at_rcpt:
            return self._at_rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep or refuse one letter."""
        refused = self._at_data.get(envelope.rcpt_tos[0])
        if refused is None:
            self.envelopes.append(envelope)
            self.sessions.append(session)
        return refused or "250 2.0.0 OK"


@asynccontextmanager
async def real(box: Box, *, tls_from_start: SSLContext | None = None, **options: object) -> AsyncIterator[int]:
    """The port of an aiosmtpd server with these options."""
    protocols: list[SMTP] = []
    settings: dict[str, Any] = {"hostname": "peer.test", **options}

    def protocol() -> SMTP:
        protocols.append(SMTP(box, **settings))
        return protocols[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls_from_start)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await _ended(protocols)


async def _ended(protocols: list[SMTP]) -> None:
    for protocol in protocols:
        if protocol.transport is not None:
            with suppress(AttributeError):  # Python 3.11.2, of a TLS transport that the server has closed twice
                protocol.transport.abort()  # type: ignore[attr-defined]  # typed as BaseTransport
    tasks = [task for protocol in protocols if (task := protocol._handler_coroutine)]
    await asyncio.gather(*tasks, return_exceptions=True)
