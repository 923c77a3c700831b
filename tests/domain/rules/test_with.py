"""Several events together: a trigger starts where all that it needs is there, in whatever order it became known."""

from itertools import permutations, product

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.core.events import Effective, LifeEvent
from domain.rules.errors import BadTrigger
from domain.rules.joint_events import completing_events
from domain.rules.trigger_compiling import compile_trigger
from tests.domain.given import NudgeLog, given, modest, rules
from tests.domain.world import (
    AIDA,
    CATALOGUE,
    annulment,
    at,
    birth,
    correction,
    event,
    local,
    moved,
    paper,
    registered,
    renewed,
)

MOVE = {"on": "person.moved", "within": "P90D"}
BIRTH_AND_MOVE = rules("civil.born", {"welcome": {}}, to="child", **{"with": [MOVE]}, occurrence="person")
BORN = birth(time="2025-03-01")
STARTED = "welcome 2025-03-01 00:00"


def queued(time: str, event_id: str = "queued") -> LifeEvent:
    """Aida queues for a school."""
    return event("school.queued", time, event_id, {"child": AIDA})


def papers(*entries: dict[str, object], **more: object) -> dict[str, object]:
    """A trigger on a paper that needs these others."""
    return rules("paper.issued", {"now": {}}, **{"with": list(entries)}, **more)


@pytest.mark.parametrize(
    ("time", "hears"),
    [
        ("2025-02-20", [STARTED]),
        ("2025-04-20", ["welcome 2025-04-20 00:00"]),
        ("2024-12-01", [STARTED]),
        ("2024-11-30 23:59", []),  # 90 days before, and a minute more
        ("2025-05-30", ["welcome 2025-05-30 00:00"]),
        ("2025-05-30 00:01", []),
    ],
)
def test_both_within_the_time_start_it(time: str, hears: list[str]) -> None:
    """Birth and move within 90 days, either first: told when the later one happened, whichever became known first."""
    for facts in permutations([BORN, moved(time, "75", "m")]):
        given(*facts).when(BIRTH_AND_MOVE).then_intents(*hears)


def test_one_of_them_is_not_enough() -> None:
    """Without the other event nothing starts, and an event is never the other one of itself."""
    given(BORN).when(BIRTH_AND_MOVE).then_nothing()
    given(moved("2025-03-02", "75", "m")).when(BIRTH_AND_MOVE).then_nothing()
    twice = papers({"on": "paper.issued", "within": "P1Y"})
    given(paper()).when(twice).then_nothing()
    given(paper(), paper(event_id="b", time="2025-02-01")).when(twice).then_intents(
        "now 2025-02-01 00:00", "now 2025-02-01 00:00"
    )


@pytest.mark.parametrize(
    ("order", "before", "after"), [("any", True, True), ("before", True, False), ("after", False, True)]
)
def test_the_order_is_relative_to_the_event_of_the_trigger(order: str, before: bool, after: bool) -> None:  # noqa: FBT001  (a table)
    """`before` and `after` say on which side of the trigger's own event the other one happened."""
    ordered = papers({"on": "paper.renewed", "within": "P30D", "order": order})
    for time, hears in (("2025-01-09", before), ("2025-01-11", after)):
        assert bool(given(paper(), renewed(time)).when(ordered).intents) == hears


def test_of_one_moment_the_history_says_what_was_before() -> None:
    """Two events of one moment have the order of the history (source, id), so exactly one side sees the other."""
    simultaneous = [paper(), renewed("2025-01-10")]
    heard = [
        bool(given(*facts).when(papers({"on": "paper.renewed", "within": "P1D", "order": order})).intents)
        for order in ("before", "after")
        for facts in permutations(simultaneous)
    ]
    assert heard == [False, False, True, True]  # "paper" comes before "renewed"


def test_a_condition_reads_both_events() -> None:
    """`when` of an entry compares the trigger's event with the other one; a missing value is no match."""
    same = papers({"on": "paper.renewed", "within": "P30D", "when": "later.number == event.number"})
    given(paper(), renewed("2025-01-12")).when(same).then_intents("now 2025-01-12 00:00")
    given(paper(), renewed("2025-01-12", "N2")).when(same).then_nothing()
    silent = event("paper.renewed", "2025-01-12", "renewed", {"holder": AIDA})
    given(paper(), silent).when(same).then_nothing()


def test_the_earliest_completes() -> None:
    """Of several that would do, the one that completes earliest counts, so a later one changes nothing."""
    moves = [moved("2025-03-10", "75", "a"), moved("2025-03-20", "76", "b"), moved("2025-04-10", "77", "c")]
    for facts in permutations([BORN, *moves]):
        given(*facts).when(BIRTH_AND_MOVE).then_intents("welcome 2025-03-10 00:00")
    given(BORN, *moves, moved("2025-02-10", "70", "z")).when(BIRTH_AND_MOVE).then_intents(STARTED)


def test_dates_may_be_counted_from_either() -> None:
    """`complete.time` is the default source; the event's own time and dates are there too."""
    due = {"own": {"from": "event.time"}, "all": {"offset": "P1D", "at": "09:00"}, "said": {"from": "complete.time"}}
    trigger = rules("civil.born", due, to="child", **{"with": [MOVE]})
    given(BORN, moved("2025-03-10", "75", "m")).when(trigger).then_intents(
        "own 2025-03-01 00:00", "said 2025-03-10 00:00", "all 2025-03-11 09:00"
    )


def test_no_event_stands_for_two_entries() -> None:
    """Two entries need two events, and an event is given to the entry that no other can meet."""
    any_move, to_75 = MOVE, {**MOVE, "when": 'later.area == "75"'}
    both = rules("civil.born", {"now": {}}, to="child", **{"with": [any_move, to_75]})
    given(BORN, moved("2025-03-05", "75", "a")).when(both).then_nothing()
    for facts in permutations([BORN, moved("2025-03-05", "75", "a"), moved("2025-03-09", "10", "b")]):
        given(*facts).when(both).then_intents("now 2025-03-09 00:00")


@pytest.mark.parametrize(
    ("times", "hears"),
    [
        (("2025-03-02", "2025-03-03"), ["now 2025-03-03 00:00"]),
        (("2025-03-03", "2025-03-02"), []),
        (("2025-02-02", "2025-02-03"), ["now 2025-03-01 00:00"]),
        (("2025-02-02", "2025-03-03"), ["now 2025-03-03 00:00"]),
    ],
)
def test_a_sequence_happened_in_its_order(times: tuple[str, str], hears: list[str]) -> None:
    """With `in_order` the entries happened one after another, as they are listed."""
    sequence = rules(
        "civil.born",
        {"now": {}},
        to="child",
        in_order=True,
        **{"with": [MOVE, {"on": "school.queued", "within": "P90D"}]},
    )
    for facts in permutations([BORN, moved(times[0], "75", "m"), queued(times[1])]):
        given(*facts).when(sequence).then_intents(*hears)


def test_a_sequence_takes_each_as_early_as_it_can() -> None:
    """A move that came too late for the sequence does not hide an earlier one."""
    sequence = rules(
        "civil.born",
        {"now": {}},
        to="child",
        in_order=True,
        **{"with": [MOVE, {"on": "school.queued", "within": "P90D"}, MOVE]},
    )
    facts = [BORN, moved("2025-03-02", "1", "a"), moved("2025-03-04", "2", "b"), queued("2025-03-03")]
    given(*facts).when(sequence).then_intents("now 2025-03-04 00:00")
    given(*facts[:2], *facts[3:]).when(sequence).then_nothing()


def test_once_a_person() -> None:
    """With `occurrence: person` the first event speaks, and later ones don't put off what it says."""
    on_move = rules("person.moved", {"now": {"offset": "P3D"}}, occurrence="person")
    first, second = moved("2025-03-02", "1", "a"), moved("2025-03-04", "2", "b")
    for facts in permutations([first, second]):
        planned = given(*facts).when(on_move).then_intents("now 2025-03-05 00:00")
        assert planned.only.id == given(second).when(on_move).only.id


def test_once_a_person_the_next_speaks_where_the_first_has_nothing_to_say() -> None:
    """An event whose messages were all prevented leaves the word to the next one."""
    unless = [{"on": "school.queued", "when": 'later.time > event.time && event.area == "1"'}]
    on_move = rules("person.moved", {"now": {"offset": "P9D"}}, occurrence="person", unless=unless)
    facts = [moved("2025-03-02", "1", "a"), moved("2025-03-04", "2", "b"), queued("2025-03-03")]
    planned = given(*facts).when(on_move).then_intents("now 2025-03-13 00:00")
    assert planned.plan.needless == frozenset()


def test_a_load_of_the_other_event_looks_ahead_too() -> None:
    """An event loaded historically completes nothing that was due before its load looks ahead from."""
    old = replace(moved("2025-03-10", "75", "m"), ahead_from=at("2025-06-01"))
    planned = given(BORN, old).when(BIRTH_AND_MOVE).then_nothing()
    assert len(planned.plan.needless) == 1


def test_what_is_no_longer_so_is_taken_back() -> None:
    """A correction or annulment of the other event moves, cancels or puts right what it completed."""
    move = moved("2025-03-10", "75", "m")
    desk = NudgeLog()
    assert desk.follow(given(BORN, move).when(BIRTH_AND_MOVE), "2025-03-02") == ["planned welcome"]
    later = correction(move, moved("2025-03-15", "75", "m"))
    assert desk.follow(given(BORN, move, later).when(BIRTH_AND_MOVE), "2025-03-03") == ["rescheduled welcome"]
    assert local(desk.of("welcome").intent.due) == "2025-03-15 00:00"
    gone = annulment(move, 3)
    assert desk.follow(given(BORN, move, later, gone).when(BIRTH_AND_MOVE), "2025-03-04") == ["cancelled welcome"]


@pytest.mark.parametrize(
    ("more", "path", "problem"),
    [
        ({"with": [{"on": "weather.storm", "within": "P1D"}]}, ("with", 0, "on"), "is about an area"),
        ({"with": [{"on": "nothing", "within": "P1D"}]}, ("with", 0, "on"), "no event type"),
        ({"with": [{**MOVE, "when": "later.nothing == 1"}]}, ("with", 0, "when"), "later.nothing"),
        ({"with": [MOVE], "in_order": True}, ("in_order",), "two entries"),
        ({"due": {"now": {"from": "complete.time"}}}, ("due", "now", "from"), "this trigger has none"),
        ({"occurrence": ["person", "event.number"]}, ("occurrence",), "stands alone"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict[str, object], path: tuple[str | int, ...], problem: str) -> None:
    """A wrong entry is named by its path, with what is wrong."""
    with pytest.raises(BadTrigger) as bad:
        compile_trigger("card", {**rules("paper.issued", {"now": {}}), **more}, CATALOGUE)
    assert bad.value.path == path
    assert problem in bad.value.problem


FACTS = [
    Effective(moved(f"2025-03-{day:02} 00:00", "1", f"{day}-{number}"), f"{day}-{number}")
    for day in (1, 2, 3)
    for number in (1, 2)
]
CANDIDATES = st.lists(
    st.sets(st.integers(0, 5)).map(lambda chosen: [FACTS[at_] for at_ in sorted(chosen)]), min_size=1, max_size=4
)


def _by_force(candidates: list[list[Effective]], *, in_order: bool) -> tuple[object, ...] | None:
    """The order of the last event, of the choice in which it is earliest: all choices are tried."""
    choices = [
        [fact.order for fact in choice]
        for choice in product(*candidates)
        if len({fact.order for fact in choice}) == len(choice)
    ]
    return min((max(choice) for choice in choices if not in_order or choice == sorted(choice)), default=None)


@modest
@examples(CANDIDATES, st.booleans())
def test_nothing_completes_earlier_than_what_is_chosen(candidates: list[list[Effective]], in_order: bool) -> None:  # noqa: FBT001
    """The choice is complete as early as any can be, and each of its events meets an entry of its own."""
    found = completing_events(candidates, in_order=in_order)
    assert (None if found is None else max(fact.order for fact in found)) == _by_force(candidates, in_order=in_order)
    assert found is None or len({fact.order for fact in found}) == len(candidates)


def test_at_the_ends_of_the_calendar_everything_is_within() -> None:
    """A window that would reach beyond the calendar ends there."""
    first, last = paper(None, time="0001-02-01"), renewed("9999-11-30")
    trigger = papers({"on": "paper.renewed", "within": "P200Y"})
    assert given(first, registered(), renewed("0001-03-01")).when(trigger).plan.intents == ()  # before every reach
    planned = given(paper(None, time="9999-11-01"), last).when(trigger)
    assert [local(intent.due) for intent in planned.intents] == ["9999-11-30 00:00"]
