from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from projections import happened_in_areas, history
from projections.history import Concerns, HistoryVersion
from projections.tables import history as table
from streams.storage.database import Database
from tests.streams.storing import AIDA, BOLAT, DANA, counted

T = TypeVar("T")
ONE, OTHER = UUID(int=1 << 100), UUID(int=2)


def row(person: str, position: int, recorded: int = 100, ahead_from: int | None = None) -> Concerns:
    """A new fact of a person."""
    return Concerns(person, position, 50, "kz.a", ahead_from, planned=False, recorded=recorded, woken=recorded)


@pytest.fixture
def add(database: Database) -> Callable[..., None]:
    """Adds rows to the view."""
    return lambda *rows: database.write(lambda connection: history.add(connection, list(rows)))


def ask(database: Database, question: Callable[[Connection], T]) -> T:
    """What the view answers."""
    with database.reading() as connection:
        return question(connection)


def unplanned(database: Database, limit: int = 10, before: int | None = None) -> list[str]:
    """Who waits."""
    return ask(database, lambda connection: history.unplanned(connection, limit, before))


def plan(database: Database, *persons: str) -> None:
    """Mark the persons as planned as they are now."""

    def work(connection: Connection) -> None:
        history.mark_planned(connection, history.versions(connection, persons))

    database.write(work)


# who waits


def test_who_waits_longest_comes_first(database: Database, add: Callable[..., None]) -> None:
    """Persons wait in the order in which their facts were recorded, then by pseudonym; nobody is named twice."""
    add(
        row(DANA, 1, recorded=300),
        row(BOLAT, 2, recorded=100),
        row(AIDA, 3, recorded=300),
        row(DANA, 4, recorded=100),
    )

    assert unplanned(database) == [BOLAT, DANA, AIDA]


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_only_so_many_are_named(database: Database, add: Callable[..., None], limit: int) -> None:
    """A batch has so many persons, however many facts each of them has."""
    add(*(row(person, at, recorded=at) for at in range(1, 31) for person in (AIDA, BOLAT, DANA)))

    assert unplanned(database, limit) == [AIDA, BOLAT, DANA][:limit]


def test_the_reconciler_sees_only_old_facts(database: Database, add: Callable[..., None]) -> None:
    """Facts recorded at the given moment or later are left out."""
    add(row(AIDA, 1, recorded=100), row(BOLAT, 2, recorded=101))

    assert unplanned(database, before=100) == []
    assert unplanned(database, before=101) == [AIDA]
    assert unplanned(database, before=102) == [AIDA, BOLAT]


def test_who_is_planned_waits_no_more(database: Database, add: Callable[..., None]) -> None:
    """Planning takes a person off the list, and only that person."""
    add(row(AIDA, 1), row(AIDA, 2), row(BOLAT, 2))
    plan(database, AIDA)

    assert unplanned(database) == [BOLAT]


def test_a_new_fact_wakes(database: Database, add: Callable[..., None]) -> None:
    """A planned person with a further fact waits again."""
    add(row(AIDA, 1))
    plan(database, AIDA)
    add(row(AIDA, 2))

    assert unplanned(database) == [AIDA]


def test_the_same_fact_again_is_refused(database: Database, add: Callable[..., None]) -> None:
    """A row that is there stays as it is: a position is given once, so its facts are never added twice."""
    add(row(AIDA, 1, recorded=100))
    plan(database, AIDA)
    with pytest.raises(IntegrityError):
        add(row(AIDA, 1, recorded=999))

    assert unplanned(database) == []
    assert counted(database, table) == 1


def test_how_many_wait_and_since_when(database: Database, add: Callable[..., None]) -> None:
    """The operator sees how many rows wait, and when the oldest of them was recorded."""
    assert ask(database, history.waiting) == (0, None)
    add(row(AIDA, 1, recorded=300), row(BOLAT, 1, recorded=200), row(DANA, 2, recorded=100))
    plan(database, DANA)

    assert ask(database, history.waiting) == (2, 200)


# waking


def test_wake_adds_and_wakes(database: Database, add: Callable[..., None]) -> None:
    """Facts that a person may already have are added where they are new, and wake in any case, and no others do."""
    add(row(AIDA, 1), row(AIDA, 2), row(BOLAT, 1), row(DANA, 1), row(DANA, 2))
    plan(database, AIDA, BOLAT, DANA)
    database.write(lambda connection: history.wake(connection, [row(AIDA, 1), row(DANA, 2), row(DANA, 3)]))

    assert unplanned(database) == [AIDA, DANA]
    versions = ask(database, lambda connection: history.versions(connection, [AIDA, BOLAT, DANA]))
    assert [(versions[each].rows, versions[each].waiting) for each in (AIDA, BOLAT, DANA)] == [(2, 1), (1, 0), (3, 2)]


def test_waking_nobody_is_no_error(database: Database) -> None:
    """No rows, nothing done."""
    database.write(lambda connection: history.wake(connection, []))

    assert unplanned(database) == []


def test_move_ahead_wakes_all_whom_the_fact_concerns(database: Database, add: Callable[..., None]) -> None:
    """A fact that came by an earlier load is planned again for everybody it names, and only that fact moved."""
    add(row(AIDA, 1, ahead_from=500), row(BOLAT, 1, ahead_from=500), row(DANA, 2, ahead_from=500))
    plan(database, AIDA, BOLAT, DANA)
    database.write(lambda connection: history.move_ahead(connection, 1, 400, woken=9))

    assert unplanned(database) == [AIDA, BOLAT]
    versions = ask(database, lambda connection: history.versions(connection, [AIDA, BOLAT, DANA]))
    assert [versions[person].loads for person in (AIDA, BOLAT, DANA)] == [400, 400, 500]


# versions


def test_a_mark_says_how_far_a_history_has_come(database: Database, add: Callable[..., None]) -> None:
    """Rows, last position, and what the loads were; who has no history has no mark."""
    add(row(AIDA, 3), row(AIDA, 1, ahead_from=500), row(AIDA, 2, ahead_from=70), row(BOLAT, 9))

    assert ask(database, lambda connection: history.versions(connection, [AIDA, BOLAT, DANA])) == {
        AIDA: HistoryVersion(rows=3, last=3, loads=570, live=2, waiting=3, first_waiting=1),
        BOLAT: HistoryVersion(rows=1, last=9, loads=0, live=0, waiting=1, first_waiting=9),
    }


@pytest.mark.parametrize(
    "move",
    [
        lambda connection: history.add(connection, [row(AIDA, 9)]),
        lambda connection: history.add(connection, [row(AIDA, 2)]),
        lambda connection: history.wake(connection, [row(AIDA, 2)]),
        lambda connection: history.move_ahead(connection, 1, 400, woken=9),
        lambda connection: history.move_ahead(connection, 1, None, woken=9),
    ],
    ids=["a later fact", "one between", "a fact joined", "an earlier load", "live"],
)
def test_whatever_moves_a_history_moves_its_mark(
    database: Database, add: Callable[..., None], move: Callable[[Connection], None]
) -> None:
    """A planner can see that a history is no longer the one that it planned."""
    add(row(AIDA, 1, ahead_from=500), row(AIDA, 3))
    before = ask(database, lambda connection: history.versions(connection, [AIDA]))
    database.write(move)

    assert ask(database, lambda connection: history.versions(connection, [AIDA])) != before


def test_a_plan_moves_the_mark(database: Database, add: Callable[..., None]) -> None:
    """Of two planners of one person, the later one can see that the other was faster."""
    add(row(AIDA, 1))
    before = ask(database, lambda connection: history.versions(connection, [AIDA]))
    plan(database, AIDA)

    assert ask(database, lambda connection: history.versions(connection, [AIDA])) != before


# news


def news(database: Database) -> history.News:
    """What waits of Aida."""
    found: history.News = ask(database, lambda connection: history.news(connection, [AIDA, DANA]))[AIDA]
    return found


def test_new_events_are_told_by_their_types(database: Database, add: Callable[..., None]) -> None:
    """Whoever was planned and gets more events waits with the types of these; afterwards with none."""
    add(row(AIDA, 1), row(AIDA, 2))
    plan(database, AIDA)
    add(row(AIDA, 3)._replace(time=500, type="card"), row(AIDA, 4)._replace(time=501, type="fine"))

    assert news(database).types == frozenset(["card", "fine"])
    assert not news(database).replan
    plan(database, AIDA)
    assert not news(database).types
    assert not news(database).replan


@pytest.mark.parametrize("time", [99, 100], ids=["earlier", "at the same time"])
def test_who_may_have_a_new_first_event_is_planned_wholly(
    database: Database, add: Callable[..., None], time: int
) -> None:
    """An entitlement may begin with a person's first event, whatever its type."""
    add(row(AIDA, 1)._replace(time=100))
    assert news(database).replan
    plan(database, AIDA)
    add(row(AIDA, 2)._replace(time=time))
    assert news(database).replan


@pytest.mark.parametrize(
    "wake",
    [
        lambda connection: history.wake(connection, [row(AIDA, 1)]),
        lambda connection: history.wake_again(connection, AIDA, [1], 9),
        lambda connection: history.wake_at_leisure(connection, [AIDA], 9),
        lambda connection: history.wake_types(connection, [row(AIDA, 1).type], 0, 9),
        lambda connection: history.move_ahead(connection, 1, 400, woken=9),
    ],
    ids=["corrected", "erased", "left by an area", "published", "loaded"],
)
@pytest.mark.parametrize("earlier", ["waits", "is planned"])
def test_who_is_woken_by_more_than_new_events_is_planned_wholly(
    database: Database, add: Callable[..., None], wake: Callable[[Connection], None], earlier: str
) -> None:
    """A correction, an erasure, new rules or an earlier load may change anything, also of who waits already."""
    add(row(AIDA, 1, ahead_from=500))
    plan(database, AIDA)
    if earlier == "waits":
        add(row(AIDA, 2)._replace(time=10**15))
    database.write(wake)

    assert news(database).replan
    plan(database, AIDA)
    assert not news(database).replan


# everybody, page by page


def test_persons_are_paged_by_pseudonym(database: Database, add: Callable[..., None]) -> None:
    """Every person once, however many facts they have, in an order that a page can continue."""
    people = [f"{number:032x}" for number in range(7)]
    add(*(row(person, at) for person in reversed(people) for at in (1, 2, 3)))

    def page(after: str) -> list[str]:
        return ask(database, lambda connection: history.persons_after(connection, after, 3))

    assert page("") == people[:3]
    assert page(people[2]) == people[3:6]
    assert page(people[5]) == people[6:]
    assert page(people[6]) == []


# corrections


def test_revisions_are_found_by_their_original(database: Database) -> None:
    """All corrections of an event are known by the event, also before it has come."""

    def work(connection: Connection) -> None:
        history.note_revisions(connection, [(ONE, 5), (OTHER, 4)])
        history.note_revisions(connection, [(ONE, 3)])

    assert not ask(database, history.has_revisions)
    database.write(work)

    assert ask(database, history.has_revisions)
    found = ask(database, lambda connection: history.revisions_of(connection, [ONE, UUID(int=404)]))
    assert {original: sorted(at) for original, at in found.items()} == {ONE: [3, 5]}


def test_corrections_without_an_original_are_counted(database: Database) -> None:
    """The operator sees how many events were corrected that never came; each counts once."""
    noted = [(ONE, 1), (ONE, 2), (OTHER, 3)]
    database.write(lambda connection: history.note_revisions(connection, noted))
    assert ask(database, history.orphaned_revisions) == 2

    database.write(lambda connection: history.originals_arrived(connection, [ONE]))
    assert ask(database, history.orphaned_revisions) == 1


# areas


def test_facts_of_areas_are_found_by_area(database: Database) -> None:
    """What happened in an area is known by the area; other areas have no part in it."""

    def work(connection: Connection) -> None:
        for area, position in (("75", 1), ("10", 2), ("75", 3)):
            happened_in_areas.note_area(connection, area, position, 50)

    assert not ask(database, happened_in_areas.has_area_facts)
    database.write(work)

    assert ask(database, happened_in_areas.has_area_facts)
    found = ask(database, lambda connection: happened_in_areas.areas_with_facts(connection, ["75", "75", "99"]))
    assert sorted(found) == [1, 3]
    assert ask(database, lambda connection: happened_in_areas.areas_with_facts(connection, [])) == []
