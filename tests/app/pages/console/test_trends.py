"""The trends of the last day: counted by hour while the log is followed, drawn with their tables."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from streams.queries.health import DISPATCH_AGE, PLANNING_AGE
from streams.replay import hourly
from streams.replay.hourly import ARRIVED, KEPT, hour_of
from streams.storage.tables import soundings
from tests.app.pages.console.office import AIGERIM, office_in, signed_in
from tests.world import LONG_AGO, NOON, World, card, fine, registered


def counted(world: World, hours: int = 24) -> dict[str, dict[int, int]]:
    """What was counted in the last hours, by what it is."""
    world.platform.replay.follower.drain()
    last = hour_of(world.clock())
    with world.platform.database.reading() as connection:
        found = hourly.by_hour(connection, last - hours, last)
    return {what: dict(counts) for what, counts in found.items()}


async def test_facts_are_counted_by_the_hour_of_their_recording(world: World) -> None:
    """Events count when they came in, messages by channel when they went; following twice counts nothing twice."""
    noon = hour_of(NOON)
    world.take(*registered(AIGERIM), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    await world.settle()
    world.at(NOON + timedelta(hours=1))
    world.take(fine(AIGERIM, "KZ-2", "2025-06-02T12:30:00+05:00"))
    found = counted(world)
    assert found[ARRIVED] == {noon: 4, noon + 1: 1}
    assert found["attempted.sms"] == found["sent.sms"] == {noon: 1}
    assert counted(world) == found
    with world.platform.database.reading() as connection:
        assert hourly.priced(connection, noon, noon) == {(noon, "traffic_fine_discount"): 1}


def test_old_hours_are_deleted(world: World) -> None:
    """Counts are kept for a week; what is older goes as newer hours are counted, and is not counted late."""
    world.take(*registered(AIGERIM, LONG_AGO))
    assert counted(world)[ARRIVED]
    world.at(NOON + timedelta(hours=KEPT + 1))
    world.take(card(AIGERIM, "2025-07-20"))
    assert counted(world, 10**4)[ARRIVED] == {hour_of(world.clock()): 1}
    with world.platform.database.reading() as connection:
        hourly.add(connection, {})
    rows = {(hour_of(NOON), "", ARRIVED): 7, (hour_of(world.clock()), "", ARRIVED): 1}
    world.platform.database.write(lambda connection: hourly.add(connection, rows))
    assert counted(world, 10**4)[ARRIVED] == {hour_of(world.clock()): 2}


def test_the_longest_wait_of_each_hour_is_sampled(world: World) -> None:
    """The samples of the backlogs keep how long the oldest waits, so that a page shows the worst of each hour."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    world.at(NOON + timedelta(minutes=9))
    world.platform.queries.backlog.take()
    ages = world.platform.queries.backlog.ages_by_hour(NOON)
    assert (ages[PLANNING_AGE], ages[DISPATCH_AGE]) == ({hour_of(NOON): 540}, {hour_of(NOON): 0})


def test_only_the_ages_are_kept_for_a_day(world: World) -> None:
    """Trends need the last minutes of each backlog; the charts need a day, so of older samples only the ages stay."""
    backlog = world.platform.queries.backlog
    for minutes in (0, 61):
        world.at(NOON + timedelta(minutes=minutes))
        assert backlog.take()
    with world.platform.database.reading() as connection:
        query = select(soundings.c.name, func.count()).group_by(soundings.c.name)
        kept = {name: many for name, many in connection.execute(query)}  # noqa: C416  (rows are no pairs to mypy)
    assert {name for name, many in kept.items() if many == 2} == {PLANNING_AGE, DISPATCH_AGE}
    assert set(kept.values()) == {1, 2}


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
async def test_each_chart_has_words_and_a_table(tmp_path: Path, language: str) -> None:
    """Each chart is said in a sentence, and its figures stand in a table; there is no style in it."""
    office = office_in(tmp_path)
    office.world.take(*registered(AIGERIM), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    await office.world.settle()
    office.world.platform.replay.follower.drain()
    office.world.platform.queries.backlog.take()
    text = signed_in(office, "olga").get(f"/console?language={language}").text
    charts = re.findall(r'<figure class="chart small">.*?</figure>', text, re.DOTALL)
    assert len(charts) >= 5
    for chart in charts:
        assert re.search(r'role="img" aria-label="[^"]+\. [^"]+"', chart)
        assert "<table>" in chart
        assert "style=" not in chart
    office.world.close()


async def test_the_charts_look_back_a_day_or_a_week(tmp_path: Path) -> None:
    """What came three days ago is on the charts of the week, by its day, and not on those of the day."""
    office = office_in(tmp_path)
    office.world.take(*registered(AIGERIM), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    await office.world.settle()
    office.world.platform.replay.follower.drain()
    office.world.at(NOON + timedelta(days=3))
    client = signed_in(office, "olga")
    day, week = (client.get(f"/console?language=en&span={span}").text for span in ("day", "week"))
    assert "Nothing was counted in the last 24 hours." in day
    assert "4 in the last 7 days" in week
    assert '<td>02.06</td><td class="n number">4</td>' in week
    assert sorted(set(re.findall(r"<td>(\d\d\.0[56])</td>", week)))[:2] == ["01.06", "02.06"]
    office.world.close()
