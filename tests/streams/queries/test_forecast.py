"""Forecast: what is due, counted; when it goes, as the live run does it; nothing is invented or changed."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import update

from domain.facts.facts import NudgeAttempted
from domain.nudges.forecast import Forecast, SampledDelivery, hour_of, spread
from projections import tables
from streams.queries.forecast import Forecaster
from tests.world import LONG_AGO, World, birth, card, event, fine, iin, registered

WEEK, HOUR = timedelta(days=8), timedelta(hours=1)
AIGERIM, DANA, SAULE, CHILD = (iin(number) for number in range(1, 5))


def lively(world: World) -> None:
    """Cards that end, many fines of one person, late risers, a minor with two guardians, one who wants nothing."""
    for number, person in enumerate((AIGERIM, DANA, SAULE)):
        world.take(*registered(person, LONG_AGO), card(person, f"2025-07-0{number + 3}", f"N{number}"))
    world.take(*[fine(AIGERIM, f"F{number}", f"2025-06-0{number % 2 + 1}T12:00:00+05:00") for number in range(6)])
    late = {"quiet_from": "21:00", "quiet_to": "11:00"}
    world.take(event("citizen.preferences_changed", DANA, "2025-01-01T00:00:00Z", late, id="late"))
    world.take(birth(CHILD, DANA, "2025-05-20", father=SAULE))
    world.plan()


def looked(world: World, sample: int = 5000) -> Forecast:
    """The forecast for a week."""
    on = world.platform
    return Forecaster(on.rules.context, sample).forecast(WEEK).forecast


async def as_live(world: World, found: Forecast) -> None:
    """Run the week, and compare each hour's messages by channel with the forecast."""
    foreseen = Counter[tuple[datetime, str]]()
    for cell, many in found.messages.items():
        foreseen[cell.hour, cell.channel] += round(many)
    begun, before = world.clock(), len(world.entries())
    for number in range(int(WEEK / HOUR)):
        await world.settle(begun + HOUR * number)
    attempts = [entry.fact for entry in world.entries()[before:] if isinstance(entry.fact, NudgeAttempted)]
    sent = Counter((hour_of(each.at), each.channel) for each in attempts if each.provider != "digest")
    assert foreseen == sent


async def test_it_is_what_the_live_run_does(world: World) -> None:
    """Where the sample is everybody, each hour's messages by channel are those that the live run attempts then."""
    lively(world)
    found = looked(world)
    await as_live(world, found)
    assert {"quiet_hours", "digest"} <= set(found.deferred)


async def test_who_becomes_a_guardian_while_a_message_waits_is_counted(world: World) -> None:
    """Of two parents one waits for noon; a guardian who joins them is told with that parent, and is foreseen."""
    late = {"quiet_from": "08:00", "quiet_to": "12:00"}
    for person in (AIGERIM, DANA, SAULE):
        world.take(*registered(person, LONG_AGO))
    world.take(
        event("citizen.preferences_changed", AIGERIM, "2025-01-01T00:00:00Z", late, id="late"),
        birth(CHILD, AIGERIM, "2008-05-20", father=DANA),
        card(CHILD, "2025-07-10", "C1"),
    )
    assert len(await world.settle("2025-06-10T09:00+05:00")) == 1
    everybody = {"guardians": [AIGERIM, DANA, SAULE]}
    world.take(event("citizen.guardian_appointed", CHILD, "2025-06-09T00:00:00Z", everybody))
    world.plan()
    found = looked(world)
    assert sum(found.messages.values()) == 2
    await as_live(world, found)


def test_what_is_due_is_counted_whatever_the_sample(world: World) -> None:
    """With a sample of nearly nobody the number of what is due is exact, and each of it is accounted for."""
    lively(world)
    whole, part = looked(world), looked(world, sample=1)
    assert part.due == whole.due
    assert sum(part.messages.values()) + sum(part.withheld.values()) > 0


def test_what_no_plan_has_taken_in_is_said(world: World) -> None:
    """Facts that are recorded and not planned are counted beside the forecast, as `status` counts them."""
    lively(world)
    forecaster = world.platform.queries.forecast
    assert forecaster.forecast(WEEK).unplanned == 0
    world.take(fine(DANA, "F7", "2025-06-02T11:00:00+05:00"))
    assert forecaster.forecast(WEEK).unplanned == world.health().unplanned == 1


def test_a_forecast_changes_nothing_and_calls_nobody(world: World) -> None:
    """Three forecasts are the same, call no provider and append nothing."""
    lively(world)
    before = len(world.entries())
    first, *others = (looked(world) for _ in range(3))
    assert others == [first, first]
    assert (len(world.entries()), world.sent) == (before, [])


def test_what_a_switch_holds_back_is_not_counted(world: World) -> None:
    """A delivery that a kill switch holds back is said apart, and is due when the switch is cleared."""
    lively(world)
    on = world.platform
    due = looked(world).due
    world.platform.database.write(lambda connection: connection.execute(update(tables.due).values(stopped=True)))
    found = Forecaster(on.rules.context).forecast(WEEK)
    assert (found.forecast.due, found.forecast.messages) == (0, {})
    assert found.held_back >= due


def test_counts_are_spread_by_the_mix() -> None:
    """A thousand due in an hour go as the sample of their trigger went: half an hour later, half of them by email."""
    nine = datetime.fromisoformat("2025-06-03T09:00+00:00")
    sample = [
        SampledDelivery("a", nine, nine, "sms", 2),
        SampledDelivery("a", nine, nine + HOUR, "email", 0, "quiet_hours"),
        SampledDelivery("a", nine, nine, withheld="opted_out"),
        SampledDelivery("a", nine, nine, withheld="opted_out"),
    ]
    found = spread([(nine + HOUR * 24, "a", 1000), (nine, "b", 7)], sample, nine)
    assert found.due == 1007
    assert {(cell.hour, cell.channel): many for cell, many in found.messages.items()} == {
        (nine + HOUR * 24, "sms"): 250,
        (nine + HOUR * 25, "email"): 250,
    }
    assert (sum(found.parts.values()), found.deferred, found.withheld) == (
        500,
        {"quiet_hours": 250},
        {"opted_out": 500},
    )


def test_both_databases_count_alike(url: str, tmp_path: Path) -> None:
    """SQLite and PostgreSQL count by the same hours and triggers."""
    world = World(tmp_path, url=url)
    lively(world)
    counted = looked(world)
    assert (counted.due, round(sum(counted.messages.values()))) == (looked(world, sample=1).due, 16)
    world.close()
