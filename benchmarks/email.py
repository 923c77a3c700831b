"""Email against Postfix's smtp-sink: beside a raw pipelined client and aiosmtplib's own send, building included."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import cast
from uuid import UUID

import aiosmtplib
import uvloop

from benchmarks.measuring import Row, peak_mb, sized
from notifiers.email.config import Security, SmtpOptions
from notifiers.email.mime import Letter, Letterhead
from notifiers.email.notifier import EmailNotifier
from notifiers.email.smtp_dial import dial
from notifiers.email.smtp_session import Session
from notifiers.port.blame import Standing
from notifiers.port.interface import Accepted, Message
from tests.services.delay import far_away
from tests.services.sink import sink

AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
LETTERS, BATCH, SLOW_LETTERS, ROUNDS = sized(4_000, least=400), 200, sized(400, least=40), sized(5)
LONG, PARAGRAPHS, HANDS = sized(30_000), 14, 4
FAR_LETTERS, ROUND_TRIP = sized(400, least=40), 0.02
TITLE = "Жеке куәлігіңіздің мерзімі 30 күннен кейін аяқталады"
WORDS = "Құрметті Әйгерім! Жеке куәлігіңіздің мерзімі 2026 ж. 31 наурызда аяқталады. Халыққа қызмет көрсету орталығы."


def measure() -> tuple[list[Row], dict[str, float]]:
    return uvloop.run(_measure())


async def _measure() -> tuple[list[Row], dict[str, float]]:
    async with sink() as port:
        options = SmtpOptions(
            host="127.0.0.1",
            port=port,
            security=Security.NONE,
            sender="habarshy@gov.test",
            sender_name="Хабаршы",
            bounces="bounces@gov.test",
        )
        notifier, messages = EmailNotifier(options, lambda: AT), [_message(n) for n in range(LETTERS)]
        head = Letterhead(options)
        written = [head.write(message, AT) for message in messages]
        contents = [letter.content for letter in written]
        rounds = [
            (
                await _rate(lambda: _ours(notifier, messages), LETTERS),
                await _rate(lambda: _wire(options, written), LETTERS),
                await _rate(lambda: _raw(port, contents), LETTERS),
                await _rate(lambda: _library(port, contents[:SLOW_LETTERS]), SLOW_LETTERS),
            )
            for _ in range(ROUNDS)
        ]
        far = await _far_away(options, written[:FAR_LETTERS])
        before = peak_mb()
        await _many(notifier, LONG)
        grown = peak_mb() - before
        await notifier.aclose()
    ours, wire, raw, library = (statistics.median(each) for each in zip(*rounds, strict=True))
    rows = [
        Row(
            "email, written before, against a raw client", statistics.median(b / c for _, b, c, _ in rounds), "×", 0.6
        ),
        Row(
            "email, building included, against aiosmtplib", statistics.median(a / d for a, _, _, d in rounds), "×", 3
        ),
        Row("email, building included", ours, "messages/s", 3000),
        Row("email, 20 ms away, a connection", far, "letters/RTT", 0.7),
        Row(f"memory of {LONG:,} letters more", grown, "MB", 5, most=True),
    ]
    return rows, {
        "octets a letter": len(contents[0]),
        "raw/s": raw,
        "written before/s": wire,
        "aiosmtplib.send/s": library,
        "µs to write a letter": _writing(head, messages),
    }


def _message(number: int) -> Message:
    return Message(
        nudge=UUID(int=number),
        attempt=1,
        channel="email",
        recipient=f"person-{number}",
        address=f"citizen{number}@mail.test",
        language="kk",
        title=TITLE,
        text=f"{WORDS}\n\n" * PARAGRAPHS,
        html=f"<html><body>{f'<p>{WORDS}</p>' * PARAGRAPHS}</body></html>",
        unsubscribe_url=f"https://gov.test/u/{number}",
    )


async def _rate(work: Callable[[], Awaitable[None]], letters: int) -> float:
    start = time.perf_counter()
    await work()
    return letters / (time.perf_counter() - start)


def _writing(head: Letterhead, messages: list[Message]) -> float:
    start = time.perf_counter()
    for message in messages:
        head.write(message, AT)
    return (time.perf_counter() - start) / len(messages) * 1e6


async def _ours(notifier: EmailNotifier, messages: list[Message]) -> None:
    for start in range(0, len(messages), BATCH):
        outcomes = await notifier.send(messages[start : start + BATCH])
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)


async def _wire(options: SmtpOptions, letters: list[Letter]) -> None:
    """Send letters that were written before by some sessions that share them."""
    standing, left, until = Standing(), iter(letters), asyncio.get_running_loop().time() + 60
    sessions = [await dial(options, options.limits, None, standing) for _ in range(HANDS)]

    async def deliver(session: Session) -> None:
        for letter in left:
            assert isinstance(await session.send(letter, until), Accepted)

    await asyncio.gather(*map(deliver, sessions))
    for session in sessions:
        session.abort()


async def _far_away(options: SmtpOptions, letters: list[Letter]) -> float:
    """Letters a round trip and connection, connecting included."""
    async with far_away(options.port, ROUND_TRIP) as port:
        rate = await _rate(lambda: _wire(options.model_copy(update={"port": port}), letters), len(letters))
    return rate * ROUND_TRIP / HANDS


async def _many(notifier: EmailNotifier, letters: int) -> None:
    for start in range(0, letters, BATCH):
        await _ours(notifier, [_message(start + number) for number in range(BATCH)])


async def _library(port: int, contents: list[bytes]) -> None:
    for number, content in enumerate(contents):
        await aiosmtplib.send(
            content,
            sender="habarshy@gov.test",
            recipients=[f"citizen{number}@mail.test"],
            hostname="127.0.0.1",
            port=port,
            start_tls=False,
        )


async def _raw(port: int, contents: list[bytes]) -> None:
    """What asyncio can do: letters and envelopes ready for the wire, over four connections, nothing checked."""
    loop = asyncio.get_running_loop()
    dialogues = [_Raw(contents[hand::HANDS]) for hand in range(HANDS)]
    for dialogue in dialogues:
        await loop.create_connection(partial(_itself, dialogue), "127.0.0.1", port)
    await asyncio.gather(*(dialogue.done for dialogue in dialogues))


def _itself(dialogue: "_Raw") -> "_Raw":
    return dialogue


class _Raw(asyncio.Protocol):
    """RFC 2920, the next envelope with the words; counts answers and looks at none."""

    ENVELOPE = b"MAIL FROM:<habarshy@gov.test>\r\nRCPT TO:<citizen@mail.test>\r\nDATA\r\n"

    def __init__(self, contents: list[bytes]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._contents, self._left = iter(contents), len(contents)
        self._hello: bytes | None = b""
        self._lines = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        self._transport.write(b"EHLO bench.test\r\n")

    def data_received(self, data: bytes) -> None:
        if self._hello is not None:
            self._hello += data
            if b"\n250 " in self._hello and self._hello.endswith(b"\n"):
                self._hello = None
                self._write(self.ENVELOPE, 3)
            return
        self._lines -= data.count(b"\n")
        if self._lines > 0:
            return
        content = next(self._contents, None)
        if content is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._left -= 1
        self._write(content + b".\r\n" + (self.ENVELOPE if self._left else b""), 4 if self._left else 1)

    def _write(self, data: bytes, lines: int) -> None:
        self._lines = lines
        self._transport.write(data)
