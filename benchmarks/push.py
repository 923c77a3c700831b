"""Push: Web Push end to end against encrypting alone, FCM over HTTP/2, and whether memory stays flat."""

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.measuring import Row, peak_mb, ratio, seconds
from notifiers.port import Accepted, Message, Notifier
from notifiers.sealing import CURVE, drawn, sealed
from notifiers.subscription import Hosts, Subscription
from notifiers.web_push import WebPushNotifier
from tests.notifiers.browsers import AT, Browser, web_push_options
from tests.notifiers.google import made_google

TEXT = "Жеке куәлігіңіздің мерзімі 30 күннен кейін аяқталады. Жаңасына алдын ала өтініш беріңіз."
MESSAGES = 4_000
BROWSERS = 200
LANES = 128
_PAYLOAD = bytes(400)


class _Sink(asyncio.Protocol):
    """Takes every request and answers 201, as a push service does, and no more than that."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._unread = b""

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            head = self._unread[:end].lower()
            at = head.index(b"content-length:") + 15
            whole = end + 4 + int(head[at:].split(b"\r\n", 1)[0])
            if len(self._unread) < whole:
                return
            self._unread = self._unread[whole:]
            self._transport.write(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n")


def _serve(tell: Connection) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", 0)
        tell.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def _sink() -> Iterator[int]:
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
        nudge=UUID(int=number + 1), attempt=1, channel="push", recipient=f"person {number}", address=address,
        language="kk", title="Жеке куәлік", text=f"{TEXT} {number}",
    )  # fmt: skip


def _messages(addresses: list[str]) -> list[Message]:
    return [_message(number, addresses[number % len(addresses)]) for number in range(MESSAGES)]


def _web_push(folder: Path, port: int) -> tuple[list[Row], dict[str, float]]:
    addresses = [Browser().address(f"http://127.0.0.1:{port}/push/{number}") for number in range(BROWSERS)]
    options = web_push_options(folder, hosts=(f"http://127.0.0.1:{port}",), lanes=LANES, begin=60, sealers=2)
    hosts = Hosts(options.hosts)
    browsers = [found for address in addresses if (found := hosts.subscription(address))]
    batch = _messages(addresses)

    def encrypt(_: int) -> float:
        return seconds(lambda: deque((_sealed(browsers[number % BROWSERS]) for number in range(MESSAGES)), maxlen=0))

    with asyncio.Runner() as runner:
        notifier = WebPushNotifier(options, lambda: AT)
        alone = WebPushNotifier(options.model_copy(update={"sealers": 0}), lambda: AT)
        runner.run(notifier.start())

        def send(_: int) -> float:
            return seconds(lambda: runner.run(_all_taken(notifier, batch)))

        send(0)
        before = peak_mb()
        share, ours, raw = ratio(send, encrypt)
        grown = peak_mb() - before
        single = statistics.median(seconds(lambda: runner.run(_all_taken(alone, batch))) for _ in range(5))
        runner.run(notifier.aclose())
        runner.run(alone.aclose())
    rows = [
        Row("Web Push end to end with two sealers, share of encrypting alone", share, "×", 0.8),
        Row("Web Push, memory grown over 20,000 messages", grown, "MB", 8, most=True),
    ]
    return rows, {
        "Web Push/s": MESSAGES / ours,
        "encrypting alone/s": MESSAGES / raw,
        "Web Push in one process/s": MESSAGES / single,
    }


def _sealed(to: Subscription) -> bytes:
    """The least that can be done for a message: read the browser's key, make one of ours, encrypt."""
    browser = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, to.point)
    return sealed(_PAYLOAD, browser, to.point, to.auth, drawn())


def _fcm(folder: Path) -> dict[str, float]:
    google = made_google(folder)
    batch = _messages([f"phone-{number}:APA91b" for number in range(BROWSERS)])

    async def send() -> float:
        async with google.listening() as port, google.sending(port, begin=60) as notifier:
            await _all_taken(notifier, batch[:200])
            start = time.perf_counter()
            await _all_taken(notifier, batch)
            return time.perf_counter() - start

    return {"FCM over HTTP/2 to Node/s": MESSAGES / asyncio.run(send())}


async def _all_taken(notifier: Notifier, batch: list[Message]) -> None:
    outcomes = await notifier.send(batch)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)


def measure() -> tuple[list[Row], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder, _sink() as port:
        rows, notes = _web_push(Path(folder), port)
        return rows, notes | _fcm(Path(folder))
