"""One of two mail servers, or SMS gateways, dies under load and comes back: everybody hears of everything once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from purgatory.domain.model import Context

from app.compose_sending import compose_engine, compose_routes
from app.providers import ProviderSettings
from domain.nudges.delivery import State
from notifiers.port.routes import FAILURES, Route
from tests.services.mortal import Mortal, mortal
from tests.world import LONG_AGO, World, card, event, few_triggers, iin, registered

MONTH, WEEK, DAY = "2025-06-20T09:00+05:00", "2025-07-13T09:00+05:00", "2025-07-19T09:00+05:00"
MANY = 60
DIES_AFTER = 10
KINDS = {"email": "mail", "sms": "gateway"}
Country = tuple[World, Mortal, Mortal]


def settings(channel: str, peer: Mortal, weight: float) -> ProviderSettings:
    """The peer as a provider, which is waited for as long as a busy machine may need."""
    kinds: dict[str, dict[str, Any]] = {
        "email": {"kind": "smtp", "host": "127.0.0.1", "port": peer.port, "sender": "h@gov.test", "security": "none"},
        "sms": {
            "kind": "http_sms",
            "url": f"http://127.0.0.1:{peer.port}/",
            "sender": "1414",
            "lanes": 4,
            "timeout": 20,
            "parameters": {"to": "{to}", "text": "{text}", "id": "{key}"},
            "connect_timeout": 15,
        },
    }
    return ProviderSettings.model_validate(kinds[channel] | {"weight": weight, "slow_seconds": 60})


def at_once(route: Route) -> Route:
    """The same way, where a closed door is looked at again at once and not after half a minute."""
    return Route(route.channel, [replace(one, breaker=Context(one.name, FAILURES, 0)) for one in route.providers])


@pytest.fixture(params=["email", "sms"])
async def country(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Country]:
    """Sixty citizens whose cards expire, and two providers of their channel, of whom one has nearly all of them."""
    channel = request.param
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(mortal(KINDS[channel])) for _ in range(2)]
        providers = {"first": settings(channel, first, 100), "second": settings(channel, second, 1)}
        world = World(tmp_path, packs=[few_triggers(tmp_path)], providers=providers)
        stack.callback(world.close)
        for number in range(1, MANY + 1):
            contact = {"phone": f"+7701{number:07d}", "email": f"a{number}@example.org"}
            by = event(
                "citizen.preferences_changed",
                iin(number),
                "2024-01-03T00:00:00+05:00",
                {"channels": [channel]},
                id=f"by-{number}",
            )
            world.take(
                *registered(iin(number), LONG_AGO, **contact), by, card(iin(number), "2025-07-20", f"N{number}")
            )
        world.plan()
        routes = {name: at_once(each) for name, each in compose_routes(world.platform).items()}
        world.engine = compose_engine(world.platform, routes)
        yield world, first, second
        await asyncio.gather(*map(Route.aclose, routes.values()))


def states(world: World, step: str) -> Counter[State]:
    """What became of everybody's message of that step."""
    return Counter(one.state for one in world.nudges() if one.intent.step == step)


async def test_another_takes_over_and_gives_back(country: Country) -> None:
    """Kill -9 of one: all but what may have gone go by the other, once; and once back it has its share again."""
    world, first, second = country
    world.at(MONTH)

    async def kill() -> None:
        await first.has_taken(DIES_AFTER)
        await first.die()

    await asyncio.gather(world.engine.until_idle(), kill())
    died = states(world, "month")
    names = Counter([*first.took, *second.took])
    assert set(died) <= {State.SENT, State.UNKNOWN}
    assert (died.total(), max(names.values())) == (MANY, 1)
    assert died[State.UNKNOWN] < MANY / 2
    assert len(names) + died[State.UNKNOWN] >= MANY
    assert second.took

    before = len(first.took) + len(second.took)
    await first.begin()
    await world.settle(WEEK)  # one of these looks whether it is back
    share = len(first.took)
    await world.settle(DAY)
    assert states(world, "week") == states(world, "day") == {State.SENT: MANY}
    assert max(Counter([*first.took, *second.took]).values()) == 1
    assert len(first.took) + len(second.took) == before + 2 * MANY
    assert len(first.took) - share > MANY / 2
