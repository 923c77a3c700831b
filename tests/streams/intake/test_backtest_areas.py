"""A backtest of triggers to the residents of areas is what the platform would have done."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from streams.intake.cloudevents import Envelope
from tests.beginnings import packs_in
from tests.streams.weather import ALMATY, ASTANA, DISTRICT, OTHER_DISTRICT, moved, settled, storm, write_weather
from tests.streams.years import (
    START,
    Told,
    draft_of,
    ended_live,
    ended_played,
    lived,
    played,
    question_of,
    went_live,
    went_played,
)
from tests.world import World, annulled, card, corrected, event, few_triggers, iin

HOMES = (DISTRICT, OTHER_DISTRICT, ASTANA)


def told(random: Random, envelope: Envelope, days: float) -> Told:
    """Happens so many days after the publication, and is reported then or later."""
    at = START + timedelta(days=days)
    known = at + timedelta(days=random.choice([0, 0, 0, 1, 6]), minutes=random.randrange(600))
    return Told(known, envelope.id, envelope)


def past(seed: int) -> list[Told]:
    """Citizens who move now and then, and storms over districts and cities, some corrected or over or annulled."""
    random = Random(seed)  # noqa: S311  (a test's, the same every time)
    found = [
        Told(START - timedelta(days=300), each.id, each) for number in range(8) for each in _settled(random, number)
    ]
    for number in range(8):
        for days in sorted(random.sample(range(-60, 80), 2)):
            at = (START + timedelta(days=days)).isoformat()
            found.append(told(random, moved(iin(number), random.choice(HOMES), at), days))
        days = random.randrange(-5, 60)
        issued = (START + timedelta(days=days)).isoformat()
        found.append(told(random, card(iin(number), "2035-01-01", f"N{number}", time=issued), days))
    for number in range(7):
        found += _storm(random, number)
    return sorted(found)


def _settled(random: Random, number: int) -> list[Envelope]:
    return settled(number, random.choice(HOMES), random.choice(["1950-05-05", "1990-01-01"]))


def _storm(random: Random, number: int) -> Iterator[Told]:
    days = random.randrange(-10, 70)
    at, on = START + timedelta(days=days), (START + timedelta(days=days + random.randrange(1, 20))).date()
    area = random.choice([*HOMES, ALMATY])
    data = {"area": area, "on": on.isoformat(), "number": f"S{number}"}
    first = storm(area, f"storm-{number}", at.isoformat(), data=data)
    yield told(random, first, days)
    later = days + random.random() * 6
    match number % 4:
        case 0:
            yield told(random, corrected(first, 2, area=random.choice(HOMES)), later)
        case 1:
            yield told(random, annulled(first, 2), later)
        case 2:
            over = (START + timedelta(days=later)).isoformat()
            yield told(random, event("weather.cleared", None, over, data, id=f"over-{number}"), later)


def without_triggers(folder: Path, *packs: Path) -> list[Path]:
    """Copies of the packs as they were before any trigger of theirs."""
    made = []
    for pack in packs:
        triggers = {each.parent.name for each in pack.glob("*/trigger.yaml")}
        made.append(folder / pack.name)
        shutil.copytree(pack, made[-1], ignore=lambda _, names, those=triggers: those.intersection(names))
    return made


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_residents_are_told_as_the_backtest_says(tmp_path: Path, seed: int) -> None:
    """Whoever lives where a storm comes, moves, and whatever of it is corrected: the backtest is the live run."""
    [_, weather] = write_weather(tmp_path)
    kz, bare = without_triggers(tmp_path / "bare", few_triggers(tmp_path), weather)
    world, known = World(tmp_path, now=past(seed)[0].known, packs=[kz, bare]), past(seed)
    await lived(world, [kz, weather], known)
    owns = played(world, question_of(world, draft_of(packs_in([kz, weather])[-1])))

    assert went_live(world)
    assert went_played(owns) == went_live(world)
    assert set(ended_played(owns)) == set(ended_live(world))
    world.close()
