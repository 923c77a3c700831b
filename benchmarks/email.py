"""Email with an emblem against Postfix's smtp-sink: beside a connection for each letter, building included."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import aiosmtplib
import uvloop

from benchmarks.measuring import Row, peak_mb, sized
from notifiers.email.config import Security, SmtpOptions
from notifiers.email.mime import Letter, Letterhead
from notifiers.email.notifier import EmailNotifier
from notifiers.email.smtp_dial import dial
from notifiers.email.smtp_session import Session
from notifiers.port.interface import Accepted, Message
from notifiers.port.standing import Standing
from templates.words import emblems
from tests.services.delay import far_away
from tests.services.sink import sink

AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
LETTERS, BATCH, SLOW_LETTERS, ROUNDS = sized(4_000, least=400), 200, sized(400, least=40), sized(5)
LONG, PARAGRAPHS, HANDS = sized(30_000), 14, 4
FAR_LETTERS, ROUND_TRIP = sized(400, least=40), 0.02
TITLE = "Жеке куәлігіңіздің мерзімі 30 күннен кейін аяқталады"
EMBLEM = f'<img src="{emblems.source(emblems.DEFAULT_EMBLEM)}" alt="">'
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
                await _rate(lambda: _library(port, contents[:SLOW_LETTERS]), SLOW_LETTERS),
            )
            for _ in range(ROUNDS)
        ]
        far = await _far_away(options, written[:FAR_LETTERS])
        before = peak_mb()
        await _many(notifier, LONG)
        grown = peak_mb() - before
        await notifier.aclose()
    ours, wire, library = (statistics.median(each) for each in zip(*rounds, strict=True))
    rows = [
        Row(
            "email, building included, against a connection for each",
            statistics.median(a / c for a, _, c in rounds),
            "×",
            3,
        ),
        Row("email, building included", ours, "messages/s", 2000),
        Row("email, 20 ms away, a connection", far, "letters/RTT", 0.2),
        Row(f"memory of {LONG:,} letters more", grown, "MB", 5, most=True),
    ]
    return rows, {
        "octets a letter": len(contents[0]),
        "written before/s": wire,
        "a connection for each letter/s": library,
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
        html=f"<html><body>{EMBLEM}{f'<p>{WORDS}</p>' * PARAGRAPHS}</body></html>",
        pictures=emblems.pictures(EMBLEM),
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
