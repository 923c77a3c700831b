"""Rules that change between a decision and its append: what was decided by the old ones is not appended."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection

from app.compose_sending import compose_dispatcher
from app.identity.log_codes import codes_by
from domain.core.ids import Position
from domain.facts.facts import NudgeDeferred, NudgeWithheld
from domain.facts.governance import ControlSet
from notifiers.port.routes import single_routes
from projections import governance
from streams.delivery.send.dispatch import Dispatcher
from streams.log.log import Log
from streams.log.mapper import Entry
from tests.beginnings import KEYRING
from tests.streams.dispatching import AIGERIM, DUE, with_card
from tests.world import World, event


class Unsubscription(Log):
    """A log in which everything is stopped just before the first append: somebody else committed a moment earlier."""

    meddles: World | None = None

    def append(self, connection: Connection, entries: Iterable[Entry]) -> Position:
        """Append, after the stop."""
        world, self.meddles = self.meddles, None
        if world is not None:
            stream = world.platform.identity.names.registry_stream("control", "all/")
            stop = ControlSet(world.clock(), "tests", "all", "", stopped=True, reason="a test")
            position = super().append(connection, [Entry(stream, 1, stop)])
            governance.note(connection, position + 1, stop.TOPIC)
        return super().append(connection, entries)


def _dispatcher(world: World) -> Dispatcher:
    platform = world.platform
    log = Unsubscription(platform.database, platform.log.keys, platform.clock, codes_by(KEYRING))
    log.meddles = world
    meddled = replace(
        platform, log=log, rules=replace(platform.rules, context=replace(platform.rules.context, log=log))
    )
    return compose_dispatcher(meddled, single_routes(world.notifiers))


async def test_a_stop_before_the_append_of_an_attempt_is_obeyed(tmp_path: Path) -> None:
    """The rules are checked after the attempts are appended: nothing goes by rules that held before."""
    world = with_card(tmp_path)
    world.at(DUE)
    await _dispatcher(world).drain_batch()
    assert world.sent == []
    assert world.delivery("month").attempt == 0
    world.close()


@pytest.mark.parametrize("wishes", [{"opted_out": ["documents"]}, {"quiet_from": "08:00", "quiet_to": "10:00"}])
async def test_what_is_not_sent_is_decided_by_rules_that_hold(tmp_path: Path, wishes: dict[str, object]) -> None:
    """To withhold or put off is checked like to send: nothing is appended by rules that moved."""
    world = with_card(tmp_path)
    world.take(event("citizen.preferences_changed", AIGERIM, "2025-01-02T00:00:00Z", wishes, id="wishes"))
    world.plan()
    world.at(DUE)
    dispatcher = _dispatcher(world)
    await dispatcher.drain_batch()
    nudge = world.nudge("month").intent.id
    assert not [each for each in world.facts(nudge) if isinstance(each, NudgeWithheld | NudgeDeferred)]
    await dispatcher.drain_batch()
    assert isinstance(world.facts(nudge)[-1], NudgeWithheld | NudgeDeferred)
    assert world.sent == []
    world.close()
