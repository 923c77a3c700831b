"""Area events under rules that change: canaries, moved reaches; set-based planning stays what plan gives for each."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.facts.submissions import Subject
from streams.planning.areas import AreaPlanning
from streams.rules.approval import reference
from streams.rules.in_force import Rules
from streams.rules.library import Library
from tests.examples import examples
from tests.streams import governors
from tests.streams.planning.test_area_plans import HOMES, a_life, planner
from tests.streams.weather import AT_DUE, AT_EVENT, settled, storm, write_weather
from tests.world import World

AGENCY = "weather"
TRIGGERS = {"at_event": AT_EVENT, "at_due": AT_DUE}


def changed(rules: str, hours: int) -> str:
    """Other rules under the same name: the trigger is due later, or at another distance."""
    return rules.replace("PT1H", f"PT{hours}H").replace("-P3D", f"-PT{70 - hours}H")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database on which six people live, and two further versions of each trigger are approved."""
    folder = tmp_path_factory.mktemp("governed")
    world = World(folder, packs=write_weather(folder, TRIGGERS))
    for number in range(1, 7):
        world.take(*settled(number, HOMES[number % 3]))
    world.plan()
    for hours in (2, 3):
        packs = write_weather(folder / str(hours), {name: changed(text, hours) for name, text in TRIGGERS.items()})
        for name in TRIGGERS:
            governors.approved(world, packs, name, AGENCY)
    world.close()
    return world.file


def act(world: World, random: Random) -> None:
    """Somebody publishes one of the approved versions, for some or for all, also for pending nudges or not."""
    name = random.choice(sorted(TRIGGERS))
    governing = world.platform.rules.approval
    every = governing.governed().submitted[Subject("trigger", name)]
    chosen = reference(f"{name}@{random.choice(every).hash}")
    current = governing.governed().current(name)
    share = random.choice((0.3, 0.6, 1.0))
    if current is not None and current.hash.startswith(chosen.hash):
        share = max(share, current.share)
    governing.publish([chosen], governors.author(AGENCY), share=share, to_pending=random.random() < 0.4)


@settings(
    max_examples=examples(15),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_whatever_is_published_meanwhile_what_waits_is_what_plan_gives(lived: Path, seed: int) -> None:
    """However storms, moves and publications come, nobody keeps a nudge of rules that no longer apply to them."""
    life, random = a_life(seed), Random(seed)  # noqa: S311  (a seeded test)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), copy_of=lived)
        areas = planner(world, life.size)
        steps: dict[str, Callable[[], object]] = {
            "people": world.platform.planning.planning.drain,
            "area": areas.turn,
            "": lambda: None,
        }
        for number, (arrival, load) in enumerate(life.arrivals):
            world.take(arrival, ahead_from=load)
            steps[life.plans[number % len(life.plans)]]()
            if random.random() < 0.5:
                act(world, random)
        world.platform.planning.planning.drain()
        areas.drain()
        assert world.pending() == world.intents()
        world.close()


def test_who_is_in_a_canary_is_alike_only_with_others_who_are(tmp_path: Path, lived: Path) -> None:
    """Of residents of one place some hear the new version and some the old, by whoever is planned first."""
    world = World(tmp_path, copy_of=lived)
    for number in range(7, 40):
        world.take(*settled(number, HOMES[0]))
    done = governors.publish(world, "at_event", AGENCY, 0.5)
    world.take(storm(HOMES[0]))
    world.platform.planning.planning.drain()
    planner(world, 1000).drain()
    told = [intent for intent in world.pending() if intent.trigger == "at_event"]
    new = {intent.person for intent in told if intent.version == done.submission.hash}
    assert 5 < len(new) < 30
    assert world.pending() == world.intents()
    world.close()


class Behind(Library):
    """Rules as somebody read them who was overtaken since."""

    def __init__(self, world: World) -> None:
        platform = world.platform
        super().__init__(platform.database, platform.log, platform.identity.names)
        self.read = platform.rules.library.rules()

    def rules(self) -> Rules:
        """What was read."""
        return self.read


def test_who_was_overtaken_plans_nobody_by_old_rules(tmp_path: Path, lived: Path) -> None:
    """A chunk by rules that no longer hold is not committed, and the plan that was begun anew stays where it was."""
    world = World(tmp_path, copy_of=lived)
    platform = world.platform
    world.take(storm(HOMES[0]))
    behind = AreaPlanning(
        platform.database,
        platform.log,
        Behind(world),
        platform.planning.planning,
        platform.queues.dead_letter_queue,
        world.clock,
        10,
    )
    newest = platform.rules.approval.governed().submitted[Subject("trigger", "at_event")][-1].hash
    platform.rules.approval.publish([reference(f"at_event@{newest}")], governors.author(AGENCY), to_pending=True)
    before = world.pending()
    assert behind.turn()
    assert world.pending() == before
    platform.planning.planning.drain()
    planner(world, 10).drain()
    assert world.pending() == world.intents() != before
    world.close()
