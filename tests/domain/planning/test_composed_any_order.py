"""Whatever needs several events keeps the promise of all: any order, any repetition, any correction."""

from datetime import timedelta

import msgspec
from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.persons.history import history_of
from domain.planning.plan import Intent, whole_plan
from tests.domain.given import NudgeLog, given, modest, published, rulebook, rules
from tests.domain.world import AIDA, CATALOGUE, NAMES, annulment, at, correction, moved, paper, renewed, replied

WITHIN = {"on": "paper.renewed", "within": "P40D", "when": "later.number == event.number"}
OF_N2 = 'event.number == "N2" && later.number == "N2"'
CONTENTS = {
    "together": rules("paper.issued", {"now": {}, "week": {"offset": "P7D"}}, **{"with": [WITHIN]}),
    "sequence": rules(
        "person.moved",
        {"now": {}},
        in_order=True,
        occurrence="person",
        **{"with": [{"on": "paper.issued", "within": "P60D"}, {"on": "paper.renewed", "within": "P60D"}]},
    ),
    "counted": rules("paper.issued", {"now": {}}, when='event.number == "N1"', count={"nth": 2, "within": "P30D"}),
    "asked": rules(
        "paper.issued",
        {"ask": {"repeat": {"every": "P1M", "at_most": 4, "until": "answered"}}},
        occurrence="event.number",
        unless=[{"on": "paper.renewed", "when": OF_N2, "grace": "P1D"}],
    ),
    "rolled": rules("person.moved", {"now": {"working_days": 3, "repeat": {"every": "P5D", "at_most": 3}}}),
}
VERSIONS = [published(content, name=name) for name, content in CONTENTS.items()]
BOOK = rulebook(*VERSIONS)

FIRST, SECOND = paper(time="2025-01-10"), paper(time="2025-01-20", event_id="second")
OTHER = paper(time="2025-02-25", event_id="other", number="N2")
DONE, MOVE = renewed("2025-02-10"), moved("2025-01-15", "75", "move")
ASKED = next(one.id for one in given(FIRST).when_book(BOOK).intents if one.trigger == "asked")
ANSWER = replied("2025-03-01", ASKED)
ORIGINALS = [
    FIRST,
    SECOND,
    OTHER,
    DONE,
    MOVE,
    moved("2025-03-01", "10", "again"),
    ANSWER,
    renewed("2025-03-05", "N2", "r"),
]
CHANGES = [
    correction(FIRST, paper(time="2025-02-01")),
    correction(SECOND, paper(time="2025-01-20", number="N2")),
    annulment(SECOND, 3),
    correction(DONE, renewed("2025-01-05")),
    annulment(DONE, 3),
    correction(DONE, DONE, 4),
    correction(MOVE, moved("2025-02-05", "75", "move")),
    annulment(ANSWER),
    correction(OTHER, paper(time="2025-02-02")),
]
RECORDED = st.lists(st.sampled_from(ORIGINALS + CHANGES), max_size=14)
LOADED = replace(SECOND, ahead_from=at("2025-02-20"))


def _as_bytes(recorded: list[LifeEvent]) -> bytes:
    plan = whole_plan(history_of(AIDA, recorded, CATALOGUE), BOOK)
    return msgspec.json.encode((plan.intents, sorted(id_.hex for id_ in plan.needless)))


@modest
@examples(RECORDED.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))), st.integers(0, 5))
def test_any_order_and_any_repetition(arrivals: tuple[list[LifeEvent], list[LifeEvent]], repeated: int) -> None:
    """However the facts arrive, and however often, the intents are the same to the byte."""
    recorded, order = arrivals
    again = recorded[:repeated]
    assert _as_bytes([*again, *order, *again]) == _as_bytes(recorded)
    assert _as_bytes([*order, LOADED, SECOND]) == _as_bytes([SECOND, LOADED, *recorded])


def test_the_examples_start_every_trigger() -> None:
    """The examples of these properties are not empty: every trigger speaks in them, and answers end something."""
    plan = given(*ORIGINALS).when_book(BOOK).plan
    assert {intent.trigger for intent in plan.intents} == set(CONTENTS)
    assert len(given(*[one for one in ORIGINALS if one is not ANSWER]).when_book(BOOK).intents) > len(plan.intents)


@modest
@examples(st.sets(st.sampled_from(range(len(CHANGES)))))
def test_corrections_lead_to_the_state_of_the_corrected_history(chosen: set[int]) -> None:
    """With corrections the plan is that of a history in which the registries were right from the start."""
    changes = [CHANGES[number] for number in sorted(chosen)]
    assert _without_causes(ORIGINALS + changes) == _without_causes(list(filter(None, _corrected(changes))))


def _corrected(changes: list[LifeEvent]) -> list[LifeEvent | None]:
    def right(original: LifeEvent) -> LifeEvent | None:
        about = [change for change in changes if change.corrects == original.id]
        if not about:
            return original
        last = max(about, key=lambda change: change.revision)
        return (
            None if last.annuls else replace(last, id=original.id, stream=original.stream, corrects=None, revision=1)
        )

    return [right(original) for original in ORIGINALS]


def _without_causes(recorded: list[LifeEvent]) -> list[Intent]:
    nobody = Names(b"").stream("", "")
    return [replace(intent, cause=nobody) for intent in given(*recorded).when_book(BOOK).plan.intents]


@modest
@examples(st.lists(RECORDED, min_size=1, max_size=5))
def test_the_last_plan_holds(histories: list[list[LifeEvent]]) -> None:
    """Whatever was planned before, what is pending in the end is the plan of the last history."""
    desk = NudgeLog()
    for day, recorded in enumerate(histories):
        planned = given(*recorded).when_book(BOOK)
        desk.follow(planned, at("2025-01-10") + timedelta(days=10 * day))
        assert desk.pending == list(planned.plan.intents)
        assert desk.follow(planned, at("2025-12-01")) == []


@modest
@examples(RECORDED)
def test_a_plan_up_to_a_moment_has_all_that_is_due_by_then(recorded: list[LifeEvent]) -> None:
    """A plan that leaves out what is due later is the whole plan as far as it goes."""
    history = history_of(AIDA, recorded, CATALOGUE)
    whole = set(whole_plan(history, BOOK).intents)
    for moment in {intent.due for intent in whole}:
        early = set(whole_plan(history, BOOK, before=moment).intents)
        assert {intent for intent in whole if intent.due < moment} <= early <= whole


def test_a_step_that_is_due_later_is_left_out() -> None:
    """The message of the week after is not planned up to the day after."""
    steps = [
        {
            intent.step
            for intent in whole_plan(history_of(AIDA, [FIRST, DONE], CATALOGUE), BOOK, before=before).intents
        }
        for before in (None, at("2025-02-11"))
    ]
    assert steps[0] - steps[1] == {"week"}


def test_ids_say_nothing_about_what_is_due() -> None:
    """A nudge's id depends on the trigger, the person, the occurrence and the step alone."""
    for intent in given(*ORIGINALS).when_book(BOOK).intents:
        assert intent.id == NAMES.nudge(intent.trigger, AIDA, intent.occurrence, intent.step)
