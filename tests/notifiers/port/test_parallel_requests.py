import asyncio

import pytest

from notifiers.port.interface import Accepted, Message, Outcome, Reason, RetryLater
from notifiers.port.parallel_requests import Lanes
from tests.notifiers.browsers import push


class Counting:
    """Hands over slowly, and counts how many are under way."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()

    async def hand_over(self, message: Message) -> Outcome:
        self.now += 1
        self.most = max(self.most, self.now)
        self.begun.set()
        await self.go.wait()
        self.now -= 1
        return Accepted(message.address)


async def test_no_more_than_so_many_at_a_time() -> None:
    """Over all batches no more messages are under way than there are lanes, and each outcome is its message's."""
    counting, lanes = Counting(), Lanes(3, 5)
    batches = [[push(f"{batch}-{number}") for number in range(7)] for batch in range(4)]
    sending = asyncio.gather(*(lanes.send(batch, counting.hand_over) for batch in batches))
    await counting.begun.wait()
    counting.go.set()
    answers = await sending
    assert counting.most == 3
    assert answers == [[Accepted(message.address) for message in batch] for batch in batches]


async def test_a_batch_too_old_begins_nothing() -> None:
    """What gets no lane before its batch is too old is put off."""
    counting, lanes = Counting(), Lanes(1, 0.05)
    first = asyncio.create_task(lanes.send([push("a")], counting.hand_over))
    await counting.begun.wait()
    assert await lanes.send([push("b"), push("c")], counting.hand_over) == [RetryLater(None, Reason.NO_TIME)] * 2
    counting.go.set()
    assert await first == [Accepted("a")]


async def test_a_cancelled_batch_gives_its_lanes_back() -> None:
    """A batch that is cancelled takes no lane with it."""
    counting, lanes = Counting(), Lanes(1, 5)
    first = asyncio.create_task(lanes.send([push("a")], counting.hand_over))
    await counting.begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    counting.go.set()
    assert await lanes.send([push("b")], counting.hand_over) == [Accepted("b")]
