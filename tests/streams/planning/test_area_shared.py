"""An area event planned by several processes of one PostgreSQL database at once."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from domain.core.events import LifeEvent
from domain.facts.facts import NudgePlanned
from domain.planning.area_plan_sharing import Likeness
from projections.residents import Resident
from streams.planning.areas import HELPERS_CROWD, AreaPlanning, _Chunk
from streams.rules.in_force import Rules
from streams.storage.errors import DatabaseUnavailable
from tests.services import postgres
from tests.streams.weather import ALMATY, TRIGGERS, settled, storm, write_weather
from tests.world import World, corrected, iin, registered

RESIDENTS, SIZE = 7, 2
SETWISE = {name: TRIGGERS[name] for name in ("at_event", "at_due")}
PATIENCE = 60.0


@pytest.fixture
def world(server: URL, tmp_path: Path) -> Iterator[World]:
    """A city on PostgreSQL, in which a storm is announced."""
    with postgres.fresh(server) as at:
        url = at.render_as_string(hide_password=False)
        with closing(World(tmp_path, packs=write_weather(tmp_path, SETWISE), url=url)) as made:
            for number in range(1, RESIDENTS + 1):
                made.take(*settled(number))
            made.plan()
            made.take(storm(ALMATY))
            yield made


class Watched(AreaPlanning):
    """Area planning that does something in the midst of each chunk."""

    def __init__(self, world: World, before: Callable[[], None] = lambda: None) -> None:
        on = world.platform
        letters = on.queues.dead_letter_queue
        super().__init__(on.database, on.log, on.rules.library, on.planning.planning, letters, world.clock, SIZE)
        self._before = before

    def _chunk(self, connection: Connection, rules: Rules, now: datetime) -> _Chunk:
        made = WatchedChunk(connection, self._log, self._quarantine, rules, now, self._size)
        made.before = self._before
        return made


class WatchedChunk(_Chunk):
    """A chunk that was taken, and before whose facts are appended something is done."""

    before: Callable[[], None]

    def _plan(self, likeness: Likeness, revisions: Sequence[LifeEvent], free: Sequence[Resident]) -> None:
        self.before()
        super()._plan(likeness, revisions, free)


def planned(world: World) -> list[tuple[str, str]]:
    """Whoever was planned for which trigger, once for each fact."""
    found = [entry.fact for entry in world.entries() if isinstance(entry.fact, NudgePlanned)]
    return sorted((fact.person, fact.trigger) for fact in found if fact.trigger == "at_event")


def everybody(world: World) -> list[tuple[str, str]]:
    """Every resident, once for each step of that trigger."""
    people = {person for person, _ in planned(world)}
    assert len(people) == RESIDENTS
    return sorted((person, "at_event") for person in people for _ in range(len(planned(world)) // RESIDENTS))


def begun(world: World) -> tuple[threading.Thread, threading.Event]:
    """A process in the midst of its second chunk, and what lets it go on."""
    assert Watched(world).turn(), "the first chunk, and the division of the rest"
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert go_on.wait(PATIENCE)

    thread = threading.Thread(target=Watched(world, wait).turn)
    thread.start()
    assert inside.wait(PATIENCE)
    return thread, go_on


def test_two_processes_plan_different_residents_at_once(world: World) -> None:
    """While one plans a chunk another plans all others, waits for nobody, and each resident is planned once."""
    thread, go_on = begun(world)
    other = Watched(world)
    other.drain()
    before = {person for person, _ in planned(world)}
    assert RESIDENTS - SIZE <= len(before) < RESIDENTS
    assert world.health().unplanned == 0
    go_on.set()
    thread.join(PATIENCE)
    other.drain()
    assert planned(world) == everybody(world)
    assert not other.turn()


def test_the_chunk_of_a_process_that_dies_is_planned_by_another(world: World) -> None:
    """What was not committed comes back: nobody is forgotten, and nobody planned twice."""

    def die() -> None:
        raise DatabaseUnavailable("the connection ended with its process")

    assert Watched(world).turn()
    with pytest.raises(DatabaseUnavailable):
        Watched(world, die).turn()
    Watched(world).drain()
    assert planned(world) == everybody(world)


def test_who_waits_for_their_own_plan_comes_first_with_whoever_helps(world: World) -> None:
    """While some wait, only the process that leads plans an area; the others plan whom records wake."""
    world.take(*(registered(iin(number))[0] for number in range(100, 100 + HELPERS_CROWD)))
    assert not Watched(world).turn(leads=False)
    assert planned(world) == []
    assert Watched(world).turn()
    assert len({person for person, _ in planned(world)}) == SIZE


def test_a_new_revision_waits_for_the_chunk_and_begins_anew(world: World) -> None:
    """Whoever plans by the old revision commits first; then everybody is planned by the new one."""
    thread, go_on = begun(world)
    revised = threading.Thread(target=world.take, args=[corrected(storm(ALMATY), 2, on="2025-06-25")])
    revised.start()
    go_on.set()
    for each in (thread, revised):
        each.join(PATIENCE)
    Watched(world).drain()
    pending = [intent for intent in world.pending() if intent.trigger == "at_event"]
    assert {intent.person for intent in pending} == {person for person, _ in everybody(world)}
    days = {intent.due.date().isoformat() for intent in pending}
    assert "2025-06-25" in days
    assert "2025-06-20" not in days
