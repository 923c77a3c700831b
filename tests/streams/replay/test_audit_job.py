"""The audit as a job: the same as in one go, however it is cut into steps."""

import msgspec
import pytest
from sqlalchemy import Connection

from streams.log.chain import blocks_from
from streams.log.chain_builder import ChainBuilder
from streams.log.signing import Signer
from streams.queues.jobs import Step
from streams.replay.audit_job import AuditJob
from streams.storage.tables import blocks, log
from tests.world import World, card, iin, registered

SIGNER = Signer(bytes(range(32)))


@pytest.fixture
def chain(world: World) -> World:
    """A world whose log is in blocks of four facts."""
    world.take(*registered(iin(1)), card(iin(1), "2025-07-20"))
    ChainBuilder(world.platform.database, SIGNER, world.clock, size=4).finish()
    return world


def audited(world: World, facts: int) -> tuple[int, dict[str, object]]:
    """In how many steps of so many facts it ended, and what came of it."""
    work, step, count = AuditJob(world.platform.database, SIGNER.public, facts), Step("", 0), 0

    def save(_: Connection, __: Step) -> None:
        """Nobody else is at work."""

    while not step.finished:
        step, count = work.step(step.cursor, save), count + 1
    return count, msgspec.json.decode(step.words)


def test_however_it_is_cut_it_finds_the_same(chain: World) -> None:
    """A fact that was changed and a block that is gone are found by their places, in one step or in many."""
    database = chain.platform.database
    whole = audited(chain, 10**6)[1]
    assert (whole["findings"], whole["unchained"]) == (0, 0)
    with database.reading() as connection:
        many = len(blocks_from(connection, 1, 1000))
    database.write(lambda on: on.execute(log.update().where(log.c.position == 2).values(state=b"")))
    database.write(lambda on: on.execute(blocks.delete().where(blocks.c.number == 2)))
    [once, often] = [audited(chain, facts) for facts in (10**6, 1)]
    assert once[1] == often[1]
    assert str(once[1]["changed"]).startswith("1; the first: position 2, block 1")
    assert str(once[1]["no-block"]).startswith("1; the first: block 2")
    assert often[0] >= once[0]
    assert many > 1


def test_without_a_chain_nothing_is_said_to_be_well(world: World) -> None:
    """Where facts are in no block, that is a finding."""
    world.take(*registered(iin(1)))
    assert audited(world, 10)[1]["findings"] == 1
