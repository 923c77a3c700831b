"""What makes up for the past or looks ahead has nobody to call: run three times, it calls no provider."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from notifiers.port.fake import FakeNotifier
from streams.log.mapper import encode
from streams.replay.backfill import BackfillRequest
from streams.replay.repair import GapFilter
from streams.replay.retry_failed import Outage
from tests.world import LONG_AGO, NOON, World, card, fine, iin, registered

CARDS, BACK = "identity_card_expiry", datetime(2005, 1, 1, tzinfo=UTC)
LOOKS: dict[str, Callable[[World], object]] = {
    "repair --plan": lambda world: list(world.platform.replay.repair.look(GapFilter())),
    "repair --failed --plan": lambda world: list(world.platform.replay.retry_failed.look(Outage())),
    "backfill --plan": lambda world: list(world.platform.replay.backfill.look(BackfillRequest(CARDS, BACK), "aida")),
    "forecast": lambda world: world.platform.queries.forecast.forecast(timedelta(days=400)).forecast,
}
CHANGES: dict[str, Callable[[World], object]] = {
    "repair": lambda world: list(world.platform.replay.repair.repair(GapFilter())),
    "repair --failed": lambda world: list(world.platform.replay.retry_failed.renew(Outage(), "olga")),
    "backfill": lambda world: list(world.platform.replay.backfill._go(BackfillRequest(CARDS, BACK), "aida", "")),
}


def digest(world: World) -> str:
    """One over the log's facts about nudges and rules, and how many there are."""
    entries = world.entries()
    facts = [entry for entry in entries if not entry.fact.TOPIC.startswith("life/")]
    told = b"".join(entry.originator_id.bytes + encode(entry.fact) for entry in facts)
    return f"{len(entries)} {sha256(told).hexdigest()}"


def calls(world: World) -> int:
    """How often any provider was called."""
    return sum(each.calls for each in world.notifiers.values() if isinstance(each, FakeNotifier))


@pytest.fixture
def waiting(world: World) -> World:
    """A platform with somebody planned and somebody not, and with nudges that are due."""
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-12-20"))
    world.plan()
    world.take(card(iin(2), "2025-12-20"), fine(iin(1), "F1", "2025-06-01T12:00:00+05:00"))
    world.at(NOON + timedelta(days=200))
    return world


@pytest.mark.parametrize("name", LOOKS)
def test_looking_changes_nothing_and_calls_nobody(waiting: World, name: str) -> None:
    """A plan or a forecast, made three times, says the same each time, calls no provider and changes no fact."""
    before = digest(waiting)
    first, *others = [LOOKS[name](waiting) for _ in range(3)]
    assert others == [first, first]
    assert (calls(waiting), digest(waiting)) == (0, before)


@pytest.mark.parametrize("name", CHANGES)
def test_doing_it_again_changes_nothing_and_calls_nobody(waiting: World, name: str) -> None:
    """Done three times, the second and third time append nothing, and no provider is called at all."""
    CHANGES[name](waiting)
    once = digest(waiting)
    for _ in range(2):
        CHANGES[name](waiting)
    assert (calls(waiting), digest(waiting)) == (0, once)
