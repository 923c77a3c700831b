"""Several providers of a channel on the whole platform: nothing lost and nothing doubled when one of them fails."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from purgatory.domain.model import Context

from app.compose import compose_engine
from domain.facts import NudgeAttempted, NudgeSent
from notifiers.fake import FakeNotifier
from notifiers.port import Message, Reason, RetryLater, Unknown
from notifiers.routes import FAILURES, Provider, Route, single_routes
from tests.world import LONG_AGO, World, card, iin, registered

DUE = "2025-06-20T09:00+05:00"
MANY = 60


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Sixty citizens whose cards are announced on 20 June."""
    made = World(tmp_path)
    for number in range(1, MANY + 1):
        made.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-20", f"N{number}"))
    made.plan()
    yield made
    made.close()


def by_two(world: World, a: FakeNotifier, b: FakeNotifier) -> None:
    """SMS go by two providers."""
    sms = Route("sms", [
        Provider("a", a, weight=100, breaker=Context("a", FAILURES, 1e9)), Provider("b", b),
    ])  # fmt: skip
    world.engine = compose_engine(world.platform, single_routes(world.notifiers) | {"sms": sms})


async def test_one_provider_dies_under_load_and_the_other_takes_over(world: World) -> None:
    """What the dead one did not take goes by the other in the same minute: everybody hears once."""
    told: list[Message] = []
    alive = iter([True] * 10)

    def dying(message: Message) -> None:
        if not next(alive, False):
            raise OSError
        told.append(message)

    by_two(world, FakeNotifier("sms", dying), FakeNotifier("sms", told))
    await world.settle(DUE)
    assert len(told) == len({each.recipient for each in told}) == MANY
    assert {one.state.value for one in world.nudges() if one.intent.step == "month"} == {"sent"}
    providers = Counter(each.fact.provider for each in world.entries() if isinstance(each.fact, NudgeSent))
    assert providers == {"a": 10, "b": MANY - 10}


async def test_what_may_have_gone_by_the_dead_one_is_not_sent_by_the_other(world: World) -> None:
    """An attempt whose provider may have it stays unknown: another provider would send it twice."""
    told: list[Message] = []
    by_two(world, FakeNotifier("sms", told, script=[Unknown(Reason.LINK_LOST)] * 5), FakeNotifier("sms", told))
    await world.settle(DUE)
    assert len(told) == len({each.recipient for each in told}) == MANY
    states = Counter(one.state.value for one in world.nudges() if one.intent.step == "month")
    assert states == {"unknown": 5, "sent": MANY - 5}


async def test_a_provider_that_asks_for_patience_is_not_left(world: World) -> None:
    """Busy is no trouble: the message waits for it as it asked."""
    told: list[Message] = []
    by_two(world, FakeNotifier("sms", told, script=[RetryLater(None, Reason.BUSY)]), FakeNotifier("sms", told))
    await world.settle(DUE)
    assert len(told) == MANY - 1
    attempts = [each.fact for each in world.entries() if isinstance(each.fact, NudgeAttempted)]
    assert len(attempts) == MANY
