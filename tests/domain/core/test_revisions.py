from datetime import datetime

import msgspec
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.core.events import LifeEvent, earliest_load, effective
from domain.persons.history import history_of
from domain.planning.plan import whole_plan
from tests.domain.given import before, given, modest, rulebook, rules
from tests.domain.world import AIDA, CATALOGUE, annulment, at, correction, paper, renewed

CARD = rules(
    "paper.issued",
    {"month": before(30), "week": before(7)},
    occurrence="event.number",
    unless=[{"on": "paper.renewed", "when": "later.number == event.number"}],
)
CARDS = rulebook(CARD)
FIRST, OTHER = paper("2025-02-20"), paper("2025-05-20", event_id="other", number="N2")
RECORDED = [
    FIRST,
    OTHER,
    correction(FIRST, paper("2025-03-20"), 2),
    correction(FIRST, paper("2025-04-20", time="2025-01-09"), 4),
    correction(FIRST, paper("2025-04-21"), 4, "paper.4-again"),
    annulment(OTHER, 3),
    correction(OTHER, paper("2025-06-20", number="N2"), 5),
    correction(paper(event_id="never seen"), paper("2025-07-20"), 2),
    renewed("2025-03-30"),
    replace(FIRST, ahead_from=at("2025-03-01")),
]
ANY_ARRIVAL = st.permutations(RECORDED + RECORDED[:4]).flatmap(
    lambda order: st.lists(st.sampled_from(RECORDED), max_size=6).map(lambda more: [*order, *more])
)


def _as_bytes(recorded: list[LifeEvent]) -> bytes:
    plan = whole_plan(history_of(AIDA, recorded, CATALOGUE), CARDS)
    return msgspec.json.encode((plan.intents, sorted(id_.hex for id_ in plan.needless)))


@modest
@examples(ANY_ARRIVAL)
def test_any_order_and_any_repetition_give_the_same_plan(arrived: list[LifeEvent]) -> None:
    """However the facts arrive, and however often, the intents are the same to the byte."""
    assert _as_bytes(arrived) == _as_bytes(RECORDED)


@modest
@examples(st.permutations(RECORDED[:-1]), st.lists(st.sampled_from(RECORDED[:-1]), max_size=6))
def test_any_order_and_any_repetition_count_the_same(order: list[LifeEvent], again: list[LifeEvent]) -> None:
    """What counts of the recorded events does not depend on how they arrived."""
    assert effective([*order, *again]) == effective(RECORDED[:-1])


def test_the_mixed_example_counts_what_it_should() -> None:
    """The example of the properties above is not empty: the highest revision of each event counts."""
    found = [(one.event.time, one.original_id, one.event.revision) for one in effective(RECORDED)]
    assert found == [
        (at("2025-01-10"), "other", 5),
        (at("2025-01-10"), "paper", 4),
        (at("2025-03-30"), "renewed", 1),
    ]


def test_the_highest_revision_counts_whatever_came_last() -> None:
    """A lower revision that arrives later changes nothing, and numbers may be left out."""
    second, ninth = correction(FIRST, paper("2025-03-20"), 2), correction(FIRST, paper("2025-04-20"), 9)
    given(FIRST, ninth, second).when(CARD).then_intents("month 2025-03-21 09:00", "week 2025-04-13 09:00")


@pytest.mark.parametrize("order", [0, 1])
def test_of_one_number_the_greater_id_counts(order: int) -> None:
    """Two revisions with one number: the greater id counts, in either order of arrival."""
    tied = [correction(FIRST, paper("2025-03-20"), 2, "a"), correction(FIRST, paper("2025-04-20"), 2, "b")]
    (counting,) = effective([FIRST, *(tied if order else tied[::-1])])
    assert counting.event.id == "b"


def test_a_correction_waits_for_its_original() -> None:
    """A correction says nothing before its original came, and counts as soon as it did."""
    corrected = correction(FIRST, paper("2025-03-20"))
    given(corrected).when(CARD).then_nothing()
    given(corrected, FIRST).when(CARD).then_intents("month 2025-02-18 09:00", "week 2025-03-13 09:00")


def test_corrections_of_what_never_came_wait_together() -> None:
    """However many revisions there are, none counts without the original."""
    assert effective([correction(FIRST, FIRST, 2), correction(FIRST, FIRST, 3)]) == []


@pytest.mark.parametrize(
    "taken_back",
    [
        correction(FIRST, paper("2025-03-20")),
        annulment(FIRST),
        annulment(FIRST, 9),
    ],
)
def test_only_the_same_source_corrects(taken_back: LifeEvent) -> None:
    """What another source says about an id of its own does not touch ours."""
    foreign = replace(taken_back, source="another registry")
    assert [one.event for one in effective([FIRST, foreign])] == [FIRST]


def test_the_same_id_of_two_sources_is_two_events() -> None:
    """An id means something only within its source."""
    assert len(effective([FIRST, replace(FIRST, source="another registry")])) == 2


def test_annulled_is_out() -> None:
    """What the registry took back is not part of the history."""
    planned = given(FIRST, annulment(FIRST)).when(CARD).then_nothing()
    assert planned.history.facts == ()


def test_an_annulment_that_comes_first_still_annuls() -> None:
    """An event that was annulled before it arrived never counts."""
    given(annulment(FIRST), FIRST).when(CARD).then_nothing()


def test_a_later_revision_counts_again() -> None:
    """An annulment is a revision like any other: a higher one brings the event back."""
    again = correction(FIRST, paper("2025-03-20"), 3)
    given(FIRST, annulment(FIRST), again).when(CARD).then_intents("month 2025-02-18 09:00", "week 2025-03-13 09:00")


def test_an_annulled_prevention_prevents_nothing() -> None:
    """When the renewal is taken back, the reminders are due again."""
    done = renewed("2025-01-15")
    given(FIRST, done).when(CARD).then_nothing()
    given(FIRST, done, annulment(done)).when(CARD).then_intents("month 2025-01-21 09:00", "week 2025-02-13 09:00")


def test_a_history_is_ordered_by_time_then_source_then_id() -> None:
    """The order of a history is that of the events' own times; ties are settled by source and original id."""
    late = paper(time="2025-01-02", event_id="a")
    tied = paper(time="2025-01-01", event_id="c")
    foreign = replace(paper(time="2025-01-01", event_id="a"), source="zags")
    early = correction(paper(time="2025-01-03", event_id="b"), paper(time="2025-01-01", event_id="b"), 2, "z")
    found = effective([late, tied, foreign, paper(time="2025-01-03", event_id="b"), early])
    assert [(one.event.source, one.original_id) for one in found] == [
        ("registry", "b"),
        ("registry", "c"),
        ("zags", "a"),
        ("registry", "a"),
    ]


@pytest.mark.parametrize(
    ("loads", "counts"),
    [
        ([None], None),
        (["2025-03-01"], "2025-03-01"),
        (["2025-03-01", "2025-02-01"], "2025-02-01"),
        (["2025-03-01", None], None),
        ([None, "2025-03-01"], None),
        (["2025-02-01", None, "2025-03-01"], None),
    ],
)
def test_the_earliest_load_counts(loads: list[str | None], counts: str | None) -> None:
    """Of several historical loads the earliest counts, and an event that also came live has none."""
    events = [replace(FIRST, ahead_from=_moment(load)) for load in loads]
    assert earliest_load(events) == _moment(counts)
    assert [one.ahead_from for one in effective(events)] == [_moment(counts)]


def test_the_load_of_a_correction_does_not_count() -> None:
    """A live event that a historical load corrects stays live, and a loaded one corrected live stays loaded."""
    corrected = correction(FIRST, paper("2025-03-20"))
    loaded = replace(corrected, ahead_from=at("2026-01-01"))
    given(FIRST, loaded).when(CARD).then_intents("month 2025-02-18 09:00", "week 2025-03-13 09:00")
    given(replace(FIRST, ahead_from=at("2026-01-01")), corrected).when(CARD).then_nothing()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else at(text)


@modest
@examples(
    st.lists(st.sampled_from([*RECORDED, correction(FIRST, renewed("2025-03-30"), 6), annulment(FIRST, 7)])),
    st.sets(st.sampled_from(["paper.issued", "paper.renewed"])),
)
def test_events_of_some_types_count_as_they_do_among_all(arrived: list[LifeEvent], types: set[str]) -> None:
    """Whoever reads only some types loses no revision of theirs, for a revision has the type of its original."""
    some = effective([each for each in arrived if each.type in types])
    assert some == [one for one in effective(arrived) if one.event.type in types]
