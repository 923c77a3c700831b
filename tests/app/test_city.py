"""The news of the simulated city: events that its pack takes, about an area in which simulated citizens live."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from app.simulation.city import CITY, city_news
from app.simulation.population import simulate
from domain.persons.history import history_of, lives_in
from domain.planning.plan import plan
from streams.intake.cloudevents import envelope_of
from streams.intake.validation import Checker
from streams.rehearsal.stage import NAMES, stages
from templates.checks.loader import shipped
from templates.reading.catalogue import catalogue_of
from tests.beginnings import packs_in

START, END = date(2024, 1, 1), date(2027, 1, 1)


@pytest.mark.parametrize("seed", range(5))
def test_the_pack_takes_every_event(seed: int) -> None:
    """Whatever the city reports passes intake's checks, lies in the span, and has an id of its own."""
    catalogue = catalogue_of([pack.content for pack in packs_in(shipped())])
    checker = Checker(catalogue, NAMES, lambda _: False)
    events = [checker.check(envelope_of(event)) for event in city_news(seed, START, END)]
    first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (START, END))
    assert all(first <= event.time < last for event in events)
    assert max(Counter(event.id for event in events).values()) == 1
    originals = {event.id for event in events if event.corrects is None}
    assert {event.corrects for event in events if event.corrects is not None} <= originals
    assert {event.type for event in events} <= set(catalogue.types)


def test_every_kind_of_news_comes() -> None:
    """In some years everything that the city's triggers start on comes, and outages move and are called off."""
    events = [event for seed in range(3) for event in city_news(seed, START, END)]
    started = {
        source.rules["on"] for pack in packs_in(shipped()) for source in pack.triggers if pack.name == "alatau"
    }
    assert started - {event["type"] for event in events} == {"alatau.emergencies.evacuation_ordered"}
    assert any("corrects" in event for event in events)


def test_the_same_seed_gives_the_same_news() -> None:
    """The news is repeated exactly by its arguments, and another seed is another year."""
    assert list(city_news(1, START, END)) == list(city_news(1, START, END))
    assert list(city_news(1, START, END)) != list(city_news(2, START, END))


def test_somebody_lives_there_and_hears_of_it() -> None:
    """In the demo's year its citizens who live in the city are told of outages, air, streets and more."""
    packs = packs_in(shipped())
    catalogue = catalogue_of([pack.content for pack in packs])
    checker = Checker(catalogue, NAMES, lambda _: True)
    year = date(2025, 1, 1), date(2026, 1, 1)
    news = [checker.check(envelope_of(event)) for event in city_news(5, *year)]
    lives = [checker.check(envelope_of(event)) for event in simulate(200, 5, *year)]
    residents = {
        person
        for event in lives
        for person in event.everybody
        if any(lives_in(part.get("area"), CITY, catalogue.area_levels) for part in event.fields.values())
    }
    assert len(residents) > 2
    told = {
        intent.trigger
        for stage in stages(packs)
        for person in residents
        for intent in plan(
            history_of(person, [event for event in lives if person in event.everybody], catalogue, news),
            stage.rules(lives[0].time).rulebook,
        )
    }
    assert told >= {
        "planned_outage",
        "air_quality",
        "street_closure",
        "heating_season",
        "flood_warning",
        "school_closed",
    }
