"""An SMS centre that allows one link: the other dispatchers leave its messages to whoever has it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from app.compose_sending import compose_dispatcher
from domain.facts.facts import NudgeAttempted
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted
from notifiers.port.routes import Provider, Route, single_routes
from notifiers.sms.smpp.notifier import SmppNotifier
from streams.delivery.admission.exclusive_links import LEFT_FOR, UNATTENDED_AFTER
from streams.delivery.send.dispatch import Dispatcher
from templates.checks.loader import shipped
from tests.notifiers.sms_helpers import sms, sms_to
from tests.notifiers.smsc import scripted_centre
from tests.streams.dispatching import AIGERIM, DUE, EVACUATION, FLOOD, HOME, MINUTE, with_card
from tests.world import LONG_AGO, World, event, fine, iin, registered

ALREADY_BOUND = 0x05
CASCADE_AFTER, HOUR = timedelta(minutes=10), timedelta(hours=1)
BY_SMS = event("citizen.preferences_changed", AIGERIM, "2024-01-03T00:00:00+05:00", {"channels": ["sms"]}, id="sms")


def dispatching(world: World, route: Route, holder: str) -> Dispatcher:
    """A dispatcher by whose process SMS go so."""
    return compose_dispatcher(world.platform, single_routes(world.notifiers) | {"sms": route}, None, holder)


async def until_elsewhere(spare: SmppNotifier, *, elsewhere: bool) -> None:
    """Until it knows whether another process has the link."""
    async with asyncio.timeout(30):
        while spare.elsewhere is not elsewhere:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)


def attempts(world: World) -> int:
    """How many there were."""
    return sum(isinstance(each.fact, NudgeAttempted) for each in world.entries())


async def test_what_another_process_is_bound_for_is_left_to_it(tmp_path: Path) -> None:
    """Who is refused as a second link attempts nothing, though it claims first; whoever is bound sends it, once."""
    world = with_card(tmp_path)
    world.take(BY_SMS)
    world.at(DUE)
    async with (
        scripted_centre(bind=[0, ALREADY_BOUND]) as centre,
        sms_to(centre.port) as bound,
        sms_to(centre.port, limits={"rest": 60.0, "longest_rest": 60.0}) as spare,
    ):
        await bound.send([sms()])
        await spare.start()
        await until_elsewhere(spare, elsewhere=True)
        first = dispatching(world, Route("sms", [Provider("sms", bound)]), "first")
        second = dispatching(world, Route("sms", [Provider("sms", spare)]), "second")
        await second.drain()
        assert (attempts(world), world.delivery("month").state) == (0, "planned")
        assert await first.drain() == 0  # nobody claims it at once
        world.at(DUE + LEFT_FOR)
        await first.drain()
        assert (attempts(world), world.delivery("month").state) == (1, "sent")
    world.close()


@asynccontextmanager
async def refused(world: World) -> AsyncIterator[Dispatcher]:
    """A dispatcher that the centre lets in at no time, as another one has the link."""
    limits = {"rest": 60.0, "longest_rest": 60.0}
    async with scripted_centre(bind=ALREADY_BOUND) as centre, sms_to(centre.port, limits=limits) as spare:
        await spare.start()
        await until_elsewhere(spare, elsewhere=True)
        yield dispatching(world, Route("sms", [Provider("sms", spare)]), "second")


async def drained(world: World, dispatcher: Dispatcher, until: datetime) -> None:
    """It looks every half minute until then, as it would much more often."""
    while world.clock() < until:
        world.at(world.clock() + MINUTE / 2)
        await dispatcher.drain()


async def test_what_nobody_sends_goes_by_the_next_channel(tmp_path: Path) -> None:
    """Where a session without a process has the link, a message goes on as from a channel that is away, once."""
    world = with_card(tmp_path)
    world.at(DUE)
    async with refused(world) as second:
        await drained(world, second, DUE + UNATTENDED_AFTER)
        assert attempts(world) == 0
        await drained(world, second, DUE + CASCADE_AFTER + 2 * UNATTENDED_AFTER)
    assert [one.channel for one in world.sent] == ["email"]
    assert (world.delivery("month").state, world.delivery("month").exhausted) == ("sent", ("sms",))
    world.close()


async def test_what_somebody_sends_by_is_left_to_them(tmp_path: Path) -> None:
    """As long as the provider takes anything over, whoever has the link will come to the rest."""
    world = with_card(tmp_path)
    others = [iin(number) for number in range(2, 10)]
    world.take(*(each for other in others for each in registered(other, LONG_AGO)))
    world.at(DUE)
    first = dispatching(world, Route("sms", [Provider("sms", FakeNotifier("sms", world.sent))]), "first")
    async with refused(world) as second:
        for sent, other in enumerate(others, 1):
            await drained(world, second, world.clock() + MINUTE / 2)
            world.take(fine(other, f"F{sent}", (world.clock() - HOUR).isoformat()))
            world.plan()
            await first.drain()  # what the second one left a moment ago is nobody's for now
            assert (attempts(world), len(world.sent)) == (sent, sent)
    assert world.delivery("month").state == "planned"
    world.close()


async def test_what_would_expire_goes_by_the_next_channel_before(tmp_path: Path) -> None:
    """Whoever else has the link is not waited for until it is too late."""
    world = World(tmp_path, packs=shipped(), now=FLOOD)
    world.take(*registered(AIGERIM, "1990-05-05"), HOME)
    world.take(EVACUATION)
    world.plan()
    [expires] = [one.intent.expires for one in world.nudges() if one.intent.trigger.endswith("evacuation")]
    assert expires is not None
    world.at(expires - LEFT_FOR)
    async with refused(world) as second:
        await second.drain()
    assert [one.channel for one in world.sent] == ["email"]
    world.close()


async def test_another_provider_of_the_channel_takes_it_meanwhile(tmp_path: Path) -> None:
    """Where this process has another way, it need not wait for the one that is bound."""
    world = with_card(tmp_path)
    world.take(BY_SMS)
    world.at(DUE)
    async with scripted_centre(bind=ALREADY_BOUND) as centre, sms_to(centre.port) as spare:
        await spare.send([sms()])
        route = Route("sms", [Provider("centre", spare, weight=1e9), Provider("gateway", FakeNotifier("sms", []))])
        await dispatching(world, route, "second").drain()
    assert (attempts(world), world.delivery("month").provider) == (1, "gateway")
    world.close()


async def test_whoever_was_refused_takes_over_when_the_link_is_free() -> None:
    """The spare tries again by itself, and sends as soon as it is let in."""
    async with scripted_centre(bind=[ALREADY_BOUND, 0]) as centre, sms_to(centre.port) as spare:
        await spare.send([sms()])
        await centre.until(lambda: centre.heard.count("bind") == 2)
        await until_elsewhere(spare, elsewhere=False)
        [outcome] = await spare.send([sms()])
    assert isinstance(outcome, Accepted)
