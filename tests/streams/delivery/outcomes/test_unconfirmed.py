"""Attempts whose commit is not answered: the process that made them knows that they did not go."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from app.compose_sending import compose_dispatcher
from app.identity.log_codes import codes_by
from domain.facts.facts import NudgeAttempted, NudgeFailed, NudgePlanned, NudgeSent
from notifiers.port.routes import single_routes
from projections import nudges
from streams.delivery.admission.rate_limits import RateLimits
from streams.delivery.send.claiming import LEASE
from streams.delivery.send.dispatch import Dispatcher
from streams.storage.database import Database, Priority
from tests.beginnings import KEYRING
from tests.streams.delivery.admission.test_rate_limits import resting
from tests.streams.dispatching import DUE, dispatcher, unknown_until
from tests.streams.meddling import Away
from tests.world import LONG_AGO, World, card, iin, registered

T = TypeVar("T")
HANDED_BACK = [NudgePlanned, NudgeAttempted, NudgeFailed, NudgeAttempted, NudgeSent]


@pytest.fixture
def database(due: World) -> Iterator[Away]:
    """It goes away at the first commit of an attempt, before anybody hears of it."""
    made = Away(f"sqlite:///{due.file}", 1, committed=True, after_which=nudges.open_attempts)
    yield made
    made.close()


async def unanswered(due: World, database: Away) -> Dispatcher:
    """A dispatcher whose first attempt was not answered."""
    platform = replace(
        due.platform,
        database=database,
        rules=replace(due.platform.rules, context=replace(due.platform.rules.context, database=database)),
    )
    made = compose_dispatcher(platform, single_routes(due.notifiers))
    with pytest.raises(OperationalError):
        await made.drain_batch()
    assert due.sent == []
    return made


def facts(due: World) -> list[type]:
    """What happened to the month's message."""
    return [type(fact) for fact in due.facts(due.nudge("month").intent.id)]


async def test_an_attempt_that_was_committed_is_handed_back(due: World, database: Away) -> None:
    """It is made again at once, instead of being unknown when its lease is over."""
    await (await unanswered(due, database)).drain_batch()
    assert [message.attempt for message in due.sent] == [2]
    assert facts(due) == HANDED_BACK


async def test_an_attempt_that_was_not_committed_is_let_go(due: World, database: Away) -> None:
    """Nobody waits for the end of a claim that nobody works on."""
    database.committed = False
    await (await unanswered(due, database)).drain_batch()
    assert [message.attempt for message in due.sent] == [1]
    assert facts(due) == [NudgePlanned, NudgeAttempted, NudgeSent]


async def test_to_hand_back_is_unanswered_as_well(due: World, database: Away) -> None:
    """It is handed back once, however often its process does not hear of it."""
    first = await unanswered(due, database)
    database.left, database.after_which = 1, _failures
    with pytest.raises(OperationalError):
        await first.drain_batch()
    await first.drain_batch()
    assert facts(due) == HANDED_BACK


def _failures(connection: Connection) -> object:
    return nudges.states(connection).get("failed")


async def test_what_others_have_given_an_end_keeps_it(due: World, database: Away) -> None:
    """Who comes back only after the lease changes nothing: it is unknown, and others may have gone on from there."""
    first = await unanswered(due, database)
    due.at(DUE + LEASE)
    await dispatcher(due).drain()
    until = unknown_until(due)
    await first.drain_batch()
    assert (unknown_until(due), due.sent) == (until, [])


PEOPLE, BATCH = 8, 4


class GoesOnce(Database):
    """A database that is away for one of the things that are asked of it: the first, the second..."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.use_codes(codes_by(KEYRING))
        self.asked, self.away_at = 0, -1

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read, or be away."""
        self._ask()
        with super().reading() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T], priority: Priority = Priority.INTAKE) -> T:
        """Write, or be away."""
        self._ask()
        return super().write(work, priority)

    def _ask(self) -> None:
        self.asked += 1
        if self.asked == self.away_at:
            raise OperationalError("", None, OSError("gone"))


@pytest.mark.parametrize("rated", [False, True], ids=["no rate", "rates"])
async def test_nothing_keeps_a_claim_whenever_the_database_goes(tmp_path: Path, *, rated: bool) -> None:
    """Whichever question to the database fails, all are told once afterwards, and nobody waits for a lease."""
    people, folder = [iin(each) for each in range(PEOPLE)], tmp_path / "first"
    folder.mkdir()
    first = World(folder)
    first.take(*(each for one in people for each in (*registered(one, LONG_AGO), card(one, "2025-07-20"))))
    first.plan()
    first.close()
    number, asked = 0, 1
    while number < asked:
        number += 1
        beside = tmp_path / str(number)
        beside.mkdir()
        due = World(beside, copy_of=first.file)
        due.at(DUE)
        database = GoesOnce(f"sqlite:///{due.file}")
        failing = on(due, database, rates={"provider:sms": 1000.0} if rated else {})
        database.away_at = database.asked + number
        for _ in range(4):
            with suppress(OperationalError):
                await failing.drain(BATCH)
        asked = database.asked
        assert sorted(each.recipient for each in due.sent) == sorted(map(due.name, people)), number
        database.close()
        due.close()


def on(due: World, database: Database, rates: Mapping[str, float]) -> Dispatcher:
    """A dispatcher on that database."""
    context = replace(due.platform.rules.context, database=database)
    platform = replace(due.platform, database=database, rules=replace(due.platform.rules, context=context))
    limits = RateLimits(database, rates, due.clock, resting(due.clock))
    return compose_dispatcher(platform, single_routes(due.notifiers), rates=limits)
