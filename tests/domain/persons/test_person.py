from datetime import date

import pytest
from msgspec.structs import replace

from domain.core.events import LifeEvent, effective
from domain.persons.person import Fold, Person, age_on, citizen_values, person_as_of
from tests.domain.world import (
    AIDA,
    ALMATY,
    CATALOGUE,
    ERLAN,
    SAULE,
    at,
    birth,
    contact,
    death,
    event,
    paper,
    registered,
)


def _folded(*recorded: LifeEvent, who: str = AIDA, until: str | None = None) -> Person:
    moment = None if until is None else at(until)
    return person_as_of(who, effective(recorded), CATALOGUE, moment)


def test_an_event_sets_what_its_type_says_on_each_role() -> None:
    """A birth sets birth date and guardians of the child, and nothing of the mother."""
    child = _folded(birth())
    assert (child.get("born_on"), child.get("guardians")) == ("2025-01-08", [SAULE, ERLAN])
    assert _folded(birth(), who=SAULE).attributes == {}


def test_guardians_are_those_who_are_named() -> None:
    """A role that nobody plays adds no guardian."""
    fatherless = event("civil.born", "2025-01-10", "birth", {"child": AIDA, "mother": SAULE}, born_on="2025-01-08")
    assert _folded(fatherless).get("guardians") == [SAULE]


def test_the_last_word_counts_by_the_time_of_the_event() -> None:
    """An attribute is what was said last in the order of the history, not of arrival."""
    early, late = contact("2025-01-01", "a", phone="1", email="x"), contact("2025-02-01", "b", phone="2")
    for order in ([early, late], [late, early]):
        known = _folded(*order)
        assert (known.get("phone"), known.get("email")) == ("2", "x")
    assert _folded(late, early, until="2025-01-31").get("phone") == "1"
    assert _folded(late, early, until="2025-02-01").get("phone") == "2"
    assert _folded(late, early, until="2024-12-31").attributes == {}


def test_absent_sets_nothing_and_null_clears() -> None:
    """A field that is not there leaves the attribute, one that is null takes it away."""
    first = contact("2025-01-01", "a", phone="1", email="x")
    assert _folded(first, contact("2025-02-01", "b", email="y")).get("phone") == "1"
    cleared = _folded(first, contact("2025-02-01", "b", phone=None))
    assert (cleared.get("phone"), cleared.get("email")) == (None, "x")
    assert "citizen.phone" not in cleared.attributes


def test_a_literal_is_set_as_it_is() -> None:
    """An event may set an attribute to what its type says, whatever the event says."""
    assert _folded(event("person.silenced", "2025-01-01", "s", {"citizen": AIDA})).get("opted_out") == ["documents"]


def test_a_part_that_was_erased_sets_nothing() -> None:
    """An event of which a part can no longer be read sets what is left, and is no error."""
    assert _folded(replace(birth(), fields={})).attributes == {"citizen.guardians": [SAULE, ERLAN]}


def test_an_unknown_type_sets_nothing() -> None:
    """An event of a type that no pack describes is kept, and has no effect on a person."""
    assert _folded(replace(paper(), type="paper.forgotten")) == Person(AIDA, {})


def test_a_death_is_that_of_its_subject() -> None:
    """The first report of a death says when; heirs live on."""
    reports = (death("2025-02-01", heirs=(SAULE,), event_id="b"), death("2025-01-12", event_id="a"))
    assert _folded(*reports).died == at("2025-01-12")
    assert _folded(*reports, who=SAULE).died is None
    assert _folded(*reports, until="2025-01-11").died is None


def test_a_fold_can_be_asked_between_two_events() -> None:
    """What was asked earlier is not changed by what is folded later."""
    fold = Fold(AIDA, CATALOGUE)
    fold.take(contact("2025-01-01", "a", phone="1"))
    before = fold.person()
    fold.take(contact("2025-02-01", "b", phone="2"))
    assert (before.get("phone"), fold.person().get("phone")) == ("1", "2")


@pytest.mark.parametrize(
    ("born_on", "day", "age"),
    [
        ("2007-05-05", "2025-05-04", 17),
        ("2007-05-05", "2025-05-05", 18),
        ("2007-12-31", "2025-01-01", 17),
        ("2008-02-29", "2026-02-28", 17),
        ("2008-02-29", "2026-03-01", 18),
        ("2008-02-29", "2028-02-29", 20),
        ("2025-05-05", "2025-05-05", 0),
        ("2025-05-05", "2025-05-04", -1),
    ],
)
def test_age_is_whole_years(born_on: str, day: str, age: int) -> None:
    """A year is full on the birthday, and for those born on 29 February on 1 March."""
    assert age_on(born_on, date.fromisoformat(day)) == age


def test_age_is_that_of_the_local_day() -> None:
    """Conditions see the age on the day that it is where the person lives; without a birth date there is none."""
    person = _folded(registered("2007-05-05"))
    assert citizen_values(person.attributes, at("2025-05-04 23:59"), ALMATY)["citizen.age"] == 17
    assert citizen_values(person.attributes, at("2025-05-05 00:00"), ALMATY)["citizen.age"] == 18
    unborn = _folded(registered(None))
    assert (
        unborn.age(date(2025, 5, 5)),
        "citizen.age" in citizen_values(unborn.attributes, at("2025-05-05"), ALMATY),
    ) == (None, False)


def test_values_are_the_readers_own() -> None:
    """Reading a person's values does not lend the person's attributes."""
    person = _folded(registered())
    citizen_values(person.attributes, at("2025-01-01"), ALMATY)["citizen.sex"] = "male"
    assert person.get("sex") == "female"


def test_an_event_reads_under_dotted_names() -> None:
    """Nested fields, single roles, type and time are read under `event.`; a role of several is not."""
    fee = {"amount": 5, "rate": None}
    one = event("paper.issued", "2025-01-10", "p", {"holder": AIDA}, kind="card", fee=fee, marks=[])
    assert one.values == {
        "event.kind": "card",
        "event.fee.amount": 5,
        "event.fee.rate": None,
        "event.marks": [],
        "event.holder": AIDA,
        "event.type": "paper.issued",
        "event.time": at("2025-01-10"),
    }
    queued = event("school.queued", "2025-01-10", "q", {"child": AIDA, "parents": (SAULE, ERLAN)})
    assert "event.parents" not in queued.values
    assert queued.everybody == frozenset({AIDA, SAULE, ERLAN})
    assert [queued.role_of(who) for who in (SAULE, "nobody")] == [("parents",), ()]
