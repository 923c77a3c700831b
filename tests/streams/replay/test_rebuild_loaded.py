"""Corrections that came by a historical load and again live: the views are what a rebuild makes of the log."""

from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from tests.streams.rebuilding import rebuilt
from tests.streams.weather import ASTANA, settled, storm, write_weather
from tests.world import NOON, World, corrected, fine, iin

LOAD = NOON - timedelta(days=10)


def differences(world: World) -> dict[str, int]:
    """View -> rows that a rebuild has otherwise."""
    return {view: rows for view, rows in rebuilt(world.platform).differences.items() if rows}


def test_a_correction_that_came_live_too_counts_as_live_for_whom_a_later_one_names(tmp_path: Path) -> None:
    """A further correction that names another person gives them the earlier one as it counts by now."""
    world = World(tmp_path)
    issued = fine(iin(1), "F1", "2025-05-30T00:00:00Z")
    second = corrected(issued, 2, amount=5000)
    world.take(issued, second, ahead_from=LOAD)
    world.take(issued, second)
    world.take(replace(corrected(issued, 3, amount=6000), subject=iin(2)))
    world.plan()
    assert differences(world) == {}
    world.close()


def test_a_loaded_correction_of_an_area_event_that_comes_live_plans_the_area_event(tmp_path: Path) -> None:
    """The plan that begins anew is that of the original area event, and not one of the correction."""
    world = World(tmp_path, packs=write_weather(tmp_path))
    world.take(*settled(1))
    begun = storm()
    world.take(begun, corrected(begun, 2, area=ASTANA), ahead_from=LOAD)
    world.plan()
    world.take(begun, corrected(begun, 2, area=ASTANA))
    world.plan()
    assert differences(world) == {}
    world.close()
