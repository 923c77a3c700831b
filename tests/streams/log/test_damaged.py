"""A fact in the log that somebody, or a disk, has changed: whoever reads it says where it stands and what to do."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Connection, Select, select, update

from app.compose import Platform
from app.jobs.replay_jobs import verify
from domain.core.ids import Names
from streams.kafka import lag, republish
from streams.log.chain_builder import ChainBuilder
from streams.log.damaged import DamagedFact
from streams.log.loads import retirement_of
from streams.log.row_codes import row_codes
from streams.log.signing import Signer
from streams.planning.wakeups import WakeUpReader
from streams.replay import rebuild_fold
from streams.runtime.faults import Faults
from streams.storage.tables import log
from tests.streams.rebuilding import ended, rebuilt
from tests.world import LONG_AGO, NOON, World, card, corrected, iin, registered

SIGNER = Signer(b"s" * 32)
HARMS: dict[str, Callable[[bytes], bytes]] = {
    "nonsense": lambda _: b"\x00\x11",
    "no text": lambda state: re.sub(rb"[a-z]([a-z]{4})", b"\xff\\1", state, count=1),
}
CARD = card(iin(1), "2025-07-20")
READERS: dict[str, Callable[[Platform], object]] = {
    "rebuild": rebuilt,
    "verification": lambda on: ended(verify(on, {})),
    "follower": lambda on: on.replay.follower.drain(),
    "log": lambda on: list(on.log.scan()),
}
OF_ONE: dict[str, Callable[[Platform], object]] = {
    "intake of the same once more": lambda on: on.intake.accept([CARD]),
    "lag of a reader": lambda on: lag.log_lag(on.database, "anybody", NOON),
}
AT_HAND: dict[str, Callable[[Platform, Connection], object]] = {
    "position of a time": lambda _, connection: republish.position_at(connection, NOON),
    "when it was retired": lambda on, connection: retirement_of(
        connection, on.log, on.identity.names.stream(CARD.source, CARD.id)
    ),
}


@pytest.fixture
def lived(world: World) -> World:
    """A world in which somebody was planned; the follower has yet to follow."""
    world.take(*registered(iin(1), LONG_AGO), CARD, corrected(CARD, 2, expires_on="2025-08-20"))
    world.plan()
    return world


def damage(world: World, topic: str, harm: str = "nonsense", only: Select[tuple[int]] | None = None) -> int:
    """Harm the last fact of that topic (`only`: of those at these positions); where it stands."""
    database = world.platform.database
    database.use_codes(row_codes(world.platform.identity.names.key, SIGNER.public))
    ChainBuilder(database, SIGNER, world.clock).finish()  # a row that no signed block knows would be nobody's fact
    with database.reading() as connection:
        query = select(log.c.position, log.c.state).where(log.c.topic == topic).order_by(log.c.position.desc())
        query = query if only is None else query.where(log.c.position.in_(only))
        position, state = connection.execute(query.limit(1)).one()
    harmed = update(log).where(log.c.position == position).values(state=HARMS[harm](state))
    database.write(lambda connection: connection.execute(harmed))
    return int(position)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("topic", ["life/1", "nudge-planned/1"])
@pytest.mark.parametrize("reader", READERS)
def test_where_it_stands_is_said(lived: World, reader: str, topic: str, harm: str) -> None:
    """Whoever reads the log ends with its position and what to do, and none of what is in it."""
    position = damage(lived, topic, harm)
    with pytest.raises(DamagedFact, match=rf"at position {position} of the log .*`habarshy audit verify`") as failure:
        READERS[reader](lived.platform)
    assert "array" not in str(failure.value)


@pytest.mark.parametrize("reader", [*OF_ONE, *AT_HAND])
def test_whoever_looks_at_one_fact_says_it_too(world: World, reader: str) -> None:
    """To look at a single fact ends as reading them all does."""
    world.take(CARD)
    position = damage(world, "life/1")
    world.take(*registered(iin(2), LONG_AGO))
    on = world.platform
    with pytest.raises(DamagedFact, match=f"position {position} "), on.database.reading() as connection:
        OF_ONE[reader](on) if reader in OF_ONE else AT_HAND[reader](on, connection)


class Defective(Names, frozen=True, dict=True):
    """Names that have a defect."""

    def stream(self, source: str, event_id: str) -> UUID:
        """Fail with what a damaged fact could fail with."""
        raise KeyError(source, event_id)


def test_a_defect_is_no_damage(lived: World) -> None:
    """What fails after a fact was read says what it is: nobody restores a database for a defect of ours."""
    with lived.platform.database.reading() as connection, pytest.raises(KeyError):
        rebuild_fold.read_facts(connection, Defective(lived.platform.identity.names.key), 0, 100)


def test_a_relay_says_it_too(lived: World) -> None:
    """Whom an event woke is not known where it cannot be read, nor who is named in its other revisions."""
    position = damage(lived, "life/1")
    with (
        lived.platform.database.reading() as connection,
        pytest.raises(DamagedFact, match=f"position {position} "),
    ):
        WakeUpReader(lived.platform.identity.names, 100).page_after(connection, 0)


def test_what_goes_on_beside_others_tells_it_once(caplog: pytest.LogCaptureFixture) -> None:
    """A part of a process that meets it says which fact it is, once, and is tried again."""
    faults = Faults()
    for _ in range(2):
        assert faults.report("follower", DamagedFact(7, KeyError("secret"))) is None
    [said] = caplog.messages
    assert "position 7 " in said
    assert "secret" not in said
