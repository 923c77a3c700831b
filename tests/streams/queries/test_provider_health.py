"""What providers did lately, from the log alone."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from app.identity.log_codes import codes_by
from notifiers.port.interface import Accepted, Reason, RetryLater
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.queries.provider_health import RecentReader, _last
from tests.beginnings import KEYRING
from tests.world import NOON, World, card, event, fine, iin, registered

AWAY = RetryLater(None, Reason.UNREACHABLE)
NO_EMAIL = event("citizen.contact_changed", iin(1), "2025-01-01T00:00:00Z", {"email": None})
FINED = (*registered(iin(1)), NO_EMAIL, fine(iin(1), "KZ-1", "2025-06-02T11:00:00+05:00"))
TRIED = (0, 1, 6)
"""Minutes at which what may pass is tried."""


async def test_outcomes_are_counted_by_provider(tmp_path: Path) -> None:
    """Each provider has its attempts, what became of them and why; as many in a row as close a door are trouble."""
    world = World(tmp_path, script={"sms": [AWAY] * 3 + [Accepted("x")]})
    world.take(*FINED)
    for minutes in TRIED:
        await world.settle(NOON + timedelta(minutes=minutes))
    found = RecentReader(world.platform.log).read(world.clock())
    assert found.whole
    [record] = found.providers.values()
    assert (record.channel, record.attempted, record.failed, record.sent) == ("sms", 3, 3, 0)
    assert (record.in_row, record.since, record.in_trouble) == (3, NOON, True)
    assert record.reasons == {"unreachable": 3}
    await world.settle(NOON + timedelta(minutes=21))
    [record] = RecentReader(world.platform.log).read(world.clock()).providers.values()
    assert (record.sent, record.in_trouble) == (1, False)
    world.close()


async def test_an_hour_later_it_is_forgotten(world: World) -> None:
    """What happened more than an hour ago is not lately."""
    world.take(*registered(iin(1)), card(iin(1), "2025-07-20"))
    await world.settle("2025-06-20T09:00:00+05:00")
    assert RecentReader(world.platform.log).read(world.clock()).providers
    world.at(world.clock() + timedelta(hours=1, seconds=1))
    assert not RecentReader(world.platform.log).read(world.clock()).providers


async def test_trouble_is_seen_however_much_else_happens(tmp_path: Path) -> None:
    """Failures of the last hour are counted behind thousands of other facts, and by an index."""
    world = World(tmp_path, script={"sms": [AWAY] * 3})
    world.take(*FINED)
    for minutes in TRIED:
        await world.settle(NOON + timedelta(minutes=minutes))
    world.take(*(fine(iin(2), f"KZ-{number}", "2025-06-02T11:00:00+05:00") for number in range(2, 6002)))
    found = RecentReader(world.platform.log).read(world.clock())
    assert (found.whole, found.providers["sms"].in_trouble) == (True, True)
    with world.platform.database.reading() as connection:
        plan = connection.execute(
            text(f"EXPLAIN QUERY PLAN {_last(1, 0).compile(compile_kwargs={'literal_binds': True})}")
        )
        assert "log_of_attempts" in str(plan.all())
    world.close()


async def test_where_it_was_too_much_it_is_said(tmp_path: Path) -> None:
    """Where more was sent than is looked at, that is said, with since when; who is not among it is not known."""
    world = World(tmp_path, script={"sms": [AWAY] * 3})
    world.take(*FINED)
    for minutes in TRIED:
        await world.settle(NOON + timedelta(minutes=minutes))
    found = RecentReader(world.platform.log, facts=4).read(world.clock())
    assert (found.whole, found.since) == (False, NOON + timedelta(minutes=1))
    assert found.providers["sms"].attempted == 2
    world.close()


class Counting(Log):
    """A log that counts the rows that it decodes."""

    opened_rows = 0

    def entries(self, connection: Connection, rows: Iterable[Any]) -> list[Entry]:
        """As the log."""
        wanted = list(rows)
        self.opened_rows += len(wanted)
        return super().entries(connection, wanted)


async def test_who_looks_again_reads_only_what_is_new(tmp_path: Path) -> None:
    """A second look decodes no fact of the first, and finds the same as somebody who reads all of them."""
    world = World(tmp_path, script={"sms": [AWAY] * 3})
    on = world.platform
    log = Counting(on.database, on.log.keys, world.clock, codes_by(KEYRING))
    reader = RecentReader(log, facts=5)
    world.take(*FINED)
    for minutes in TRIED:
        await world.settle(NOON + timedelta(minutes=minutes))
        before = log.opened_rows
        assert reader.read(world.clock()) == RecentReader(on.log, 5).read(world.clock())
        assert log.opened_rows > before
        before = log.opened_rows
        assert reader.read(world.clock()) == RecentReader(on.log, 5).read(world.clock())
        assert log.opened_rows == before
    world.close()
