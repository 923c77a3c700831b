"""SMS: messages over SMPP to the npm smpp server, against the fastest client that could be written for it.

Both have 64 messages under way; theirs are encoded beforehand and their answers only counted. With receipts, the
server sends one a message, which both acknowledge, ours after it was taken in.
"""

import asyncio
import json
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import uvloop
from smpp34 import SubmitSm

from benchmarks.measuring import Row, peak_mb, ratio, seconds, sized
from notifiers.port.interface import Accepted, Incoming, Message, Piece, Report
from notifiers.port.kinds import Tools
from notifiers.sms.smpp.config import SmppOptions
from notifiers.sms.smpp.notifier import SmppNotifier

COUNT, BATCH, WINDOW, ROUNDS = sized(6_000, least=500), 500, 64, sized(5)
TEXT = "Мерзімі аяқталады: 2026 жылғы 24 мамыр."
AT = datetime(2026, 3, 1, tzinfo=UTC)
PROGRAM = Path(__file__).parents[1] / "tests" / "peers" / "smsc.js"
HEAD = struct.Struct(">IIII")
SUBMIT_SM_RESP, DELIVER_SM = 0x80000004, 5


def measure() -> tuple[list[Row], dict[str, float]]:
    plain, ours, raw = _compared()
    told, ours_told, raw_told = _compared(receipts="DELIVRD")
    before = peak_mb()
    with _centre() as port:
        uvloop.run(_ours(port, [_message(number) for number in range(COUNT)] * 3, receipts=False))
    return [
        Row("SMS, ratio to raw", plain, "×", 0.8),
        Row("SMS with receipts, ratio to raw", told, "×", 0.6),
        Row("SMS, more memory after three times as many", peak_mb() - before, "MB", 5, most=True),
    ], {
        "SMS/s": COUNT / ours,
        "raw SMS/s": COUNT / raw,
        "SMS/s with receipts": COUNT / ours_told,
        "raw SMS/s with receipts": COUNT / raw_told,
    }


def _compared(**options: object) -> tuple[float, float, float]:
    with _centre(**options) as port:
        receipts = bool(options)
        messages, ready = [_message(number) for number in range(COUNT)], _submits(receipts=receipts)
        return ratio(
            lambda _: seconds(lambda: uvloop.run(_ours(port, messages, receipts=receipts))),
            lambda _: seconds(lambda: uvloop.run(_raw(port, ready, receipts=receipts))),
            ROUNDS,
        )


@contextmanager
def _centre(**options: object) -> Iterator[int]:
    order = json.dumps({"quiet": True, **options})
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", PROGRAM, order], stdin=pipe, stdout=pipe) as process:  # noqa: S603, S607  ours
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["port"]
        finally:
            process.kill()


class _Counting:
    def __init__(self, expected: int) -> None:
        self._left = expected
        self.all = asyncio.Event()

    async def reported(self, reports: Sequence[Report]) -> None:
        self._left -= len(reports)
        if not self._left:
            self.all.set()

    async def accepted(self, name: str, taken: Accepted, *, reports: bool) -> None:
        """Nothing is late here."""

    async def received(self, message: Incoming) -> None:
        raise AssertionError(message.id)

    async def received_piece(self, piece: Piece) -> None:
        raise AssertionError(piece.number)


async def _ours(port: int, messages: Sequence[Message], *, receipts: bool) -> None:
    options = SmppOptions(host="127.0.0.1", port=port, system_id="bench", sender="1414", receipts=receipts)
    inbound = _Counting(len(messages))
    notifier = SmppNotifier(options, Tools(lambda: AT, inbound))
    for first in range(0, len(messages), BATCH):
        outcomes = await notifier.send(messages[first : first + BATCH])
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    if receipts:
        await inbound.all.wait()
    await notifier.aclose()


def _message(number: int) -> Message:
    return Message(
        nudge=UUID(int=number + 1),
        attempt=1,
        channel="sms",
        recipient=f"person-{number}",
        address=f"+7701{number:07d}",
        language="kk",
        text=TEXT,
    )


class _Raw(asyncio.Protocol):
    """The least that can be done: write what is ready, count the answers, acknowledge the receipts."""

    def __init__(self, ready: list[bytes], receipts: int) -> None:
        self._ready = ready
        self._at = 0
        self._left = len(ready) + receipts
        self._rest = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        body = b"bench\0\0\0\x34\0\0\0"
        transport.write(HEAD.pack(16 + len(body), 9, 0, 0x7FFFFFFF) + body)  # type: ignore[attr-defined]  # it writes

    def data_received(self, data: bytes) -> None:
        buffer, at, room, out = self._rest + data, 0, 0, []
        while len(buffer) - at >= 16:
            length, command, status, sequence = HEAD.unpack_from(buffer, at)
            if len(buffer) - at < length:
                break
            assert status == 0
            at += length
            if command == SUBMIT_SM_RESP:
                room += 1
                self._left -= 1
            elif command == DELIVER_SM:
                self._left -= 1
                out.append(HEAD.pack(17, 0x80000005, 0, sequence) + b"\0")
            else:
                room = WINDOW
        self._rest = buffer[at:]
        out += self._ready[self._at : self._at + room]
        self._at += room
        self._transport.write(b"".join(out))  # type: ignore[attr-defined]  # it writes
        if not self._left and not self.done.done():
            self.done.set_result(None)


async def _raw(port: int, ready: list[bytes], *, receipts: bool) -> None:
    loop = asyncio.get_running_loop()
    expected = len(ready) * receipts
    transport, protocol = await loop.create_connection(lambda: _Raw(ready, expected), "127.0.0.1", port)
    await protocol.done
    transport.abort()


def _submits(*, receipts: bool) -> list[bytes]:
    content = TEXT.encode("utf-16-be")
    return [
        SubmitSm(
            "1414",
            f"7701{number:07d}",
            content,
            source_addr_npi=1,
            dest_addr_ton=1,
            dest_addr_npi=1,
            validity_period="260304000000000+",
            data_coding=8,
            registered_delivery=int(receipts),
            sequence_number=number + 1,
        ).encode()
        for number in range(COUNT)
    ]
