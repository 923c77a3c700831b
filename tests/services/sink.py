"""Postfix's smtp-sink: a mail server that offers pipelining and throws every letter away, as fast as it can."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from tests.services.ports import kept_ports

_SERVICES = Path(__file__).parents[2] / ".services"
_PROGRAM = _SERVICES / "usr/sbin/smtp-sink"
_SECONDS = 60.0


class NoSink(Exception):
    """Postfix's smtp-sink is not there or does not start."""

    def __init__(self) -> None:
        super().__init__("Postfix's smtp-sink is not there or does not start. Run `make services`.")


@asynccontextmanager
async def sink() -> AsyncIterator[int]:
    """The port of one on loopback, stopped at the end.

    Raises:
        NoSink: it does not start.
    """
    with _running() as (process, port):
        try:
            async with asyncio.timeout(_SECONDS):
                while not await _listens(port):
                    if process.poll() is not None:
                        raise NoSink
        except TimeoutError:
            raise NoSink from None
        yield port


@contextmanager
def _running() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    if not _PROGRAM.exists():
        raise NoSink
    libraries = [_SERVICES / "usr/lib/postfix", *(_SERVICES / "usr/lib").glob("*-linux-gnu*")]
    privileges = ["-u", "root"] if os.geteuid() == 0 else []
    with ExitStack() as kept:
        [port] = kept_ports(1, kept)
        process = subprocess.Popen(  # noqa: S603  (a program that `make services` unpacked)
            [_PROGRAM, *privileges, f"127.0.0.1:{port}", "1000"],
            env={"LD_LIBRARY_PATH": ":".join(map(str, libraries))},
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process, port
        finally:
            process.kill()
            process.wait()


async def _listens(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    await reader.readline()  # its greeting
    writer.close()
    return True
