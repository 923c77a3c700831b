"""A fact in the log that somebody, or a disk, has changed: whoever reads it says where it stands and what to do."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from app.compose import Platform
from app.replaying import verify
from streams.damaged import DamagedFact
from streams.faults import Faults
from streams.tables import log
from streams.wakes import Waking
from tests.streams.rebuilding import ended, rebuilt
from tests.world import LONG_AGO, World, card, corrected, iin, registered

HARMS: dict[str, Callable[[bytes], bytes]] = {
    "nonsense": lambda _: b"\x00\x11",
    "no text": lambda state: re.sub(rb"[a-z]([a-z]{4})", b"\xff\\1", state, count=1),
}
CARD = card(iin(1), "2025-07-20")
READERS: dict[str, Callable[[Platform], object]] = {
    "rebuild": rebuilt,
    "verification": lambda on: ended(verify(on, {})),
    "follower": lambda on: on.follower.drain(),
    "log": lambda on: list(on.log.scan()),
}


@pytest.fixture
def lived(world: World) -> World:
    """A world in which somebody was planned; the follower has yet to follow."""
    world.take(*registered(iin(1), LONG_AGO), CARD, corrected(CARD, 2, expires_on="2025-08-20"))
    world.plan()
    return world


def damage(world: World, topic: str, harm: str = "nonsense") -> int:
    """Harm the last fact of that topic; where it stands."""
    database = world.platform.database
    with database.reading() as connection:
        query = select(log.c.position, log.c.state).where(log.c.topic == topic).order_by(log.c.position.desc())
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


def test_a_relay_says_it_too(lived: World) -> None:
    """Whom an event woke is not known where it cannot be read, nor who is named in its other revisions."""
    position = damage(lived, "life/1")
    with (
        lived.platform.database.reading() as connection,
        pytest.raises(DamagedFact, match=f"position {position} "),
    ):
        Waking(lived.platform.names, 100).after(connection, 0)


def test_what_goes_on_beside_others_tells_it_once(caplog: pytest.LogCaptureFixture) -> None:
    """A part of a process that meets it says which fact it is, once, and is tried again."""
    faults = Faults()
    for _ in range(2):
        assert faults.met("follower", DamagedFact(7, KeyError("secret"))) is None
    [said] = caplog.messages
    assert "position 7 " in said
    assert "secret" not in said
