import pytest

from domain.core.events import LifeEvent
from tests.domain.given import given, published, rules
from tests.domain.world import AIDA, ERLAN, GULNAR, SAULE, annulment, birth, correction, event, paper

FOR_CHILD = published(rules("civil.born", {"child": {"offset": "P1D"}}), name="child")
FOR_MOTHER = published(rules("civil.born", {"mother": {"offset": "P2D"}}, to="mother"), name="mother")
FOR_PARENTS = published(rules("civil.born", {"parents": {"offset": "P3D"}}, to=["mother", "father"]), name="parents")
FOR_ALL = (FOR_CHILD, FOR_MOTHER, FOR_PARENTS)
BORN = birth()


@pytest.mark.parametrize(
    ("person", "hears"),
    [
        (AIDA, ["child 2025-01-11 00:00"]),
        (SAULE, ["mother 2025-01-12 00:00", "parents 2025-01-13 00:00"]),
        (ERLAN, ["parents 2025-01-13 00:00"]),
        (GULNAR, []),
    ],
)
def test_one_event_speaks_to_each_by_their_role(person: str, hears: list[str]) -> None:
    """A birth names three persons, and each hears what is for their role."""
    given(BORN, to=person).when(*FOR_ALL).then_intents(*hears)


def test_nobody_shares_an_occurrence() -> None:
    """The same trigger, about the same birth, is another nudge for each parent."""
    ids = {given(BORN, to=person).when(FOR_PARENTS).only.id for person in (SAULE, ERLAN)}
    assert len(ids) == 2


def test_a_role_of_several_persons_speaks_to_each() -> None:
    """Where a role names several, every one of them is told."""
    queued = event("school.queued", "2025-01-10", "queue", {"child": AIDA, "parents": (SAULE, ERLAN)})
    for person in (SAULE, ERLAN):
        given(queued, to=person).when(rules("school.queued", {"hint": None}, to="parents")).then_intents(
            "hint 2025-01-10 00:00"
        )


def test_one_person_in_two_of_the_roles_hears_once() -> None:
    """Who plays two of the roles that a trigger is to is one person with one nudge."""
    given(birth(father=SAULE), to=SAULE).when(FOR_PARENTS).then_intents("parents 2025-01-13 00:00")


def test_what_sets_attributes_sets_them_on_their_role_only() -> None:
    """The birth date is the child's: a condition on the mother's age is not about it."""
    baby = rules("civil.born", {"hint": None}, to=["child", "mother"], when="citizen.age == 0")
    given(BORN, to=AIDA).when(baby).then_intents("hint 2025-01-10 00:00")
    given(BORN, to=SAULE).when(baby).then_nothing()


@pytest.mark.parametrize(
    "arrived",
    [
        [BORN, correction(BORN, birth(mother=GULNAR))],
        [correction(BORN, birth(mother=GULNAR)), BORN],
    ],
)
def test_a_revision_that_names_another_mother_moves_the_nudge(arrived: list[LifeEvent]) -> None:
    """The mother named by mistake hears nothing any more, and the right one hears it."""
    given(*arrived, to=SAULE).when(*FOR_ALL).then_nothing()
    given(*arrived, to=GULNAR).when(FOR_MOTHER).then_intents("mother 2025-01-12 00:00")
    given(*arrived, to=ERLAN).when(*FOR_ALL).then_intents("parents 2025-01-13 00:00")


def test_an_event_that_no_longer_names_somebody_is_not_in_their_history() -> None:
    """Neither is what it prevented or set: the event is about other people."""
    assert given(BORN, correction(BORN, birth(mother=GULNAR)), to=SAULE).history.facts == ()
    assert len(given(BORN, to=SAULE).history.facts) == 1


def test_an_annulled_birth_is_out_for_all_three() -> None:
    """What is taken back is taken back for everybody whom it named."""
    for person in (AIDA, SAULE, ERLAN):
        given(BORN, annulment(BORN), to=person).when(*FOR_ALL).then_nothing()


def test_a_condition_reads_who_plays_a_role() -> None:
    """A condition compares persons by their pseudonyms, and a role that nobody plays is a missing value."""
    when = f'event.mother == "{SAULE}" && event.child != event.father'
    own = rules("civil.born", {"hint": None}, to="child", when=when)
    given(BORN).when(own).then_intents("hint 2025-01-10 00:00")
    fatherless = event("civil.born", "2025-01-10", "birth", {"child": AIDA, "mother": SAULE})
    given(fatherless).when(own).then_nothing()


def test_other_papers_than_those_that_start_a_trigger_are_nothing_to_it() -> None:
    """An event of a type on which no trigger starts has no effect."""
    given(paper()).when(*FOR_ALL).then_nothing()
