"""What happens to an area is corrected and annulled like anything else, wherever the correction moves it."""

from pathlib import Path

import pytest

from streams.intake.cloudevents import Envelope
from streams.planning import histories
from tests.templates.packs import write_town
from tests.world import LONG_AGO, World, event, iin, registered

AIGERIM = iin(1)


def flood(where: str, id_: str = "flood", **more: object) -> Envelope:
    """A flood somewhere."""
    return event("town.flood", None, "2025-05-01T00:00:00Z", {"where": where}, id=id_, **more)


CASES = {
    "moved away": ([flood("75"), flood("10", "later", corrects="flood", revision=2)], []),
    "moved here": ([flood("10"), flood("75", "later", corrects="flood", revision=2)], ["75"]),
    "annulled": ([flood("75"), flood("75", "later", corrects="flood", revision=2, annuls=True)], []),
    "as it was": ([flood("75")], ["75"]),
}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_a_flood_counts_where_its_last_revision_puts_it(tmp_path: Path, case: str, *, backwards: bool) -> None:
    """Residents have the floods of where they live, as last corrected, in whatever order the reports came."""
    world = World(tmp_path, packs=[write_town(tmp_path)])
    data = {"number": "M1", "valid_until": "2025-12-20", "fee": 7}
    world.take(*registered(AIGERIM, LONG_AGO), event("town.meter.installed", AIGERIM, "2025-01-01T00:00:00Z", data))
    reports, expected = CASES[case]
    for report in reversed(reports) if backwards else reports:
        world.take(report)

    platform, person = world.platform, world.name(AIGERIM)
    with platform.database.reading() as connection:
        rulebook = platform.rules.library.rules().rulebook
        known = histories.histories(connection, platform.log, [person], rulebook)[person]
    assert [fact.event.area for fact in known.facts if fact.event.area] == expected
    world.close()
