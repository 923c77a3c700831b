"""Rebuilding: every view follows from the log alone."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from random import Random

import pytest
import uvloop
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.engine import URL
from sqlalchemy.event import listen

from app.simulation.population import simulate
from domain.facts.facts import AheadMoved
from domain.facts.principals import Principal, Role
from domain.facts.receipts import ReceiptStatus
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, RetryLater, Unknown
from projections import statistics, tables, trail
from projections.bulk import insert_rows
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.intake.cloudevents import Envelope, envelope_of
from streams.replay.follower import Follower
from streams.replay.rebuild_compare import COMPARED, Rebuilt
from streams.storage.database import Database
from tests.services import postgres
from tests.streams.meddling import MeddledDatabase
from tests.streams.rebuilding import rebuild
from tests.world import LONG_AGO, World, annulled, card, corrected, fine, iin, registered

START, END = datetime(2025, 1, 1, 7, tzinfo=UTC), date(2025, 5, 1)
ROUNDS, EVERY = 48, timedelta(days=2, hours=12)
CITIZENS, SEED, LOADED = 40, 11, 0
TROUBLE: tuple[Outcome, ...] = (
    RetryLater(timedelta(minutes=7), Reason.BUSY),
    GiveUp(Reason.BAD_ADDRESS),
    Unknown(Reason.LINK_LOST),
)
AIGERIM = iin(1)
OMAR, ERASED = Principal("omar", "platform", frozenset({Role.OPERATOR})), (13, 29)
"""Who erases somebody, after so many rounds; they are fined and corrected as before."""
CARD = card(AIGERIM, "2026-12-20")


def reported(random: Random) -> list[Envelope]:
    """A population's events by time, a tenth of them followed by a correction, and a few of those by an annulment."""
    events: list[Envelope] = []
    for each in map(
        envelope_of, sorted(simulate(CITIZENS, SEED, START.date(), END), key=lambda one: str(one["time"]))
    ):
        events.append(each)
        if random.random() < 0.1:
            events.append(corrected(each, 2))
            events += [annulled(each, 3)] if random.random() < 0.3 else []
    return events


def troubled(outcomes: Iterable[Outcome], calm: int) -> list[Outcome]:
    """Some trouble, and then none for a while, again and again."""
    return [each for one in islice(cycle(outcomes), 60) for each in (one, *[Accepted("ref")] * calm)]


async def live(world: World) -> None:
    """Half a year: events come in every few days, are planned and sent; receipts come, two persons are erased."""
    random = Random(SEED)  # noqa: S311  (a seeded test)
    events = reported(random)
    loaded: list[Envelope] = []
    drivers = sorted({each.subject for each in events if each.type == "kz.citizen.registered" and each.subject})
    for number in range(ROUNDS):
        world.at(now := START + EVERY * number)
        fined = (now - timedelta(hours=2)).isoformat()
        world.take(*(fine(random.choice(drivers), f"{number}-{each}", fined) for each in range(3)))
        come = [each for each in events if datetime.fromisoformat(each.time) <= now]
        events = [each for each in events if each not in come]
        world.take(*come, *come[:5], ahead_from=now if number == LOADED else None)
        loaded = come if number == LOADED else loaded
        world.take(*(loaded if number == LOADED + 2 else ()))
        if number in ERASED:
            world.platform.privacy.erasure.erase(world.name(drivers[number % len(drivers)]), OMAR, "asked")
        if number % 10 == 0:
            world.control("trigger", "clinic_attachment", stopped=number % 20 == 0)
        for message in await world.settle():
            heard = random.choice([*ReceiptStatus, None, None])
            if heard is not None:
                receipt = Receipt(message.nudge, message.recipient, message.attempt, heard, "bounced")
                world.platform.delivery.receipts.record(receipt)
    world.platform.replay.follower.drain()


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database after some months of a few dozen citizens."""
    script = {"push": troubled(TROUBLE, 2), "sms": troubled(TROUBLE, 2), "email": troubled(TROUBLE, 2)}
    world = World(tmp_path_factory.mktemp("lived"), now=START, script=script)
    uvloop.run(live(world))
    world.close()
    return world.file


@pytest.fixture(scope="module")
def lived_there(lived: Path, server: URL) -> Iterator[URL]:
    """The same months on PostgreSQL: all rows of the file."""
    with postgres.fresh(server) as at:
        file, there = Database(f"sqlite:///{lived}"), Database(at.render_as_string(hide_password=False))
        with file.reading() as old, there.engine.begin() as new:
            for table in tables.metadata.sorted_tables:
                insert_rows(new, table, [tuple(row) for row in old.execute(select(table))])
        file.close()
        there.close()
        yield at


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path, lived: Path) -> Iterator[World]:
    """A platform after those months, on each kind of database."""
    now = START + EVERY * (ROUNDS - 1)
    if request.param == "sqlite":
        made = World(tmp_path, now=now, copy_of=lived)
        yield made
        made.close()
        return
    server, like = request.getfixturevalue("server"), request.getfixturevalue("lived_there")
    with postgres.empty(server, like) as at:
        made = World(tmp_path, now=now, copy_of=lived, url=at.render_as_string(hide_password=False))
        yield made
        made.close()


def rebuilt(world: World, *, swap: bool = False) -> Rebuilt:
    """Rebuild the views of the platform."""
    platform = world.platform
    return rebuild(
        platform.database, platform.log, platform.identity.names, platform.rules.library.rules().catalogue, swap=swap
    )


def counts(world: World) -> dict[str, int]:
    """View -> how many rows it has."""
    with world.platform.database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in COMPARED
        }


def test_the_months_had_everything_in_them(world: World) -> None:
    """The year that these tests rebuild has nudges in every state and rows in all views but three."""
    states = Counter(one.state.value for one in world.nudges())
    assert set(states) >= {
        "planned",
        "sent",
        "delivered",
        "opened",
        "failed",
        "unknown",
        "withheld",
        "expired",
        "cancelled",
    } - {"expired"}
    assert {name for name, count in counts(world).items() if count == 0} <= {"area_facts", "area_plans", "retired"}
    assert AheadMoved in {type(entry.fact) for entry in world.entries()}


def test_every_view_rebuilt_equals_the_live_one(world: World) -> None:
    """After months of events, corrections, loads, sending and receipts, the log alone gives every view again."""
    found = rebuilt(world)
    assert found.differences == dict.fromkeys(counts(world), 0)
    assert found.equal
    assert found.position == world.health().facts


def test_a_comparison_changes_nothing(world: World) -> None:
    """Without a swap nothing is written, and whoever waits for a plan still waits."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2026-12-20"))
    world.platform.replay.follower.drain()
    before, waiting = counts(world), world.platform.planning.planning.waiting()
    rebuilt(world)
    assert (counts(world), world.platform.planning.planning.waiting()) == (before, waiting)


def test_what_a_view_has_lost_is_seen_and_mended(world: World) -> None:
    """A row that is missing or wrong in a live view is a difference; the swap mends it."""
    platform = world.platform
    person = world.nudges()[0].intent.person
    platform.database.write(lambda connection: connection.execute(delete(tables.due)))
    platform.database.write(
        lambda connection: connection.execute(
            update(tables.nudges).where(tables.nudges.c.person == person).values(state="planned", version=99)
        )
    )

    found = rebuilt(world, swap=True)

    assert not found.equal
    assert {name for name, count in found.differences.items() if count} == {"due", "nudges"}
    assert rebuilt(world).equal


async def test_swapped_views_serve_on(world: World) -> None:
    """After a swap the platform takes in, plans and sends as before: nobody is planned or told again."""
    before = counts(world)
    pending, waiting = world.pending(), world.platform.planning.planning.waiting()
    assert rebuilt(world, swap=True).equal
    assert (counts(world), world.pending(), world.platform.planning.planning.waiting()) == (before, pending, waiting)
    assert await world.settle() == []

    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-06-10"))
    sent = await world.settle("2025-05-11T12:00+05:00")

    assert world.name(AIGERIM) in {message.recipient for message in sent}
    assert rebuilt(world).equal


def test_whoever_waited_before_the_swap_waits_after_it(world: World) -> None:
    """Facts that are not planned yet are not planned by the swap, and are planned afterwards."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2026-12-20"))
    world.platform.replay.follower.drain()
    assert rebuilt(world, swap=True).equal
    assert world.platform.planning.planning.waiting() == [world.name(AIGERIM)]
    world.plan()
    assert {one.intent.step for one in world.nudges() if one.intent.person == world.name(AIGERIM)} == {
        "month",
        "week",
        "day",
    }


def test_what_comes_during_the_rebuild_is_in_it(world: World) -> None:
    """Facts that are appended while the log is folded are in the rebuilt views as well."""
    platform = world.platform
    database = MeddledDatabase(platform.settings.database)
    before = world.health().facts

    def meanwhile() -> None:
        world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2026-12-20"))
        world.plan()
        platform.replay.follower.drain()

    database.before_reads.append(meanwhile)
    found = rebuild(
        database, platform.log, platform.identity.names, platform.rules.library.rules().catalogue, swap=True
    )

    assert found.equal
    assert found.position == world.health().facts == before + 7
    with platform.database.reading() as connection:
        assert len(trail.positions(connection, world.name(AIGERIM))) == 7
    database.close()


def test_a_rebuild_leaves_no_file_behind(world: World) -> None:
    """The shadow is gone when the rebuild is done."""
    folder = world.file.parent
    before = {path.name for path in folder.iterdir()}
    rebuilt(world, swap=True)
    assert {path.name for path in folder.iterdir()} == before


def test_a_rebuild_leaves_no_thread_behind(world: World) -> None:
    """However often views are rebuilt, the process has the same threads afterwards."""
    rebuilt(world)
    before = threading.active_count()
    rebuilt(world)
    assert threading.active_count() == before


def test_two_followers_count_everything_once(world: World) -> None:
    """Two processes that follow the same log at once count every fact once, wherever their pages end."""
    before = totals(world)
    database = MeddledDatabase(world.platform.settings.database)
    world.take(*registered(AIGERIM, LONG_AGO))

    def overtaken() -> None:
        world.platform.replay.follower.drain()
        world.take(card(AIGERIM, "2035-01-01"))

    database.before_writes.append(overtaken)
    follower = Follower(database, world.platform.log)
    assert follower.drain() == 0
    follower.drain()
    database.close()

    assert sum(totals(world).values()) - sum(before.values()) == 4
    assert world.health().views_behind == 0


def totals(world: World) -> dict[tuple[str, str], int]:
    """The figures."""
    with world.platform.database.reading() as connection:
        return statistics.totals(connection)


def test_what_was_cancelled_and_planned_again_is_followed(world: World) -> None:
    """A page that opens with an older nudge's end and then plans it again is followed like any other."""
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    world.platform.replay.follower.drain()
    world.take(annulled(CARD, 2))
    world.plan()
    world.take(corrected(CARD, 3))
    world.plan()
    assert world.health().views_behind > 0
    world.platform.replay.follower.drain()
    assert world.health().views_behind == 0


def test_a_follower_that_is_behind_is_no_difference(world: World) -> None:
    """Views that have not followed yet are late, not wrong: a comparison waits for them."""
    world.take(*registered(AIGERIM, LONG_AGO))
    assert rebuilt(world).equal


async def test_who_took_over_has_the_views_of_the_log(tmp_path: Path) -> None:
    """Ending a dead process's attempts is work in hand: the views still compare equal before it is settled."""

    def die(_: object) -> None:
        raise ZeroDivisionError

    world = World(tmp_path, notifiers={"sms": FakeNotifier("sms", die)})
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    with pytest.raises(ZeroDivisionError):
        await world.settle("2025-06-20T12:00+05:00")
    world.engine.dispatcher.take_over()
    world.platform.replay.follower.drain()
    assert rebuilt(world).equal
    world.close()


def test_what_comes_just_before_the_comparison_is_in_it(world: World) -> None:
    """Facts that are appended after the first pass over the log, before the write lock, are in the rebuilt views."""
    platform = world.platform
    database = MeddledDatabase(platform.settings.database)

    moments: list[str] = []

    def before_it_locks(_: Connection, __: object, statement: str, *___: object) -> None:
        if statement.startswith(("LOCK TABLE", "UPDATE main.positions")):
            moments.append(statement)
            if len(moments) == 1:
                world.take(*registered(AIGERIM, LONG_AGO), CARD)
                world.plan()

    listen(database.engine, "before_cursor_execute", before_it_locks)
    found = rebuild(
        database, platform.log, platform.identity.names, platform.rules.library.rules().catalogue, swap=True
    )

    assert (found.equal, found.position) == (True, world.health().facts)
    assert moments
    database.close()
