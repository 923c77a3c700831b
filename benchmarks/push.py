"""Push: Web Push end to end against encrypting alone, FCM over HTTP/2, and whether memory stays flat."""

import asyncio
import multiprocessing
import select
import socket
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID

import uvloop
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.measuring import Row, peak_mb, ratio, seconds, sized
from notifiers.port.interface import Accepted, Message, Notifier
from notifiers.push.sealing import CURVE, new_one_time_values, sealed
from notifiers.push.subscription import Hosts, Subscription
from notifiers.push.web_push import WebPushNotifier
from tests.notifiers.browsers import AT, Browser, web_push_options
from tests.notifiers.google import made_google

TEXT = "Жеке куәлігіңіздің мерзімі 30 күннен кейін аяқталады. Жаңасына алдын ала өтініш беріңіз."
MESSAGES = sized(4_000, least=200)
BROWSERS = 200
LANES = 128
_PAYLOAD = bytes(400)


class _Sink:
    """Takes every request and answers 201, as a push service does, and no more than that: its time is not ours."""

    _ANSWER = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._poll = select.epoll()
        self._poll.register(self._server, select.EPOLLIN)
        self._open: dict[int, socket.socket] = {}
        self._unread: dict[int, bytes] = {}
        self.port = self._server.getsockname()[1]

    def serve(self) -> None:
        """Until the process is killed."""
        while True:
            for file, _ in self._poll.poll():
                if file == self._server.fileno():
                    self._accept()
                else:
                    self._read(file)

    def _accept(self) -> None:
        connection, _ = self._server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = connection.fileno()
        self._open[file], self._unread[file] = connection, b""
        self._poll.register(connection, select.EPOLLIN)

    def _read(self, file: int) -> None:
        read = self._open[file].recv(65_536)
        if not read:
            self._open.pop(file).close()
            return
        unread = self._unread[file] + read
        while (end := unread.find(b"\r\n\r\n")) >= 0:
            at = unread.lower().index(b"content-length:") + 15
            whole = end + 4 + int(unread[at : unread.index(b"\r", at)])
            if len(unread) < whole:
                break
            unread = unread[whole:]
            self._open[file].sendall(self._ANSWER)
        self._unread[file] = unread


def _serve(tell: Connection) -> None:
    sink = _Sink()
    tell.send(sink.port)
    sink.serve()


@contextmanager
def push_sink() -> Iterator[int]:
    """Yield the port of a push service that takes every request, in a process of its own."""
    hear, tell = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(tell,), daemon=True)
    process.start()
    try:
        yield hear.recv()
    finally:
        process.kill()
        process.join()


def _message(number: int, address: str) -> Message:
    return Message(
        nudge=UUID(int=number + 1),
        attempt=1,
        channel="push",
        recipient=f"person {number}",
        address=address,
        language="kk",
        title="Жеке куәлік",
        text=f"{TEXT} {number}",
    )


def _messages(addresses: list[str]) -> list[Message]:
    return [_message(number, addresses[number % len(addresses)]) for number in range(MESSAGES)]


def _web_push(folder: Path, port: int) -> tuple[list[Row], dict[str, float]]:
    addresses = [Browser().address(f"http://127.0.0.1:{port}/push/{number}") for number in range(BROWSERS)]
    options = web_push_options(folder, hosts=(f"http://127.0.0.1:{port}",), lanes=LANES, begin=60)
    hosts = Hosts(options.hosts)
    browsers = [found for address in addresses if (found := hosts.subscription(address))]
    batch = _messages(addresses)

    def encrypt(_: int) -> float:
        return seconds(lambda: deque((_sealed(browsers[number % BROWSERS]) for number in range(MESSAGES)), maxlen=0))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        notifier = WebPushNotifier(options, lambda: AT)

        def send(_: int) -> float:
            return seconds(lambda: runner.run(_all_taken(notifier, batch)))

        send(0)
        before = peak_mb()
        share, ours, raw = ratio(send, encrypt)
        grown = peak_mb() - before
        runner.run(notifier.aclose())
    rows = [
        Row("Web Push end to end, share of encrypting alone", share, "×", 0.4),
        Row("Web Push, memory grown over 20,000 messages", grown, "MB", 8, most=True),
    ]
    return rows, {
        "Web Push/s": MESSAGES / ours,
        "encrypting alone/s": MESSAGES / raw,
    }


def _sealed(to: Subscription) -> bytes:
    """The least that can be done for a message: read the browser's key, make one of ours, encrypt."""
    browser = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, to.point)
    return sealed(_PAYLOAD, browser, to.point, to.auth, new_one_time_values())


def _fcm(folder: Path) -> dict[str, float]:
    google = made_google(folder)
    batch = _messages([f"phone-{number}:APA91b" for number in range(BROWSERS)])

    async def send() -> float:
        async with google.listening() as port, google.sending(port, begin=60) as notifier:
            await _all_taken(notifier, batch[:200])
            start = time.perf_counter()
            await _all_taken(notifier, batch)
            return time.perf_counter() - start

    return {"FCM over HTTP/2 to Node/s": MESSAGES / uvloop.run(send())}


async def _all_taken(notifier: Notifier, batch: list[Message]) -> None:
    outcomes = await notifier.send(batch)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)


def measure() -> tuple[list[Row], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder, push_sink() as port:
        rows, notes = _web_push(Path(folder), port)
        return rows, notes | _fcm(Path(folder))
