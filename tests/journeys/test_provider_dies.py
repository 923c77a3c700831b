"""One of two operators dies while it is given messages: everybody hears once, or it is known that nobody knows."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from app.compose_sending import compose_engine, compose_routes
from app.providers import ProviderSettings
from domain.nudges.delivery import State
from notifiers.port.routes import Route
from tests.notifiers.smsc import RealCentre, real_centre
from tests.world import LONG_AGO, World, card, few_triggers, iin, registered

DUE = "2025-06-20T09:00+05:00"
MANY = 120
DIES_AFTER = 20


def operator(centre: RealCentre, weight: float) -> ProviderSettings:
    """An SMS centre as a provider; it is waited for as long as a busy machine may need."""
    return ProviderSettings.model_validate(
        {
            "kind": "smpp",
            "host": "127.0.0.1",
            "port": centre.port,
            "system_id": "habarshy",
            "sender": "1414",
            "weight": weight,
            "receipts": False,
            "limits": {"begin": 20, "response": 20, "connect": 20},
        }
    )


@pytest.fixture
async def country(tmp_path: Path) -> AsyncIterator[tuple[World, RealCentre, RealCentre]]:
    """A hundred and twenty citizens with an SMS each, and two operators, of whom one has nearly all of them."""
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(real_centre()) for _ in range(2)]
        providers = {"first": operator(first, 100), "second": operator(second, 1)}
        world = World(tmp_path, packs=[few_triggers(tmp_path)], providers=providers)
        stack.callback(world.close)
        for number in range(1, MANY + 1):
            phone = f"+7701{number:07d}"
            world.take(*registered(iin(number), LONG_AGO, phone=phone), card(iin(number), "2025-07-20", f"N{number}"))
        world.plan()
        routes = compose_routes(world.platform)
        world.engine = compose_engine(world.platform, routes)
        await asyncio.gather(*map(Route.start, routes.values()))
        yield world, first, second
        await asyncio.gather(*map(Route.aclose, routes.values()))


def told(*centres: RealCentre) -> Counter[str]:
    """Number -> how many whole messages reached an operator."""
    submits: list[dict[str, Any]] = [each for centre in centres for each in centre.of("submit")]
    return Counter(each["destination_addr"] for each in submits if _is_last(each))


def _is_last(submit: dict[str, Any]) -> bool:
    *_, total, part = bytes.fromhex(submit["udh"][0]) if submit["udh"] else (1, 1)
    return total == part


async def test_nobody_is_told_twice_or_not_at_all(country: tuple[World, RealCentre, RealCentre]) -> None:
    """Kill -9 of one operator: what it took is sent, what may have gone is unknown, all else goes by the other."""
    world, first, second = country
    world.at(DUE)

    async def kill() -> None:
        await first.told("submit", DIES_AFTER)
        first.process.kill()

    await asyncio.gather(world.engine.until_idle(), kill())
    states = Counter(one.state for one in world.nudges() if one.intent.step == "month")
    assert set(states) <= {State.SENT, State.UNKNOWN}
    assert states.total() == MANY
    assert states[State.UNKNOWN] < MANY / 2
    numbers = told(first, second)
    assert max(numbers.values()) == 1
    assert len(numbers) + states[State.UNKNOWN] >= MANY
    assert len(second.of("submit")) > 0
