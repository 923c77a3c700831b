"""A real mail server in a thread of the test's: it keeps what it took over, and may take its time."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes

import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session

PATIENCE = 120.0


class Post:
    """Takes over letters, each in `pause` seconds; `late`: it has taken them over before, and only answers late."""

    def __init__(self) -> None:
        self.port, self.pause, self.late = 0, 0.0, False
        self.received: list[str] = []
        self.lines = 0
        self._came = threading.Condition()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (the library's name)
        assert isinstance(envelope.content, bytes)
        if not self.late:
            await asyncio.sleep(self.pause)
        with self._came:
            self.received.append(str(message_from_bytes(envelope.content)["Message-ID"]))
            self._came.notify_all()
        if self.late:
            await asyncio.sleep(self.pause)
        return "250 taken"

    def wait(self, count: int) -> None:
        """Until there are that many."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.received) >= count, PATIENCE), f"only {len(self.received)}"

    def joined(self, lines: int) -> None:
        """So many more who are connected, or fewer."""
        with self._came:
            self.lines += lines
            self._came.notify_all()

    def left(self) -> None:
        """Until nobody is connected: of whoever was killed nothing is under way any more."""
        with self._came:
            assert self._came.wait_for(lambda: not self.lines, PATIENCE), f"{self.lines} are connected"

    @property
    def twice(self) -> list[str]:
        """What came more than once."""
        return [name for name, count in Counter(self.received).items() if count > 1]


class _Line(SMTP):
    """One that is connected; what it has not handed over whole when it goes is not taken."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.event_handler.joined(1)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.event_handler.joined(-1)


@contextmanager
def post() -> Iterator[Post]:
    """One, on a free port of loopback."""
    made, begun = Post(), threading.Event()
    over: list[Callable[[], object]] = []

    async def serve() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        over.append(lambda: loop.call_soon_threadsafe(stopped.set))
        server = await loop.create_server(lambda: _Line(made, loop=loop), "127.0.0.1", 0)
        made.port = server.sockets[0].getsockname()[1]
        begun.set()
        await stopped.wait()
        server.close()

    thread = threading.Thread(target=lambda: uvloop.run(serve()), name="post")
    thread.start()
    begun.wait(PATIENCE)
    try:
        yield made
    finally:
        over[0]()
        thread.join()
