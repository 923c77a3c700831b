"""Drafts as they are being written, kept on both databases."""

import pytest

from app.clock import VirtualClock
from domain.facts.principals import NotAllowed, Principal, Role
from projections import positions
from streams.rules.drafts import MOST_KEPT, DraftChanged, DraftExists, DraftStore, UnknownDraft
from streams.storage.database import Database
from tests.world import NOON

AIDA, DANA = (Principal(name, "health", frozenset([Role.AUTHOR])) for name in ("aida", "dana"))
BERIK = Principal("berik", "health", frozenset([Role.APPROVER]))
FRED = Principal("fred", "interior", frozenset([Role.AUTHOR]))
FILES = {"trigger.yaml": "title: x\n", "kk.md": "Сәлем\n"}


@pytest.fixture
def sheets(database: Database) -> DraftStore:
    """None yet."""
    return DraftStore(database, VirtualClock(NOON))


def test_nobody_writes_over_what_they_have_not_seen(sheets: DraftStore) -> None:
    """A draft is saved from the revision that it was made from, or not at all; the same text changes nothing."""
    made = sheets.add(AIDA, "kz", "clinic", FILES)
    saved = sheets.save(made.id, made.revision, FILES | {"kk.md": "Қайырлы күн\n"}, DANA)
    assert (saved.revision, saved.changed_by, saved.files["kk.md"]) == (2, "dana", "Қайырлы күн\n")
    with pytest.raises(DraftChanged) as moved:
        sheets.save(made.id, made.revision, FILES, AIDA)
    assert moved.value.there == saved
    assert sheets.save(made.id, made.revision, saved.files, AIDA) == saved


def test_a_name_is_drafted_once_in_an_agency(sheets: DraftStore) -> None:
    """A second draft of one name leads to the first; another agency's draft of that name is its own."""
    made = sheets.add(AIDA, "kz", "clinic", FILES)
    with pytest.raises(DraftExists) as exists:
        sheets.add(DANA, "kz", "clinic", {})
    assert exists.value.there == made
    assert sheets.add(FRED, "kz", "clinic", FILES).id != made.id
    assert sheets.all("health") == [made]


def test_a_number_of_a_dropped_draft_never_comes_again(sheets: DraftStore) -> None:
    """A page that is still open on a dropped draft saves over no other one."""
    numbers = []
    for _ in range(3):
        made = sheets.add(AIDA, "kz", "clinic", FILES)
        numbers.append(made.id)
        sheets.drop(made.id, AIDA)
    assert numbers == [1, 2, 3]
    sheets.add(AIDA, "kz", "school", FILES)
    with pytest.raises(UnknownDraft):
        sheets.save(numbers[-1], 1, FILES | {"kk.md": "Қайырлы күн\n"}, AIDA)


def test_a_database_of_before_goes_on_after_its_highest_number(database: Database, sheets: DraftStore) -> None:
    """Drafts that were stored before numbers were counted keep theirs, and a new one gets the next."""
    first = sheets.add(AIDA, "kz", "clinic", FILES)
    database.write(lambda connection: positions.save(connection, positions.DRAFTS, 0))
    assert sheets.add(AIDA, "kz", "school", FILES).id == first.id + 1


def test_only_authors_of_the_agency_change_a_draft(sheets: DraftStore) -> None:
    """Approvers read; other agencies don't; what is gone is gone."""
    made = sheets.add(AIDA, "kz", "clinic", FILES)
    assert sheets.find(made.id, BERIK) == made
    with pytest.raises(NotAllowed):
        sheets.find(made.id, FRED)
    for who in (BERIK, FRED):
        with pytest.raises(NotAllowed):
            sheets.save(made.id, 1, {}, who)
        with pytest.raises(NotAllowed):
            sheets.drop(made.id, who)
    sheets.drop(made.id, DANA)
    with pytest.raises(UnknownDraft):
        sheets.find(made.id, AIDA)


def test_a_version_is_found_as_it_was_written(sheets: DraftStore) -> None:
    """The text of a submitted version is known by its hash until somebody changes it."""
    made = sheets.add(AIDA, "kz", "clinic", FILES)
    sheets.submitted(made, "abc")
    found = sheets.of("clinic", "abc")
    assert found is not None
    assert found.files == FILES
    sheets.save(made.id, 1, {}, AIDA)
    assert sheets.of("clinic", "abc") is None


def test_what_each_save_replaced_is_kept(sheets: DraftStore) -> None:
    """The last 20 saves that were replaced, and the last of each person, are there; a dropped draft has none."""
    made = sheets.add(AIDA, "kz", "clinic", FILES)
    assert sheets.earlier(made.id, BERIK) == []
    for number in range(1, MOST_KEPT + 3):
        sheets.save(made.id, number, FILES | {"kk.md": f"{number}\n"}, DANA)
    kept = sheets.earlier(made.id, BERIK)
    assert [each.revision for each in kept] == [*range(MOST_KEPT + 2, 2, -1), 1], "the only one of aida is kept too"
    assert sheets.written(made.id, BERIK)[1] == ("aida", "dana")
    assert (kept[0].files["kk.md"], kept[0].changed_by, kept[0].changed_at) == (f"{MOST_KEPT + 1}\n", "dana", NOON)
    with pytest.raises(NotAllowed):
        sheets.earlier(made.id, FRED)
    sheets.save(made.id, MOST_KEPT + 3, FILES | {"kk.md": f"{MOST_KEPT + 2}\n"}, AIDA)
    assert sheets.earlier(made.id, AIDA) == kept, "a save of equal files replaces nothing"
    sheets.drop(made.id, AIDA)
    again = sheets.add(AIDA, "kz", "clinic", FILES)
    assert sheets.earlier(again.id, AIDA) == []
