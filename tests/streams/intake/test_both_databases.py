"""The whole way of events, on SQLite and on PostgreSQL: whatever is decided, both decide the same."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy.engine import URL

from app.simulation.population import simulate
from domain.facts.facts import NUDGE_FACTS
from streams.intake.cloudevents import Envelope, envelope_of
from tests.services import postgres
from tests.world import World, annulled, card, corrected, event, iin, registered

START, END = datetime(2025, 3, 3, 7, tzinfo=UTC), date(2025, 5, 1)
EVERY, CITIZENS, SEED = timedelta(days=1), 25, 5
DANA, SAULE = iin(2), iin(3)


@pytest.fixture
def both(tmp_path: Path, server: URL) -> Iterator[tuple[World, World]]:
    """Two platforms with the same packs, keys and clock: on SQLite and on PostgreSQL."""
    (tmp_path / "other").mkdir()
    with postgres.fresh(server) as at:
        made = (
            World(tmp_path, now=START),
            World(tmp_path / "other", now=START, url=at.render_as_string(hide_password=False)),
        )
        yield made
        for each in made:
            each.close()


def happened() -> list[tuple[datetime, Envelope]]:
    """Two months of a few citizens by arrival; one has more cards than the cap lets through, one is often asleep.

    Many events are corrected, some of these annulled, with the event, before it or days later; some name another.
    """
    events = [envelope_of(msgspec.to_builtins(each)) for each in simulate(CITIZENS, SEED, START.date(), END)]
    people = sorted({each.subject for each in events if each.subject is not None})
    cards = [card(SAULE, f"2025-04-{day:02d}", f"N{day}", "2025-03-01T12:00:00Z") for day in range(10, 19)]
    asleep = event(
        "citizen.preferences_changed", DANA, "2025-02-01T00:00:00Z", {"quiet_from": "11:00", "quiet_to": "13:00"}
    )
    theirs = [*registered(SAULE), *registered(DANA), asleep, card(DANA, "2025-04-20")]
    come = [(datetime.fromisoformat(each.time), each) for each in (*events, *cards, *theirs)]
    for number, (when, each) in enumerate(come[: len(events) : 3]):
        named = replace(each, subject=people[number % len(people)]) if each.subject is not None else each
        come.append((when + timedelta(days=number % 4 - 1), corrected(named if number % 2 else each, 2)))
        come += [(when + timedelta(days=number % 5 - 1), annulled(each, 3))] if number % 3 == 0 else []
    return sorted(come, key=itemgetter(0))


async def lived(world: World) -> None:
    """Events come in as they happen, every day, are planned and sent."""
    waiting, now = happened(), START
    while now.date() < END:
        come = [each for when, each in waiting if when <= now]
        waiting = waiting[len(come) :]
        assert all(outcome.refused is None for outcome in world.take(*come))
        await world.settle(now)
        now += EVERY


def decided(world: World) -> dict[UUID, list[bytes]]:
    """Nudge -> all its facts, in their order."""
    found: dict[UUID, list[bytes]] = {}
    for entry in world.entries():
        if isinstance(entry.fact, NUDGE_FACTS):
            found.setdefault(entry.originator_id, []).append(msgspec.json.encode([entry.fact.TOPIC, entry.fact]))
    return found


async def test_both_databases_decide_the_same(both: tuple[World, World]) -> None:
    """The same events at the same times lead to the same histories and facts of nudges, with digests and the cap."""
    for world in both:
        await lived(world)
    one, other = map(decided, both)
    kinds = Counter(msgspec.json.decode(fact)[0] for facts in one.values() for fact in facts)
    assert {"nudge-sent/1", "nudge-deferred/1", "nudge-gathered/1"} <= set(kinds), kinds
    assert one == other
    assert both[0].concerned() == both[1].concerned()
    assert [world.health() for world in both[:1]] == [world.health() for world in both[1:]]
