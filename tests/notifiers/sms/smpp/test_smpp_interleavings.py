"""Whatever order answers, refusals and losses come in, each message has one outcome, and a true one."""

import asyncio
import struct
from dataclasses import dataclass, field
from typing import Any

import uvloop
from hypothesis import given
from hypothesis import strategies as st

from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, RetryLater, Unknown
from notifiers.sms.smpp import pdus
from notifiers.sms.smpp.link import Link
from notifiers.sms.smpp.outbox import Batch, Outbox, Part, Sending
from notifiers.sms.smpp.pace import Pace
from tests.notifiers.sms_helpers import number, options, sms

OK, THROTTLED, BAD, BUSY = 0x00, 0x58, 0x0B, 0x08
CUT, CLOSE = "cut", "close the batch"

STEP = st.tuples(st.integers(0, 9), st.sampled_from([OK, OK, OK, THROTTLED, BAD, BUSY])) | st.sampled_from(
    [CUT, CLOSE]
)


class Nobody:
    """Takes nothing."""

    def take(self, pdu: pdus.Pdu, link: Link) -> None:
        raise AssertionError(pdu, link)


class Line(asyncio.Transport):
    """A connection whose other end is the test."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.cut = False

    def write(self, data: Any) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.cut

    def abort(self) -> None:
        self.cut = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self if name == "socket" else default

    def setsockopt(self, *_: int) -> None:
        """As a socket."""


@dataclass
class Game:
    """A link with a test at its other end. `unanswered` and `answers` are what the centre knows."""

    window: int
    line: Line = field(default_factory=Line)
    outbox: Outbox = field(default_factory=Outbox)
    unanswered: list[tuple[int, int]] = field(default_factory=list)
    answers: dict[int, list[int]] = field(default_factory=dict)
    written: list[int] = field(default_factory=list)

    async def begin(self) -> Link:
        """A bound link."""
        link = Link(options(1), self.outbox, Pace(self.window, _rest=0.0), Nobody())
        link.connection_made(self.line)
        binding = asyncio.create_task(link.ask(lambda sequence: pdus.bind("a", "b", "", sequence)))
        await asyncio.sleep(0)
        link.data_received(struct.pack(">IIII", 16, pdus.BIND_TRANSCEIVER_RESP, 0, 1))
        await binding
        self.line.sent = b""
        return link

    async def look(self) -> None:
        """Read what the link has written."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for pdu in pdus.Frames().feed(self.line.sent):
            part = int.from_bytes(pdu.whole[16:])
            self.unanswered.append((pdu.sequence, part))
            self.written.append(part)
        self.line.sent = b""

    def answer(self, link: Link, which: int, status: int) -> None:
        """Answer one of those that are under way."""
        if self.unanswered and not self.line.cut:
            sequence, part = self.unanswered.pop(which % len(self.unanswered))
            self.answers.setdefault(part, []).append(status)
            body = b"id%d\0" % part if status == OK else b""
            link.data_received(pdus.bare(pdus.SUBMIT_SM_RESP, sequence, status, body))


async def _play(sizes: list[int], window: int, steps: list[Any]) -> tuple[Game, Batch, list[list[int]]]:
    game = Game(window)
    link = await game.begin()
    batch = Batch(asyncio.get_running_loop().time() + 60, [None] * len(sizes), lambda *_: None, waiting=len(sizes))
    numbers: list[list[int]] = []
    for at, size in enumerate(sizes):
        sending = Sending(batch, at, sms(number(at)), open=size)
        numbers.append([10 * at + place for place in range(size)])
        batch.parts += [
            Part(pdus.bare(pdus.SUBMIT_SM, 0, body=part.to_bytes(2)), sending, last=part == numbers[-1][-1])
            for part in numbers[-1]
        ]
    game.outbox.put(batch.parts)
    link.pump()
    for step in steps:
        await game.look()
        if step == CUT:
            link.connection_lost(None)
        elif step == CLOSE:
            batch.expire()
        else:
            game.answer(link, *step)
    await game.look()
    link.connection_lost(None)
    game.outbox.refuse(RetryLater(None, Reason.LINK_LOST))
    return game, batch, numbers


@given(st.lists(st.integers(1, 3), min_size=1, max_size=6), st.integers(1, 4), st.lists(STEP, max_size=40))
def test_each_message_has_one_true_outcome(sizes: list[int], window: int, steps: list[Any]) -> None:
    """Accepted only with an answer to each part, unknown what was written and unanswered, never two outcomes."""
    game, batch, numbers = uvloop.run(_play(sizes, window, steps))
    assert batch.waiting == 0
    lost = {part for _, part in game.unanswered}
    for outcome, parts in zip(batch.outcomes, numbers, strict=True):
        assert outcome is not None
        _check(outcome, parts, game.answers, lost)
    for part in set(game.written):
        final = [status for status in game.answers.get(part, []) if status != THROTTLED]
        assert len(final) <= 1
        assert game.written.count(part) <= 1 + game.answers.get(part, []).count(THROTTLED)


def _check(outcome: Outcome, parts: list[int], answers: dict[int, list[int]], lost: set[int]) -> None:
    last = [answers.get(part, [None])[-1] for part in parts]
    taken = [status == OK and part not in lost for part, status in zip(parts, last, strict=True)]
    assert isinstance(outcome, Accepted) == all(taken)
    assert isinstance(outcome, Unknown) == bool(lost & set(parts))
    known = {f"id{part}" for part, yes in zip(parts, taken, strict=True) if yes}
    match outcome:
        case Accepted(reference, earlier):
            assert {reference, *earlier} == known
            assert reference == f"id{parts[-1]}"
        case Unknown(reason, _, earlier):
            assert (reason, set(earlier)) == (Reason.LINK_LOST, known)
        case GiveUp(reason):
            assert BAD in last
            assert reason is Reason.BAD_ADDRESS
        case RetryLater():
            assert BAD not in last


@given(st.lists(STEP, max_size=40), st.integers(1, 4))
def test_no_more_is_under_way_than_allowed(steps: list[Any], window: int) -> None:
    """Throttled or not, the window is never exceeded."""

    async def play() -> None:
        game = Game(window)
        link = await game.begin()
        batch = Batch(asyncio.get_running_loop().time() + 60, [None] * 12, lambda *_: None, waiting=12)
        for at in range(12):
            sending = Sending(batch, at, sms(number(at)), open=1)
            batch.parts.append(Part(pdus.bare(pdus.SUBMIT_SM, 0, body=at.to_bytes(2)), sending, last=True))
        game.outbox.put(batch.parts)
        link.pump()
        for step in steps:
            await game.look()
            assert len(game.unanswered) <= window
            if isinstance(step, tuple):
                game.answer(link, *step)
        link.connection_lost(None)

    uvloop.run(play())
