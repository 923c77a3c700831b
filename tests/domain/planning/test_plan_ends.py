import pytest

from domain.planning.deaths import Deaths
from tests.domain.given import before, given, published, rules
from tests.domain.world import (
    AIDA,
    ERLAN,
    SAULE,
    annulment,
    at,
    birth,
    contact,
    correction,
    death,
    event,
    local,
    paper,
    registered,
    renewed,
)

CARD = rules("paper.issued", {"month": before(30), "week": before(7)})
FOR_MOTHER = rules("civil.born", {"soon": {"offset": "P1D"}, "later": {"offset": "P60D"}}, to="mother")
FOR_HEIRS = rules("civil.died", {"heritage": {"offset": "P10D"}}, to="heirs")


@pytest.mark.parametrize(
    ("more", "expires"),
    [
        ({}, "2025-02-20 09:00"),
        ({"klass": "offer"}, "2025-02-20 09:00"),
        ({"klass": "legal"}, None),
        ({"klass": "legal", "expires": "P3D"}, "2025-01-24 09:00"),
        ({"expires": "P14D"}, "2025-02-04 09:00"),
        ({"expires": "P1M"}, "2025-02-21 09:00"),
        ({"expires": "PT6H"}, "2025-01-21 15:00"),
        ({"expires": "event.expires_on"}, "2025-02-21 00:00"),  # until the end of that day
        ({"expires": "event.issued_on"}, None),  # a date that nobody reported
        ({"expires": "citizen.born_on"}, "1990-05-06 00:00"),
    ],
)
def test_until_when_it_makes_sense(more: dict[str, str], expires: str | None) -> None:
    """A nudge expires as its trigger says, else 30 days after it is due; a legal one never does."""
    intent = given(registered(), paper()).when(rules("paper.issued", {"month": before(30)}, **more)).only
    assert (intent.expires and local(intent.expires)) == expires


def test_a_day_ends_where_the_person_lives() -> None:
    """The end of the day is that of the person's own zone."""
    card = rules("paper.issued", {"month": before(30)}, expires="event.expires_on")
    intent = given(contact("2025-01-01", zone="Europe/Berlin"), paper()).when(card).only
    assert intent.expires == at("2025-02-21 04:00")


@pytest.mark.parametrize(
    ("time", "hears"),
    [
        ("2025-01-12", []),
        ("2025-01-21 09:00", []),
        ("2025-01-21 09:01", ["month 2025-01-21 09:00"]),
        ("2025-03-01", ["month 2025-01-21 09:00", "week 2025-02-13 09:00"]),
    ],
)
def test_a_death_cancels_what_is_due_from_then_on(time: str, hears: list[str]) -> None:
    """The dead are told nothing; what was due while they lived stays what it was."""
    for facts in ([paper(), death(time)], [death(time), paper()]):
        given(*facts).when(CARD).then_intents(*hears)


def test_an_event_after_the_death_starts_nothing() -> None:
    """A paper issued to the dead is reminded of to nobody."""
    given(death("2025-01-05"), paper()).when(CARD).then_nothing()


def test_the_earliest_death_counts() -> None:
    """Two reports of one death: the earlier ends it."""
    reports = death("2025-02-01", event_id="a"), death("2025-01-12", event_id="b")
    given(paper(), *reports).when(CARD).then_nothing()


def test_a_death_reported_by_mistake_is_taken_back() -> None:
    """Annulled, or corrected to another person or day, it ends nothing any more."""
    wrong = death("2025-01-12")
    both = ["month 2025-01-21 09:00", "week 2025-02-13 09:00"]
    given(paper(), wrong, annulment(wrong)).when(CARD).then_intents(*both)
    given(paper(), wrong, correction(wrong, death("2025-01-12", ERLAN))).when(CARD).then_intents(*both)
    given(paper(), wrong, correction(wrong, death("2025-02-01"))).when(CARD).then_intents(both[0])


def test_a_death_ends_nothing_for_others() -> None:
    """Who is only named in a report of a death goes on hearing about their own papers."""
    inherits = death("2025-01-12", ERLAN, heirs=(AIDA,))
    given(paper(), inherits).when(CARD).then_intents("month 2025-01-21 09:00", "week 2025-02-13 09:00")


def test_a_child_that_died_is_not_spoken_of_to_the_mother() -> None:
    """What a mother would hear about her child ends with the child's death, in any order of arrival."""
    lost = event("civil.died", "2025-02-01", "death", {"deceased": AIDA, "heirs": (SAULE, ERLAN)})
    for facts in ([birth(), lost], [lost, birth()]):
        given(*facts, to=SAULE).when(FOR_MOTHER).then_intents("soon 2025-01-11 00:00")
    given(birth(), to=SAULE).when(FOR_MOTHER).then_intents("soon 2025-01-11 00:00", "later 2025-03-11 00:00")


@pytest.mark.parametrize(("dead", "mourned"), [(AIDA, True), (SAULE, True), (ERLAN, False)])
def test_what_was_due_before_a_death_is_mourned(dead: str, mourned: bool) -> None:  # noqa: FBT001
    """What the mother's plan still has of her child goes to nobody once the child has died, or she has."""
    lost = event("civil.died", "2025-01-12", "death", {"deceased": dead, "heirs": (SAULE, ERLAN)})
    planned = given(birth(), lost, to=SAULE).when(FOR_MOTHER)
    trigger = planned.book.version(planned.intents[0].version).trigger
    assert Deaths(planned.history, planned.book).is_mourned(birth(), trigger) is mourned
    assert not Deaths(given(birth(), to=SAULE).history, planned.book).is_mourned(birth(), trigger)


def test_heirs_are_told_of_the_dead() -> None:
    """What a death itself has to say to the heirs goes, unless the heir has died."""
    left, own = death("2025-01-10", ERLAN, heirs=(AIDA,)), death("2025-01-19", event_id="d2")
    planned = given(left).when(FOR_HEIRS)
    trigger = planned.book.version(planned.only.version).trigger
    assert not Deaths(planned.history, planned.book).is_mourned(left, trigger)
    assert Deaths(given(left, own).history, planned.book).is_mourned(left, trigger)


def test_the_fathers_death_does_not_end_what_the_mother_hears() -> None:
    """Only the death of the one whom the event is about ends it."""
    widow = death("2025-01-12", ERLAN, heirs=(SAULE,))
    given(birth(), widow, to=SAULE).when(FOR_MOTHER).then_intents("soon 2025-01-11 00:00", "later 2025-03-11 00:00")


def test_the_mothers_death_ends_what_she_would_hear() -> None:
    """A trigger to the mother is hers, although the event is about the child."""
    given(birth(), death("2025-01-12", SAULE), to=SAULE).when(FOR_MOTHER).then_intents("soon 2025-01-11 00:00")


def test_heirs_are_told_after_the_death() -> None:
    """A death starts the triggers for heirs, and ends them only for an heir who died too."""
    left = death("2025-01-10", ERLAN, heirs=(AIDA, SAULE))
    given(left).when(FOR_HEIRS).then_intents("heritage 2025-01-20 00:00")
    given(left, death("2025-01-19", event_id="d2")).when(FOR_HEIRS).then_nothing()
    given(left, to=ERLAN).when(FOR_HEIRS).then_nothing()


def test_a_trigger_for_others_than_heirs_does_not_start_on_a_death() -> None:
    """The deceased are told nothing about their own death."""
    given(death("2025-01-10")).when(rules("civil.died", {"sorry": {"offset": "P1D"}})).then_nothing()


def test_one_occurrence_is_what_its_fields_say() -> None:
    """Two reports about one number are one occurrence, and the later one speaks."""
    by_number = {**CARD, "occurrence": "event.number"}
    first, second = paper("2025-02-20"), paper("2025-06-20", time="2025-01-12", event_id="second")
    for facts in ([first, second], [second, first]):
        planned = given(*facts).when(by_number).then_intents("month 2025-05-21 09:00", "week 2025-06-13 09:00")
        assert {intent.cause for intent in planned.intents} == {second.stream}


def test_what_the_later_event_asks_for_is_not_needless() -> None:
    """When the first report of a thing was already done with and the second is not, the nudge is only planned."""
    unless = [{"on": "paper.renewed", "when": "later.time > event.time"}]
    by_number = rules("paper.issued", {"month": before(30)}, occurrence="event.number", unless=unless)
    first, second = paper(), paper(time="2025-01-15", event_id="second")
    assert len(given(first, renewed("2025-01-12")).when(by_number).then_nothing().plan.needless) == 1
    planned = given(first, renewed("2025-01-12"), second).when(by_number).then_intents("month 2025-01-21 09:00")
    assert planned.plan.needless == frozenset()


def test_without_fields_each_event_is_an_occurrence() -> None:
    """Two papers with one number are still two papers, unless the trigger says otherwise."""
    second = paper("2025-06-20", time="2025-01-12", event_id="second")
    assert len(given(paper(), second).when(CARD).intents) == 4


@pytest.mark.parametrize(
    ("fields", "occurrences"),
    [
        ("event.number", 2),
        (["event.number", "event.kind"], 3),
        (["event.kind"], 2),
        ("event.holder", 1),
    ],
)
def test_several_fields_make_an_occurrence_together(fields: str | list[str], occurrences: int) -> None:
    """An occurrence is the combination of its fields."""
    papers = [
        paper(event_id="a", number="1", kind="card"),
        paper(event_id="b", number="1", kind="passport"),
        paper(event_id="c", number="2", kind="card"),
        paper(event_id="d", number="2", kind="card"),
    ]
    planned = given(*papers).when(rules("paper.issued", {"now": None}, occurrence=fields))
    assert len({intent.occurrence for intent in planned.intents}) == len(planned.intents) == occurrences


def test_an_occurrence_that_nobody_reported_is_none() -> None:
    """Without the field that says what it is about there is no nudge."""
    both = rules("paper.issued", {"now": None}, occurrence=["event.number", "event.kind"])
    given(paper()).when(both).then_nothing()


def test_triggers_share_no_occurrence() -> None:
    """Two triggers about one paper have nothing in common; one trigger on two types of events has."""
    card = {**CARD, "occurrence": "event.number"}
    thanks = rules("paper.renewed", {"now": None}, occurrence="event.number")
    about = given(paper()).when(card).intents[0].occurrence
    assert given(renewed("2025-01-15")).when(published(thanks, name="card")).only.occurrence == about
    assert given(renewed("2025-01-15")).when(published(thanks, name="thanks")).only.occurrence != about
