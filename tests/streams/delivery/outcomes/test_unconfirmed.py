"""Attempts whose commit is not answered: the process that made them knows that they did not go."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from app.compose_sending import compose_dispatcher
from domain.facts.facts import NudgeAttempted, NudgeFailed, NudgePlanned, NudgeSent
from notifiers.port.routes import single_routes
from projections import nudges
from streams.delivery.send.claiming import LEASE
from streams.delivery.send.dispatch import Dispatcher
from tests.streams.dispatching import DUE, dispatcher, unknown_until, with_card
from tests.streams.meddling import Away
from tests.world import World

HANDED_BACK = [NudgePlanned, NudgeAttempted, NudgeFailed, NudgeAttempted, NudgeSent]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Aigerim's card is due."""
    made = with_card(tmp_path)
    made.at(DUE)
    yield made
    made.close()


@pytest.fixture
def database(world: World) -> Iterator[Away]:
    """It goes away at the first commit of an attempt, before anybody hears of it."""
    made = Away(f"sqlite:///{world.file}", 1, committed=True, after_which=nudges.open_attempts)
    yield made
    made.close()


async def unanswered(world: World, database: Away) -> Dispatcher:
    """A dispatcher whose first attempt was not answered."""
    platform = replace(
        world.platform,
        database=database,
        rules=replace(world.platform.rules, context=replace(world.platform.rules.context, database=database)),
    )
    made = compose_dispatcher(platform, single_routes(world.notifiers))
    with pytest.raises(OperationalError):
        await made.turn()
    assert world.sent == []
    return made


def facts(world: World) -> list[type]:
    """What happened to the month's message."""
    return [type(fact) for fact in world.facts(world.nudge("month").intent.id)]


async def test_an_attempt_that_was_committed_is_handed_back(world: World, database: Away) -> None:
    """It is made again at once, instead of being unknown when its lease is over."""
    await (await unanswered(world, database)).turn()
    assert [message.attempt for message in world.sent] == [2]
    assert facts(world) == HANDED_BACK


async def test_an_attempt_that_was_not_committed_is_let_go(world: World, database: Away) -> None:
    """Nobody waits for the end of a claim that nobody works on."""
    database.committed = False
    await (await unanswered(world, database)).turn()
    assert [message.attempt for message in world.sent] == [1]
    assert facts(world) == [NudgePlanned, NudgeAttempted, NudgeSent]


async def test_to_hand_back_is_unanswered_as_well(world: World, database: Away) -> None:
    """It is handed back once, however often its process does not hear of it."""
    first = await unanswered(world, database)
    database.left, database.after_which = 1, _failures
    with pytest.raises(OperationalError):
        await first.turn()
    await first.turn()
    assert facts(world) == HANDED_BACK


def _failures(connection: Connection) -> object:
    return nudges.states(connection).get("failed")


async def test_what_others_have_given_an_end_keeps_it(world: World, database: Away) -> None:
    """Who comes back only after the lease changes nothing: it is unknown, and others may have gone on from there."""
    first = await unanswered(world, database)
    world.at(DUE + LEASE)
    await dispatcher(world).drain()
    due = unknown_until(world)
    await first.turn()
    assert (unknown_until(world), world.sent) == (due, [])
