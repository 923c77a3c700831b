"""News of a place in the inbox: what was announced, and for where."""

from collections.abc import AsyncIterator
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest

from templates.checks.loader import shipped
from tests.app.pages.test_inbox import card_of, inbox
from tests.app.pages.visitor import visiting
from tests.streams.weather import settled
from tests.world import World, event, iin

RESIDENT, DISTRICT = iin(1), "191810000"
ANNOUNCED = "2026-04-07T11:00:00+05:00"
OUTAGE = {
    "number": "E-1",
    "area": DISTRICT,
    "resource": "hot_water",
    "starts_on": "2026-04-08",
    "starts_at": "10:00",
    "ends_on": "2026-04-08",
    "ends_at": "16:00",
    "places": "Абай көшесі, 1–40",
}
FLOOD = {"number": "F-1", "area": DISTRICT, "river": "Іле", "expected_on": "2026-04-09"}
CLOSED = {
    "number": "R-1",
    "area": DISTRICT,
    "street": "Достық даңғылы",
    "closed_from": "2026-04-08",
    "closed_until": "2026-04-10",
}
SAID = {
    "en": {
        "Planned outage": ["What is cut off: hot water", "Time: 10:00–16:00", "Places: Абай көшесі, 1–40"],
        "Flood warning": ["River: Іле", "Day: 9 April 2026"],
        "Street closure": ["Street: Достық даңғылы"],
    },
    "ru": {
        "Плановое отключение": ["горячая вода", "Места: Абай көшесі, 1–40"],
        "Предупреждение о паводке": ["Река: Іле"],
        "Перекрытие улицы": ["Улица: Достық даңғылы"],
    },
    "kk": {
        "Жоспарлы ажырату": ["ыстық су", "Абай көшесі, 1–40"],
        "Су тасқыны туралы ескерту": ["Өзен: Іле"],
        "Көше жабылады": ["Көше: Достық даңғылы"],
    },
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A resident was told of an outage, a flood and a closed street."""
    packs = [each for each in shipped() if each.name in ("kz", "alatau")]
    made = World(tmp_path, packs=packs, now=datetime.fromisoformat(ANNOUNCED))
    made.take(*settled(1, DISTRICT))
    for type_, data in (
        ("alatau.utilities.outage_planned", OUTAGE),
        ("alatau.emergencies.flood_expected", FLOOD),
        ("alatau.roads.street_closed", CLOSED),
    ):
        made.take(event(type_, None, ANNOUNCED, data))
    await made.settle("2026-04-07T18:01+05:00")
    made.platform.replay.follower.drain()
    yield made
    made.close()


@pytest.mark.parametrize("language", list(SAID))
def test_a_card_says_what_happens_and_where(world: World, language: str) -> None:
    """What is cut off and where, which river and which street; the registry's own number tells a resident nothing."""
    page = inbox(world, language=language, who=RESIDENT)
    for title, said in SAID[language].items():
        found = card_of(page, title)
        assert [each for each in said if each not in found] == [], found
        assert "E-1" not in found


def test_a_day_that_is_past_is_no_last_day(world: World) -> None:
    """Once the flood's day is over, its card still says which day it was: nothing had to be done by then."""
    world.at("2026-05-01T12:00+05:00")
    found = card_of(inbox(world, who=RESIDENT), "Flood warning")
    assert "Day: 9 April 2026" in found
    assert "The last day was" not in found


async def test_the_heating_season_says_if_it_begins_or_ends(world: World) -> None:
    """A value by which the rule chose the words stands on the card, too."""
    ends = {"season": "2025/2026", "area": DISTRICT, "what": "ends", "changes_on": "2026-04-12"}
    world.take(event("alatau.utilities.heating_season_set", None, "2026-04-07T19:00:00+05:00", ends))
    await world.settle("2026-04-09T10:01+05:00")
    world.platform.replay.follower.drain()
    assert "Announced change: it ends" in card_of(inbox(world, who=RESIDENT), "Heating season")


def test_a_street_is_found(world: World) -> None:
    """The search finds the news of a street by its name."""
    page = inbox(world, "?q=достық", who=RESIDENT)
    assert "Street closure" in page
    assert "Flood warning" not in page.partition("<h2>")[2]


def test_the_reason_says_where(world: World) -> None:
    """Who asks why it came reads which street."""
    nudge = world.nudge("eve", "street_closure").intent.id
    page = unescape(visiting(world, RESIDENT).get(f"/my/messages/{nudge}/why").text)
    assert "for the place where you live: a street will be closed (street: Достық даңғылы)" in page
