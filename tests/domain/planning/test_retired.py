"""Content that can be read no more: what was decided by it stands, and what is still ahead goes on."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.core.events import PUBLIC, LifeEvent
from domain.facts.facts import NudgeAttempted, NudgeExpired, NudgeFact, NudgeSent
from domain.nudges.nudge import Nudge
from domain.persons.history import history_of
from domain.planning.plan import Intent, whole_plan
from tests.domain.given import NudgeLog, before, given, modest, published, rulebook, rules
from tests.domain.world import AIDA, CATALOGUE, annulment, at, correction, paper, renewed

CARD = rules(
    "paper.issued",
    {"month": before(30), "week": before(7)},
    occurrence="event.number",
    correction=True,
    unless=[{"on": "paper.renewed", "when": "later.number == event.number"}],
)
PAPER = paper("2025-02-20", time="2025-01-10")
WHEN = "2025-06-01"
SENT: Sequence[NudgeFact] = (
    NudgeAttempted(at("2025-01-21 09:00"), AIDA, 1, "sms", "fake", at("2025-01-21 09:03")),
    NudgeSent(at("2025-01-21 09:00"), AIDA, 1, "ref"),
)
EXPIRED = NudgeExpired(at("2025-03-21 09:00"), AIDA)


def retired(event: LifeEvent, when: str | datetime = WHEN) -> LifeEvent:
    """The event once its persons' parts can be read no more."""
    moment = at(when) if isinstance(when, str) else when
    fields = {role: part for role, part in event.fields.items() if role == PUBLIC}
    return replace(event, fields=fields, retired=moment)


def _told(*events: LifeEvent) -> NudgeLog:
    """A desk on which the month's nudge was sent and the week's expired."""
    desk = NudgeLog()
    desk.follow(given(*events).when(CARD), "2025-01-10")
    desk.tell("month", *SENT)
    desk.tell("week", EXPIRED)
    return desk


def test_what_was_planned_from_it_stands() -> None:
    """An event whose content is retired is not an annulled one: nothing is cancelled, corrected or planned anew."""
    assert _told(PAPER).follow(given(retired(PAPER)).when(CARD), WHEN) == []


def test_what_still_waits_is_left_as_it_is() -> None:
    """Also what was not sent yet stays on its way, with the moment that it had."""
    desk = NudgeLog()
    desk.follow(given(PAPER).when(CARD), "2025-01-10")
    pending = desk.pending
    assert desk.follow(given(retired(PAPER)).when(CARD), WHEN) == []
    assert desk.pending == pending


def test_nothing_is_planned_from_it() -> None:
    """Nobody can tell any more what it asks for, so a new rule finds nothing in it."""
    given(retired(PAPER)).when(CARD, published(rules("paper.issued", {"now": {}}), name="other")).then_nothing()


def test_an_annulment_of_it_still_counts() -> None:
    """Annulling needs no content: what was sent because of it is put right."""
    gone = annulment(PAPER, 9)
    assert _told(PAPER).follow(given(retired(PAPER), gone).when(CARD), WHEN) == ["planned correction"]


def test_a_readable_correction_of_it_counts() -> None:
    """Of an event only the revision that counts is read: the others may be retired."""
    later = correction(PAPER, paper("2026-02-20", time="2025-05-10"))
    given(retired(PAPER), later).when(CARD).then_intents("month 2026-01-21 09:00", "week 2026-02-13 09:00")


def test_what_an_earlier_revision_led_to_stands() -> None:
    """What was sent by the original is not put right because the correction that counts is retired."""
    later = correction(PAPER, paper("2025-02-24", time="2025-01-10"))
    desk = _told(PAPER)
    desk.follow(given(PAPER, later).when(CARD), "2025-01-12")
    desk.tell("week", EXPIRED)
    assert desk.follow(given(PAPER, retired(later)).when(CARD), WHEN) == []


def test_a_pending_correction_stands() -> None:
    """A correction on its way is not cancelled because nobody can read any more what was wrong."""
    desk = _told(PAPER)
    moved = correction(PAPER, paper("2025-02-20", time="2025-01-10", number="N2"))
    desk.follow(given(PAPER, moved).when(CARD), "2025-01-22")
    assert "correction" in [intent.step for intent in desk.pending]
    assert desk.follow(given(retired(PAPER), retired(moved)).when(CARD), WHEN) == []


def test_what_prevented_a_nudge_goes_on_preventing_it() -> None:
    """What was not sent because it was done is not sent later because nobody can read any more that it was."""
    done = renewed("2025-01-15")
    desk = NudgeLog()
    assert desk.follow(given(PAPER, done).when(CARD), "2025-01-15") == []
    assert desk.follow(given(PAPER, retired(done)).when(CARD), WHEN) == []


def test_what_was_not_prevented_is_not_put_right() -> None:
    """What was sent is right, although something retired may have been the thing itself."""
    done = renewed("2025-01-15", "N7")
    desk = _told(PAPER, done)
    assert desk.follow(given(PAPER, retired(done)).when(CARD), WHEN) == []


def test_without_a_condition_it_prevents_for_ever() -> None:
    """That something happened, and when, stays clear: where no more is asked, it counts as before."""
    card = {**CARD, "unless": [{"on": "paper.renewed"}]}
    planned = given(PAPER, retired(renewed("2025-01-15"))).when(card).then_nothing()
    assert planned.plan.undecided == frozenset()
    assert len(planned.plan.needless) == 2


def test_what_is_due_after_it_was_retired_goes_without_it() -> None:
    """A new paper is spoken of, whatever was renewed so long ago that nobody may read it."""
    new = paper("2026-02-20", time="2026-01-10")
    given(new, retired(renewed("2025-01-15"))).when(CARD).then_intents(
        "month 2026-01-21 09:00", "week 2026-02-13 09:00"
    )


def test_what_was_needed_besides_leaves_it_as_it_is() -> None:
    """Where another event was needed that is retired, nobody can tell whether all was there: nothing changes."""
    both = rules(
        "paper.issued",
        {"month": before(30)},
        correction=True,
        **{
            "with": [{"on": "paper.renewed", "within": "P90D", "when": "later.number == event.number"}],
        },
    )
    done, other = renewed("2025-01-05"), renewed("2025-01-05", "N7", "other")
    desk = NudgeLog()
    desk.follow(given(PAPER, done).when(both), "2025-01-10")
    desk.tell("month", *SENT)
    assert desk.follow(given(PAPER, retired(done)).when(both), WHEN) == []
    given(PAPER, retired(other)).when(both).then_nothing()
    given(PAPER, done, retired(other)).when(both).then_nothing()
    desk.follow(given(PAPER, done, annulment(done)).when(both), "2025-02-01")
    assert [intent.step for intent in desk.pending] == ["correction"]
    assert desk.follow(given(PAPER, done, annulment(done), retired(other)).when(both), WHEN) == []
    long_ago = retired(renewed("2024-01-05"))
    given(PAPER, done, long_ago).when(both).then_intents("month 2025-01-21 09:00")


def test_what_was_counted_leaves_it_as_it_is() -> None:
    """Where events before it counted and are retired, nobody can tell which one it was: nothing changes."""
    third = rules(
        "paper.issued", {"now": {}}, when="event.number == 'N1'", count={"nth": 2, "within": "P30D"}, correction=True
    )
    first, second = (
        paper(None, time="2025-01-02", event_id="first"),
        paper(None, time="2025-01-10", event_id="second"),
    )
    desk = NudgeLog()
    assert desk.follow(given(first, second).when(third), "2025-01-10") == ["planned now"]
    desk.tell("now", *SENT)
    assert desk.follow(given(retired(first), second).when(third), WHEN) == []
    assert desk.follow(given(retired(first), retired(second)).when(third), WHEN) == []
    third_one = paper(None, time="2025-05-10", event_id="third")
    given(retired(first), third_one, paper(None, time="2025-05-11", event_id="fourth")).when(third).then_intents(
        "now 2025-05-11 00:00"
    )


def test_what_is_said_once_is_not_said_again() -> None:
    """Where the first event spoke and is retired, the next one does not speak in its place."""
    once = {**CARD, "occurrence": "person"}
    again = paper("2026-02-20", time="2026-01-10", event_id="again")
    desk = NudgeLog()
    desk.follow(given(PAPER).when(once), "2025-01-10")
    desk.tell("month", *SENT)
    desk.tell("week", EXPIRED)
    assert desk.follow(given(retired(PAPER), again).when(once), "2026-01-10") == []
    assert given(retired(PAPER), again).when(once).intents != [], "of whom nothing was said, the next one speaks"


def test_the_next_event_about_the_same_thing_speaks() -> None:
    """A later report about the same paper is about a new date, and is spoken of although the first is retired."""
    again = paper("2026-02-20", time="2026-01-10", event_id="again")
    desk = NudgeLog()
    desk.follow(given(PAPER).when(CARD), "2025-01-10")
    desk.tell("month", EXPIRED)
    desk.tell("week", EXPIRED)
    assert desk.follow(given(retired(PAPER), again).when(CARD), "2026-01-10") == [
        "rescheduled month",
        "rescheduled week",
    ]


LIMIT = timedelta(days=150)
"""Longer than any paper below is valid, as lint would have it."""
START = at("2025-01-10")
OTHER = paper("2025-04-20", time="2025-01-20", event_id="other", number="N2")
LATE = paper("2025-09-20", time="2025-07-01", event_id="late", number="N3")
DONE, EARLY, THIRD = (
    renewed("2025-02-01"),
    renewed("2025-01-12", "N2", "early"),
    renewed("2025-07-20", "N3", "third"),
)
EVENTS = [
    PAPER,
    OTHER,
    LATE,
    DONE,
    EARLY,
    THIRD,
    annulment(PAPER, 5),
    annulment(EARLY),
    correction(OTHER, paper("2025-05-20", time="2025-01-20", number="N2")),
    correction(LATE, paper("2025-10-20", time="2025-07-01", number="N3")),
    annulment(THIRD),
]
ARRIVALS = st.lists(
    st.tuples(st.lists(st.sampled_from(range(len(EVENTS))), max_size=4), st.booleans()), min_size=2, max_size=14
)


def _read(known: dict[int, datetime | None], now: datetime, *, retiring: bool) -> list[LifeEvent]:
    """The events as they are read: what is over the limit is retired when somebody does so, and from then on."""
    if retiring:
        known.update({at_: now for at_, when in known.items() if when is None and EVENTS[at_].time + LIMIT <= now})
    return [EVENTS[at_] if when is None else retired(EVENTS[at_], when) for at_, when in known.items()]


def _ahead(desk: NudgeLog, now: datetime) -> list[Intent]:
    return [intent for intent in desk.pending if intent.due > now]


def _past(desk: NudgeLog, now: datetime) -> list[Nudge]:
    return [nudge for nudge in desk.nudges.values() if nudge.pending and nudge.intent.due <= now]


@modest
@examples(ARRIVALS)
def test_retiring_in_between_changes_nothing_that_is_ahead(days: list[tuple[list[int], bool]]) -> None:
    """In any order, however often it comes: what is still to be sent is the same as if nothing had been retired."""
    whole, sparing = NudgeLog(), NudgeLog()
    known: dict[int, datetime | None] = {}
    book = rulebook(published(CARD, 1))
    for number, (arrived, retiring) in enumerate(days):
        now = START + timedelta(days=25 * number)
        known = {**dict.fromkeys(arrived), **known}
        for desk, events in ((whole, [EVENTS[each] for each in known]), (sparing, _read(known, now, retiring=False))):
            desk.follow(given(*events).when_book(book), now)
            for nudge in _past(desk, now):
                desk.append(nudge, NudgeExpired(now, AIDA))
        assert _ahead(whole, now) == _ahead(sparing, now)
        ended = dict(sparing.nudges)
        assert sparing.follow(given(*_read(known, now, retiring=retiring)).when_book(book), now) == []
        assert sparing.nudges == ended


@modest
@examples(st.lists(st.sampled_from(EVENTS), max_size=8), st.sets(st.sampled_from(range(len(EVENTS)))))
def test_any_order_and_any_repetition_leave_the_same(events: list[LifeEvent], gone: set[int]) -> None:
    """Whatever is retired, any order and any repetition of the facts gives the same intents, and leaves the same."""
    read = [retired(each) if EVENTS.index(each) in gone else each for each in events]
    book = rulebook(published(CARD, 1))
    plans = [whole_plan(history_of(AIDA, order, CATALOGUE), book) for order in (read, read[::-1], read * 2)]
    assert plans[0] == plans[1] == plans[2]
