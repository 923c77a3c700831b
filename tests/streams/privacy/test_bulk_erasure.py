"""Many persons erased as a job: counted first, each once, and gone on with after a kill."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import to_builtins
from sqlalchemy import func, select

from app.jobs.kinds import planned_work
from domain.facts.access_facts import PersonErased
from streams.privacy import bulk_erasure
from streams.privacy.bulk_erasure import BulkErasure, BulkRequest
from streams.privacy.erasure import Certificate
from streams.queues.jobs import NothingToDo, Work, plan_of
from streams.storage.tables import log
from tests.streams.rebuilding import ended, unsaved
from tests.world import LONG_AGO, World, card, iin, registered

KNOWN = bulk_erasure.FEW + 5


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform with more people than one step erases."""
    with closing(World(tmp_path)) as made:
        for number in range(1, KNOWN + 1):
            made.take(*registered(iin(number), LONG_AGO), card(iin(number), "2026-12-20", number=f"N{number}"))
        made.plan()
        yield made


def job(world: World, kept: list[Certificate], last: int = KNOWN + 2) -> BulkErasure:
    """The work of erasing those people, and two of whom nothing is known."""
    persons = tuple(world.name(iin(number)) for number in range(1, last + 1))
    return BulkErasure(
        world.platform.privacy.erasure, BulkRequest(persons, "the law", "olga", "platform"), kept.append
    )


def erased(world: World) -> int:
    """The number of erasures in the log."""
    with world.platform.database.reading() as connection:
        query = select(func.count()).select_from(log).where(log.c.topic == PersonErased.TOPIC)
        return connection.execute(query).scalar_one()


def test_everybody_is_erased_once_although_the_job_is_killed(world: World) -> None:
    """Counting changes nothing; a step that is repeated erases nobody twice, and all are certified."""
    kept: list[Certificate] = []
    plan = plan_of(job(world, kept))
    assert (plan.what, plan.count, erased(world)) == (
        f"erase {KNOWN} persons for ever; nothing is known about 2 persons",
        KNOWN,
        0,
    )
    first = job(world, kept).step("", unsaved)
    assert (first.done, erased(world)) == (bulk_erasure.FEW, bulk_erasure.FEW)
    job(world, kept).step("", unsaved)  # as after a kill before the step was kept
    work = job(world, kept)
    assert work.step(first.cursor, unsaved).words == f"{KNOWN} persons erased; nothing is known about 2 persons"
    assert erased(world) == KNOWN
    assert {each.person for each in kept} == {world.name(iin(number)) for number in range(1, KNOWN + 1)}
    assert {each.reason for each in kept} == {"the law"}
    assert not [each for each in world.nudges() if each.waits]
    with pytest.raises(NothingToDo):
        plan_of(job(world, kept))


def test_what_cannot_be_listed_is_not_gone_on_with(world: World) -> None:
    """Where the list beside the keys cannot be written, nobody more is erased until it can."""
    arguments = to_builtins(BulkRequest((world.name(iin(1)), world.name(iin(2))), "the law", "olga", "platform"))
    listed = world.platform.settings.key_file.with_name(f"{world.platform.settings.key_file.name}.erased")
    listed.mkdir()
    work: Work = planned_work(world.platform, "erase", arguments)
    with pytest.raises(Exception, match="nobody more is erased"):
        work.step("", unsaved)
    assert erased(world) == 1
    listed.rmdir()
    assert ended(planned_work(world.platform, "erase", arguments)) == "2 persons erased"
    assert (erased(world), len(listed.read_bytes().splitlines())) == (2, 2)
