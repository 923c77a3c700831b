"""A message waits while something is recorded of its person that is not planned yet."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from domain.rules.built_in_triggers import DIGEST
from projections import history
from projections.tables import micros
from streams.delivery.decide.awaited_plans import FIRST_LOOKS, LATER_LOOKS, LONGEST_WAIT
from templates.checks.loader import shipped
from tests.streams.dispatching import AIGERIM, AWAKE, CARD, DANA, DUE, EVACUATION, FLOOD, HOME, dispatcher, once
from tests.world import LONG_AGO, World, annulled, card, event, few_triggers, fine, registered

TEN_MINUTES = timedelta(minutes=10)
FINE = fine(AIGERIM, "1", "2025-06-10T12:00:00+05:00")
PAID = event(
    "kz.traffic.fine_paid",
    AIGERIM,
    "2025-06-16T09:00:00+05:00",
    {"number": "1", "amount": 21625, "paid_on": "2025-06-16"},
)
LAST_DAY = "2025-06-16T10:00+05:00"
SPEAKS_RUSSIAN = event(
    "citizen.preferences_changed", AIGERIM, "2025-06-20T08:00:00+05:00", {"language": "ru"}, id="again"
)


@pytest.fixture
def world(tmp_path: Path, url: str) -> World:
    """A platform, on both databases, with a card that is told of at DUE."""
    world = World(tmp_path, url=url)
    world.take(*registered(AIGERIM, LONG_AGO), *registered(DANA, LONG_AGO), AWAKE)
    return world


async def look(world: World) -> list[str]:
    """Dispatch what is due, without planning; the persons whom messages went to."""
    before = len(world.sent)
    await dispatcher(world).drain()
    return [message.recipient for message in world.sent[before:]]


async def test_who_has_paid_is_not_reminded(world: World) -> None:
    """A payment that is recorded and not planned yet stops the reminder, which is then cancelled."""
    world.take(FINE)
    await world.settle("2025-06-10T14:00+05:00")
    world.at(LAST_DAY)
    world.take(PAID)

    held = await look(world)
    world.plan()
    world.at(world.clock() + FIRST_LOOKS)

    assert (held, await look(world)) == ([], [])
    assert world.nudge("last_day").to(world.name(AIGERIM)).state == "cancelled"
    world.close()


async def test_what_is_still_wanted_goes_after_its_plan(world: World) -> None:
    """A message that waited for a plan goes soon after it, once; others did not wait for it."""
    world.take(CARD, card(DANA, "2025-07-20", "N2"))
    world.plan()
    world.at(DUE)
    world.take(SPEAKS_RUSSIAN)

    first = await look(world)
    at_once = await look(world)
    world.plan()
    world.at(world.clock() + FIRST_LOOKS)

    assert (first, at_once) == ([world.name(DANA)], [])
    assert (await look(world), await look(world)) == ([world.name(AIGERIM)], [])
    world.close()


async def test_a_run_until_idle_ends_after_what_waited_for_a_plan(world: World) -> None:
    """What is recorded of somebody whom a run is sending to is planned in it, and the message goes before its end."""
    world.take(CARD)
    world.plan()
    world.at(DUE)
    sends = dispatcher(world, on_writing=once(lambda: world.take(SPEAKS_RUSSIAN)))

    await replace(world.engine, dispatcher=sends).until_idle()

    assert [message.language for message in world.sent] == ["ru"]
    world.close()


async def test_a_plan_that_never_comes_stops_nothing_for_ever(world: World) -> None:
    """After the longest wait a message goes by the plan that there is."""
    world.take(CARD)
    world.plan()
    world.at(DUE)
    world.take(SPEAKS_RUSSIAN)

    looks = {}
    while world.clock() <= DUE + LONGEST_WAIT + TEN_MINUTES:
        looks[world.clock() - DUE] = len(await look(world))
        world.at(world.clock() + TEN_MINUTES)

    assert [after for after, sent in looks.items() if sent] == [LONGEST_WAIT]
    world.close()


async def test_a_message_goes_before_it_expires(world: World) -> None:
    """A plan that does not come is not waited for until there is nothing to send."""
    world.take(FINE)
    await world.settle("2025-06-10T14:00+05:00")
    expires = world.nudge("last_day").intent.expires
    assert expires is not None
    world.at(expires - LATER_LOOKS)
    world.take(SPEAKS_RUSSIAN)

    assert await look(world) == [world.name(AIGERIM)]
    world.close()


async def test_a_digest_goes_without_what_waits_for_a_plan_where_another_cannot_wait(tmp_path: Path) -> None:
    """Of two reminders in a digest the one that is over at midnight goes; the other's card was annulled just now."""
    world = World(tmp_path)
    ends, wrong, before = (card(AIGERIM, f"2025-{day}", day) for day in ("06-19", "07-18", "07-17"))
    world.take(*registered(AIGERIM, LONG_AGO), AWAKE, ends, wrong, before)
    for day in (12, 17, 18):
        await world.settle(f"2025-06-{day}T09:00+05:00")
    together = world.nudge("day", DIGEST)
    world.at("2025-06-19T23:59:30+05:00")
    world.take(annulled(wrong, 2))

    assert await look(world) == [world.name(AIGERIM)]
    await world.settle("2025-06-20T09:00+05:00")

    states = {one.intent.id: one.state for one in world.nudges()}
    assert sorted(states[id_] for id_ in together.members) == ["cancelled", "sent"]
    world.close()


async def test_those_who_are_planned_at_leisure_are_not_waited_for(world: World) -> None:
    """A publication, by which everybody is planned again at leisure, holds no message back."""
    world.take(CARD)
    world.plan()
    world.at(DUE)
    world.platform.database.write(
        lambda connection: history.wake_at_leisure(connection, [world.name(AIGERIM)], micros(DUE))
    )

    assert await look(world) == [world.name(AIGERIM)]
    world.close()


async def test_any_fact_may_change_what_is_about_the_person_alone(tmp_path: Path) -> None:
    """A fact of no matter which type holds back what begins with the first fact of its person."""
    world = World(tmp_path, packs=[few_triggers(tmp_path, "medical_insurance_adult")])
    world.take(*registered(AIGERIM, "2007-06-20"))
    world.plan()
    world.at("2025-06-20T10:00+05:00")
    paid_before = {"number": "1", "amount": 21625, "paid_on": "2019-06-16"}
    world.take(event("kz.traffic.fine_paid", AIGERIM, "2019-06-16T09:00:00+05:00", paid_before))

    held = await look(world)
    world.plan()
    world.at(world.clock() + FIRST_LOOKS)

    assert (held, await look(world)) == ([], [world.name(AIGERIM)])
    world.close()


async def test_danger_to_life_waits_for_no_plan(tmp_path: Path) -> None:
    """An emergency goes at once, whatever is recorded and not planned."""
    world = World(tmp_path, packs=shipped(), now=FLOOD)
    world.take(*registered(AIGERIM, "1990-05-05"), HOME)
    world.take(EVACUATION)
    world.plan()
    world.take(
        event("citizen.preferences_changed", AIGERIM, "2026-04-08T11:00:00+05:00", {"language": "ru"}, id="now")
    )

    assert await look(world) == [world.name(AIGERIM)]
    world.close()
