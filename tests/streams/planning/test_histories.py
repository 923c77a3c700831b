"""Reading in bulk: everybody, whole, once, in shares, and nobody who was erased."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.core.events import LifeEvent
from domain.persons.history import History
from domain.planning.plan import whole_plan
from domain.planning.relevant_types import telling_types
from domain.rules.rulebook import Rulebook
from streams.planning import histories as reading
from streams.planning.histories import EVERYBODY, Selection, folded
from tests.services import postgres
from tests.streams.storing import modest
from tests.streams.weather import settled, storm, write_weather
from tests.world import LONG_AGO, World, annulled, birth, card, corrected, fine, iin

MANY = 12
CARD = "kz.document.issued"
MOTHER, CHILD, DRIVER = iin(1), iin(50), iin(2)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A small country: corrections, an annulment, a storm, a historical load."""
    if request.param == "sqlite":
        yield lived(World(tmp_path, packs=write_weather(tmp_path)))
        return
    with postgres.fresh(request.getfixturevalue("server")) as at:
        yield lived(World(tmp_path, packs=write_weather(tmp_path), url=at.render_as_string(hide_password=False)))


def lived(world: World) -> World:
    """Something of each kind has happened."""
    for number in range(1, MANY + 1):
        world.take(*settled(number, born_on=LONG_AGO))
    taken = world.take(
        birth(CHILD, MOTHER, "2025-05-01"),
        card(MOTHER, "2026-01-01"),
        card(DRIVER, "2026-01-01"),
        corrected(card(MOTHER, "2026-01-01"), 2, expires_on="2027-01-01"),
        annulled(card(DRIVER, "2026-01-01"), 2),
        storm(time="2025-04-01T00:00:00Z"),
    )
    assert all(outcome.accepted for outcome in taken), taken
    world.take(fine(DRIVER, "F1", "2025-02-01T00:00:00Z"), ahead_from=world.clock())
    return world


def read(world: World, selection: Selection = EVERYBODY, batch: int = 5) -> dict[str, History]:
    """All histories of the selection, each once, in the order of pseudonyms."""
    platform, rulebook = world.platform, world.platform.rules.library.rules().rulebook
    found: list[tuple[str, History]] = []
    for some, _ in reading.all_revisions(platform.database, platform.log, rulebook, selection, batch=batch):
        found += [(person, each.history(person, rulebook.catalogue)) for person, each in some.items()]
    assert [person for person, _ in found] == sorted({person for person, _ in found})
    return dict(found)


def test_histories_are_those_that_planning_reads(world: World) -> None:
    """What is read in bulk is what planning reads of each person: corrections, loads and areas included."""
    platform, found = world.platform, read(world)
    assert len(found) == MANY + 1
    with platform.database.reading() as connection:
        rulebook = platform.rules.library.rules().rulebook
        assert found == reading.histories(connection, platform.log, list(found), rulebook)
    assert [fact.event.type for fact in found[world.name(MOTHER)].facts][-1] == "kz.civil.birth_registered"
    assert any(fact.event.area for fact in found[world.name(MOTHER)].facts)
    assert {fact.ahead_from for fact in found[world.name(DRIVER)].facts} == {None, world.clock()}
    world.close()


def test_only_those_who_have_such_facts_are_read(world: World) -> None:
    """A selection by event types gives whoever has any revision of one, with their whole history."""
    found = read(world, Selection(frozenset({CARD})))
    assert set(found) == {world.name(MOTHER), world.name(DRIVER)}
    assert found == {person: one for person, one in read(world).items() if person in found}
    assert read(world, Selection(frozenset())) == {}
    world.close()


def test_an_erased_person_is_not_read(world: World) -> None:
    """Whose key is destroyed has no history any more; those whom they share facts with keep theirs."""
    platform, child = world.platform, world.name(CHILD)
    platform.database.write(lambda connection: platform.log.keys.destroy(connection, child))
    found = read(world)
    assert child not in found
    [born] = [fact for fact in found[world.name(MOTHER)].facts if fact.event.type == "kz.civil.birth_registered"]
    assert "child" not in born.event.fields
    world.close()


def test_every_fact_is_given_with_when_it_was_recorded(world: World) -> None:
    """Whoever asks what was known when gets every revision and area fact with its time, and so the same history."""
    platform, histories = world.platform, read(world)
    rulebook = platform.rules.library.rules().rulebook
    for some, facts in reading.all_revisions(platform.database, platform.log, rulebook, EVERYBODY):
        assert facts == sum(len(each.own) for each in some.values())
        assert {each.recorded for one in some.values() for each in (*one.own, *one.areas)} == {world.clock()}
        assert {who: one.history(who, rulebook.catalogue) for who, one in some.items()} == histories
        revisions: list[LifeEvent] = [each.event for each in some[world.name(MOTHER)].own if each.event.corrects]
        assert [each.revision for each in revisions] == [2]
    world.close()


def test_what_tells_nothing_of_a_trigger_is_not_read(world: World) -> None:
    """Only facts of some types are read, with their corrections: plan and person are those of everything."""
    platform = world.platform
    world.take(card(iin(3), "2026-01-01"), fine(iin(3), "F2", "2025-02-01T00:00:00Z"))
    book = platform.rules.library.rules().rulebook
    everything, fewer = whole(world, book, None), 0
    for version in book.versions.values():
        alone = Rulebook(book.catalogue, book.defaults, book.names, [version])
        for person, found in whole(world, alone, telling_types(alone)).items():
            fewer += len(found.facts) < len(everything[person].facts)
            assert whole_plan(found, alone) == whole_plan(everything[person], alone)
            assert folded({person: found}, alone) == folded({person: everything[person]}, alone)
    assert fewer
    world.close()


def whole(world: World, book: Rulebook, types: frozenset[str] | None) -> dict[str, History]:
    """Everybody's history, read of these types."""
    platform = world.platform
    with platform.database.reading() as connection:
        persons = sorted({world.name(iin(number)) for number in range(1, MANY + 1)})
        found = reading.revisions_of(connection, platform.log, persons, book, types=types)
    return {person: each.history(person, book.catalogue) for person, each in found.items()}


@modest
@given(
    st.integers(1, 40), st.text("0123456789abcdef", max_size=3), st.none() | st.text("0123456789abcdef", max_size=3)
)
def test_shares_are_the_whole(number: int, after: str, upto: str | None) -> None:
    """However many processes share a selection, each person is in exactly one part of it."""
    whole = Selection(frozenset({CARD}), after, upto)
    parts = whole.shares(number)
    assert (parts[0].after, parts[-1].upto) == (after, upto)
    assert all(one.upto == next_.after and one.upto is not None for one, next_ in pairwise(parts))
    assert all(one.types == whole.types for one in parts)
