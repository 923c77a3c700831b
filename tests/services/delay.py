"""A network that takes its time: a proxy on loopback that brings every byte later, as many at a time as there are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from socket import socket


@asynccontextmanager
async def far_away(port: int, round_trip: float, at: socket | None = None) -> AsyncIterator[int]:
    """The port of a proxy to this port of loopback: from here to there and back takes `round_trip` seconds.

    `at`: a kept port, where it is known before.
    """
    proxy = _Proxy(port, round_trip / 2)
    own = at.getsockname()[1] if at else 0
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", own, reuse_port=bool(at))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await proxy.hang_up()


class _Proxy:
    def __init__(self, port: int, delay: float) -> None:
        self._port, self._delay = port, delay
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None] | None] = []
        self._over = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.append(asyncio.current_task())
        self._writers.append(writer)
        try:
            with suppress(OSError):
                there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
                self._writers.append(there_writer)
                if not self._over:
                    await asyncio.gather(self._carry(reader, there_writer), self._carry(there_reader, writer))
                there_writer.transport.abort()
        finally:
            writer.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await _read(source):
            loop.call_later(self._delay, target.write, data)  # timers of one delay keep their order
        ended = asyncio.Event()
        loop.call_later(self._delay, ended.set)
        await ended.wait()
        target.close()

    async def hang_up(self) -> None:
        self._over = True
        await asyncio.sleep(0)  # who was let in just now is served, and shown out, too
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*(task for task in self._tasks if task))


async def _read(source: asyncio.StreamReader) -> bytes:
    try:
        return await source.read(65_536)
    except OSError:
        return b""
