"""Kannel with its fake SMS centre: a gateway that other people wrote, on private ports of loopback.

The port for the fake SMS centre is the only one that Kannel opens to all interfaces; it lets in 127.0.0.1 alone.
"""

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from tests.services.ports import kept_ports

_SERVICES = Path(__file__).parents[2] / ".services"
_BOXES = _SERVICES / "usr/sbin"
_FAKE = _SERVICES / "usr/lib/kannel/test/fakesmsc"
_SECONDS = 60.0
_GOT = re.compile(rb"Got message \d+: <(\S+) (\S+) (text|ucs-2|udh \S+ data) (.*)>", re.DOTALL)
_CONFIGURATION = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = unused
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = fake
port = {centre}
connect-allow-ip = 127.0.0.1
{centre_lines}

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
{smsbox}

group = sendsms-user
username = habarshy
password = secret
max-messages = 10
concatenation = true

group = sms-service
keyword = default
{service}
"""
_WRITES_NOTHING = "1 1 text x"


class NoKannel(Exception):
    """Kannel is not there or does not start."""

    def __init__(self) -> None:
        super().__init__("Kannel is not there or does not start. Run `make services`.")


class Arrived(NamedTuple):
    """What a telephone would have got; each part of a longer text, which has to be in UCS-2, by itself."""

    sender: str
    receiver: str
    text: str


class Kannel:
    """A running gateway: `url` takes messages, `arrived` has what came through."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/cgi-bin/sendsms"
        self.arrived: list[Arrived] = []
        self._changed = asyncio.Condition()

    async def got(self, count: int) -> list[Arrived]:
        """Wait until so many have come through."""
        async with asyncio.timeout(_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.arrived) >= count)
        return self.arrived

    async def listen(self, fake: asyncio.subprocess.Process) -> None:
        """Read what the fake centre says, until it ends."""
        assert fake.stderr is not None
        async for line in fake.stderr:
            if found := _GOT.search(line):
                sender, receiver, kind, text = found.groups()
                words = text.decode() if kind == b"text" else _ucs2(text)
                async with self._changed:
                    self.arrived.append(Arrived(sender.decode(), receiver.decode(), words))
                    self._changed.notify_all()


@asynccontextmanager
async def kannel(
    written: str = "", *, service: str = "text = none", smsbox: str = "", centre: str = ""
) -> AsyncIterator[Kannel]:
    """A gateway with its centre, gone at the end.

    `written`: an SMS that a telephone writes to it, as fakesmsc has it ("sender receiver text words"). The others are
    further lines of the configuration: what is done with that SMS, of the box that does it, of the SMS centre.

    Raises:
        NoKannel: it does not start.
    """
    if not _FAKE.exists():
        raise NoKannel
    with tempfile.TemporaryDirectory(prefix="habarshy-kannel-") as name, ExitStack() as kept:
        folder = Path(name)
        ports = dict(zip(("admin", "boxes", "centre", "sendsms"), kept_ports(4, kept), strict=True))
        lines = {"service": service, "smsbox": smsbox, "centre_lines": centre}
        (folder / "kannel.conf").write_text(_CONFIGURATION.format(**ports, **lines))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(_running(folder, _BOXES / "bearerbox", "kannel.conf"))
            await _until_open(ports["boxes"])
            await _until_open(ports["centre"])
            made = Kannel(ports["sendsms"])
            await stack.enter_async_context(_centre(folder, ports["centre"], made, written))
            await stack.enter_async_context(_running(folder, _BOXES / "smsbox", "kannel.conf"))
            await _until_open(ports["sendsms"])
            yield made


@asynccontextmanager
async def _centre(folder: Path, port: int, made: Kannel, written: str) -> AsyncIterator[None]:
    what = ("-m", "1", written) if written else ("-m", "0", _WRITES_NOTHING)
    async with _running(folder, _FAKE, "-H", "127.0.0.1", "-r", str(port), *what) as fake:
        listening = asyncio.create_task(made.listen(fake))
        yield
    await listening


@asynccontextmanager
async def _running(folder: Path, *command: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    libraries = [*(_SERVICES / "usr/lib").glob("*-linux-gnu*"), *(_SERVICES / "lib").glob("*-linux-gnu*")]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"LD_LIBRARY_PATH": ":".join(map(str, libraries)), "PATH": os.defpath},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE if command[0] == _FAKE else asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _until_open(port: int) -> None:
    async with asyncio.timeout(_SECONDS):
        while not await _listens(port):  # noqa: ASYNC110  the port of another process tells nobody
            await asyncio.sleep(0.02)


async def _listens(port: int) -> bool:
    """Looked up, for a connection would be taken for the centre's."""
    sockets = await asyncio.to_thread(Path("/proc/net/tcp").read_text)
    return f":{port:04X} 00000000:0000 0A" in sockets


def _ucs2(quoted: bytes) -> str:
    return unquote_to_bytes(quoted.replace(b"+", b" ")).decode("utf-16-be")
