"""Mail servers and SMS gateways in processes of their own, which are killed and come back on the same port."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session

from notifiers.port.contract import BUSY_MACHINE_SECONDS
from tests.services.ports import kept_port

ROOT = Path(__file__).parents[2]
BEGUN = "listening"


class Mortal:
    """A provider of that kind (`mail` or `gateway`); `took` has our name of each message, however it ended itself."""

    def __init__(self, kind: str) -> None:
        self._kind, self._kept = kind, kept_port()
        self.port: int = self._kept.getsockname()[1]
        self.took: list[str] = []
        self._changed = asyncio.Condition()

    async def begin(self) -> None:
        """Live, until `die`."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, self._kind, str(self.port), stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        assert self._process.stdout is not None
        assert (await self._process.stdout.readline()).decode().strip() == BEGUN
        self._listening = asyncio.create_task(self._listen(self._process.stdout))

    async def _listen(self, told: asyncio.StreamReader) -> None:
        async for line in told:
            async with self._changed:
                self.took.append(line.decode().strip())
                self._changed.notify_all()

    async def has_taken(self, many: int) -> None:
        """Wait until it took so many."""
        async with asyncio.timeout(BUSY_MACHINE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.took) >= many)

    async def die(self) -> None:
        """Be killed, in the midst of whatever it does; what it took before is known."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._listening

    async def end(self) -> None:
        """Be gone for good."""
        await self.die()
        self._kept.close()


@asynccontextmanager
async def mortal(kind: str) -> AsyncIterator[Mortal]:
    """One that lives."""
    made = Mortal(kind)
    await made.begin()
    try:
        yield made
    finally:
        await made.end()


def _say(name: str) -> None:
    """In one piece, as several threads speak; before the answer, so that nothing is taken that is not told."""
    os.write(sys.stdout.fileno(), f"{name}\n".encode())


class _Mailbox:
    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (the library's name)
        assert isinstance(envelope.content, bytes)
        _say(str(message_from_bytes(envelope.content)["Message-ID"]))
        return "250 taken"


async def _mail(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(_Mailbox()), "127.0.0.1", port, reuse_port=True)
    _say(BEGUN)
    await server.serve_forever()


class _Telephones(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        _say(parse_qs(urlsplit(self.path).query)["id"][0])
        self.send_response(202)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"0:")

    def log_message(self, *_: object) -> None:
        """Say nothing else."""


class _Gateway(ThreadingHTTPServer):
    allow_reuse_port = True


def main(kind: str, port: str) -> None:
    """Be one."""
    if kind == "mail":
        uvloop.run(_mail(int(port)))
    with _Gateway(("127.0.0.1", int(port)), _Telephones) as server:
        _say(BEGUN)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
