"""Replays call nobody, and two sites that know the same have the same digests."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from domain.facts.facts import NudgeCancelled
from domain.nudges.delivery import State
from notifiers.port.fake import FakeNotifier
from streams.kafka.brokers import Brokers
from streams.kafka.republish import Range, Republishing
from streams.kafka.topics import Topics
from streams.log.appending import record
from tests.services import postgres
from tests.streams.distributed import everyday
from tests.streams.rebuilding import ended, rebuilt, verified
from tests.world import World

LIFE = everyday(8)


@pytest.fixture
def elsewhere(server: URL, tmp_path: Path) -> Iterator[World]:
    """Another site, on PostgreSQL, with the same keys and packs."""
    with postgres.fresh(server) as at:
        made = World(tmp_path / "elsewhere", url=at.render_as_string(hide_password=False))
        yield made
        made.close()


async def test_a_replay_calls_nobody(tmp_path: Path, kafka: str) -> None:
    """Beside fakes that count their calls each kind of replay runs three times: no call, and the same result."""
    calls: Counter[str] = Counter()
    fakes = {name: FakeNotifier(name, lambda _: calls.update(["call"])) for name in ("push", "sms", "email")}
    world = World(tmp_path, notifiers=fakes)
    world.take(*LIFE)
    await world.settle("2025-06-20T12:00+05:00")
    assert calls["call"] > 0
    before, topics = Counter(calls), Topics(Brokers(kafka), prefix=f"{tmp_path.name}.")

    digests = set()
    for number in range(3):
        assert rebuilt(world.platform, swap=True).equal
        chosen = Range(0, world.platform.log.facts.max_notification_id() or 0)
        ended(
            Republishing(
                world.platform.database, world.platform.identity.names, topics, topics.replays, chosen, number
            )
        )
        found = verified(world.platform)
        assert found.equal
        digests.add(found.digest)

    assert calls == before
    assert len(digests) == 1
    world.close()


def test_two_sites_have_the_same_digests(world: World, elsewhere: World) -> None:
    """The same facts, in another order, at other times and in the other kind of database, have the same digests."""
    world.take(*LIFE)
    world.plan()
    for envelope in reversed(LIFE):
        elsewhere.take(envelope)
    elsewhere.clock.advance_to(elsewhere.clock().replace(hour=9))
    elsewhere.plan()

    here, there = verified(world.platform), verified(elsewhere.platform)

    assert (here.equal, here.digests, here.digest) == (True, there.digests, there.digest), there.views
    assert here.intents > 0
    world.take(*everyday(9)[-1:])
    assert verified(world.platform).digest != here.digest


def test_a_nudge_that_nobody_planned_is_found(world: World) -> None:
    """A person whose nudges are not what their plan asks for is counted, although every view is as the log says."""
    world.take(*LIFE)
    world.plan()
    [*_, one] = [each for each in world.nudges() if each.state is State.PLANNED]
    cancelled = [(one.intent.id, NudgeCancelled(world.clock()))]
    world.platform.database.write(lambda connection: record(connection, world.platform.log, cancelled))
    found = verified(world.platform)
    assert (found.unlike, any(found.views.values()), found.equal) == (1, False, False)
