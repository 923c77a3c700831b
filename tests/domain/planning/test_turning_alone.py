"""Triggers on entitlements about the person alone: no event starts them, and one of their events explains each."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.persons.history import history_of
from domain.planning.eligibility import eligibility
from domain.planning.law import law_values
from domain.rules.errors import BadTrigger
from domain.rules.rulebook import Rulebook, Version
from domain.rules.trigger_compiling import compile_trigger
from tests.domain.entitled import PENSION, born, granted, law, lives, turning
from tests.domain.given import DEFAULTS, NudgeLog, Planned, modest, rules
from tests.domain.world import ERLAN, NAMES, SAULE, annulment, at, contact, correction, death, event, local

BECOMES, CEASES = {"becomes": "allowance"}, {"ceases": "allowance"}
CITY: Mapping[str, Any] = {
    "title": {"en": "City card"},
    "agency": "justice",
    "clause": "art. 3",
    "on": "person",
    "conditions": [
        {"id": "resident", "when": 'citizen.area.startsWith("75")', "title": {"en": "Lives in the city"}},
    ],
    "unless": [{"on": "paper.issued", "when": 'later.kind == "allowance"'}],
}
CHILDHOOD: Mapping[str, Any] = {
    "title": {"en": "Childhood"},
    "agency": "justice",
    "clause": "art. 4",
    "on": "person",
    "until": {"from": "citizen.born_on", "offset": "P18Y"},
}
AHEAD = {"soon": {"offset": "-P30D", "at": "10:00"}}
AWAY, BACK = lives("100000000", "2025-06-01", "away"), lives("750000000", "2025-09-01", "back")


def known(born_on: str = "1963-09-20", time: str = "1994-05-10", event_id: str = "known") -> LifeEvent:
    """A registry knows Saule."""
    return event("person.registered", time, event_id, {"citizen": SAULE}, born_on=born_on, sex="female")


def aging(*recorded: LifeEvent, on: Mapping[str, str] = BECOMES, **more: Any) -> Planned:
    """What Saule hears of her pension, which she is entitled to at 63."""
    return turning(*recorded, on=on, benefit=PENSION, **more)


def living(*recorded: LifeEvent, on: Mapping[str, str] = BECOMES, **more: Any) -> Planned:
    """What Saule hears of the card for those who live in the city."""
    return turning(*recorded, on=on, benefit=CITY, **more)


def test_a_birthday_turns_it_without_any_event() -> None:
    """The nudge waits for the day, decades ahead, and is explained by what the date was known from."""
    found = aging(known()).then_intents("now 2026-09-20 10:00").only
    assert found.cause == known().stream
    aging(known(), due=AHEAD).then_intents("soon 2026-08-21 10:00")
    turning(known("2010-05-05", "2010-05-06"), on=CEASES, benefit=CHILDHOOD).then_intents("now 2028-05-05 10:00")


def test_an_event_that_turns_it_explains_it() -> None:
    """Whoever moves in becomes entitled by that move, and ceases to be by moving away, or by having had it."""
    assert living(known(), lives()).then_intents("now 2024-01-01 10:00").only.cause == lives().stream
    assert living(known(), lives(), AWAY, on=CEASES).then_intents("now 2025-06-01 10:00").only.cause == AWAY.stream
    had = granted("2025-03-03")
    assert living(known(), lives(), had, on=CEASES).then_intents("now 2025-03-03 10:00").only.cause == had.stream


def test_what_is_not_read_explains_nothing() -> None:
    """Between the report of the birth date and the birthday much happens, and none of it moves the nudge."""
    life = (known(), lives(time="1999-01-01"), AWAY, granted("2025-10-10"), born())
    assert aging(*life).plan == aging(known()).plan


def test_a_birth_in_the_year_0_stops_nothing() -> None:
    """What a registry writes for a date that it does not know has no birthdays, and the rest is planned."""
    grown = {**CITY, "conditions": [*CITY["conditions"], {"id": "age", "when": "citizen.age >= 18", "title": {}}]}
    unknown = known("0000-01-01")
    planned = turning(unknown, lives(), on=BECOMES, benefit=grown)
    planned.then_intents("now 2024-01-01 10:00")
    moved = turning(unknown, lives(), AWAY, BACK, on=BECOMES, benefit=grown)
    moved.then_intents("now 2024-01-01 10:00", "now 2025-09-01 10:00")


def test_each_period_has_its_own_edges() -> None:
    """Who comes back becomes entitled again: another nudge, explained by the return."""
    becoming = living(known(), lives(), AWAY, BACK)
    becoming.then_intents("now 2024-01-01 10:00", "now 2025-09-01 10:00")
    assert [intent.cause for intent in becoming.intents] == [lives().stream, BACK.stream]
    assert len({intent.occurrence for intent in becoming.intents}) == 2
    living(known(), lives(), AWAY, BACK, occurrence="person").then_intents("now 2024-01-01 10:00")


def test_the_date_need_not_be_the_first_that_is_known() -> None:
    """Whatever was reported before the birth date, the birthday counts from when the date is known."""
    late = known(time="2026-01-01")
    aging(lives(), late).then_intents("now 2026-09-20 10:00")
    aging(lives(), known("1950-01-01", "2026-01-01")).then_intents("now 2026-01-01 10:00")


def test_a_date_that_is_set_anew_moves_the_end() -> None:
    """The end counts as it was known then: set anew in time it moves, set anew too late it opens a second period."""
    young, older = known("2010-05-05", "2010-05-06"), known("2012-05-05", "2020-01-01", "anew")
    turning(young, older, on=CEASES, benefit=CHILDHOOD).then_intents("now 2030-05-05 10:00")
    late = known("2012-05-05", "2029-01-01", "anew")
    turning(young, late, on=CEASES, benefit=CHILDHOOD).then_intents("now 2028-05-05 10:00", "now 2030-05-05 10:00")


def test_a_corrected_date_reschedules() -> None:
    """The same nudge at another time; taken back, it is cancelled."""
    desk, first = NudgeLog(), known()
    assert desk.follow(aging(first), "2025-01-01") == ["planned now"]
    moved = correction(first, known("1963-10-20"))
    assert desk.follow(aging(first, moved), "2025-01-02") == ["rescheduled now"]
    assert desk.follow(aging(first, annulment(first, 3)), "2025-01-03") == ["cancelled now"]


def test_a_death_ends_it() -> None:
    """The dead become entitled to nothing; the death of somebody else, of whom they are an heir, changes nothing."""
    aging(known(), death("2026-01-01", of=SAULE)).then_nothing()
    other = death("2020-01-01", of=ERLAN, heirs=(SAULE,))
    aging(known(), other).then_intents("now 2026-09-20 10:00")


def test_the_trigger_has_its_own_condition_and_its_own_unless() -> None:
    """`when` is read at the edge; what `unless` names counts also where it is the very event that turned it."""
    aging(known(), when="citizen.age == 63").then_intents("now 2026-09-20 10:00")
    aging(known(), when="citizen.age < 63").then_nothing()
    aging(known(), granted("2026-01-01"), unless=[{"on": "paper.issued"}]).then_nothing()
    living(known(), lives(), granted("2025-03-03"), on=CEASES, unless=[{"on": "paper.issued"}]).then_nothing()


def test_a_historical_load_looks_ahead_only() -> None:
    """Of what was loaded so, birthdays that are still to come are planned, and those behind are not."""
    aging(replace(known(), ahead_from=at("2026-01-01"))).then_intents("now 2026-09-20 10:00")
    aging(replace(known(), ahead_from=at("2026-10-01"))).then_nothing()


def test_a_new_version_leaves_what_waits_to_the_old_one() -> None:
    """The event that explains the turn says which version applies, so what is pending stays as it was planned."""
    catalogue = law(allowance=PENSION)
    content = {**rules("", {"now": {"at": "10:00"}}), "on": BECOMES}
    first, second = (
        Version(compile_trigger("told", content, catalogue), f"told@{number}", number, at(reach), at("1990-01-01"))
        for number, reach in ((1, "1990-01-01"), (2, "2025-01-01"))
    )
    book = Rulebook(catalogue, DEFAULTS, NAMES, [first, second])
    for fact, version in ((known(), "told@1"), (known(time="2025-02-02"), "told@2")):
        assert Planned(history_of(SAULE, [fact], catalogue), book).only.version == version
    withdrawn = Rulebook(catalogue, DEFAULTS, NAMES, [replace(first, withdrawn=True)])
    Planned(history_of(SAULE, [known()], catalogue), withdrawn).then_nothing()


def test_words_know_the_law_of_that_day() -> None:
    """Parameters and amounts as of the turn, not as of the event that explains it."""
    planned = aging(known("1961-06-06"))
    cause = planned.history.facts[0].event
    values = law_values(planned.only, cause, planned.history, planned.book)
    assert values == {"param.index": 100, "benefit.allowance.amount": 150, "entitled.from": "2024-06-06"}


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"due": {"a": {"from": "event.time"}}}, "due.a.from: 'event.time': the benefit is about the person alone"),
        (
            {"due": {"a": {"from": "event.born_on"}}},
            "due.a.from: 'event.born_on': the benefit is about the person alone",
        ),
        ({"when": "event.order > 3"}, "when: 'event.order': the benefit is about the person alone"),
        ({"occurrence": "event.number"}, "occurrence: 'event.number': the benefit is about the person alone"),
        ({"to": "mother"}, "to: the benefit is about the person alone, so nobody else is told of it"),
        ({"expires": "event.expires_on"}, "expires: 'event.expires_on': the benefit is about the person alone"),
        ({"count": {"nth": 2, "within": "P1Y"}}, "count: an entitlement is no event"),
    ],
)
def test_there_is_no_event_to_read(more: dict[str, Any], problem: str) -> None:
    """An owner who reads one is told so, at that key."""
    with pytest.raises(BadTrigger) as bad:
        aging(known(), **more)
    assert str(bad.value).startswith(problem)


FACTS = [
    known(),
    known("1962-08-20", "2025-02-02", "again"),
    correction(known(), known("1962-09-20")),
    lives(),
    AWAY,
    BACK,
    granted("2025-10-10"),
    annulment(granted("2025-10-10")),
    born(),
    contact("2025-01-02", zone="Asia/Tokyo"),
    death("2025-12-01", of=SAULE),
]
BENEFITS = [PENSION, CITY, CHILDHOOD, {**CITY, "from": {"from": "citizen.born_on", "offset": "P62Y6M"}}]
LIVES = st.lists(st.sampled_from(FACTS), max_size=8)


@modest
@examples(LIVES, st.sampled_from(BENEFITS), st.randoms())
def test_any_order_and_any_repetition_gives_the_same_nudges(facts: list[Any], benefit: Any, chance: Any) -> None:
    """Becoming and ceasing depend on what happened, not on when it was reported or how often."""
    shuffled = [*facts, *facts]
    chance.shuffle(shuffled)
    for on in (BECOMES, CEASES):
        assert turning(*facts, on=on, benefit=benefit).plan == turning(*shuffled, on=on, benefit=benefit).plan


@modest
@examples(LIVES, st.sampled_from(BENEFITS), st.integers(0, 900))
def test_the_edges_are_those_of_the_answers(facts: list[Any], benefit: Any, days: int) -> None:
    """On any day, as many have become entitled and not ceased as `eligibility` finds entitled at its end."""
    day = date(2024, 6, 1) + timedelta(days=days)
    early = [replace(fact, time=at("2024-01-01")) if fact.id == "known" else fact for fact in facts]
    becoming, ceasing = (
        turning(
            *early, on=on, due={"now": {"from": f"entitled.{edge}", "at": "00:00"}}, benefit=benefit, expires="P1D"
        )
        for on, edge in ((BECOMES, "from"), (CEASES, "until"))
    )
    times = {fact.event.type: fact.event.time for fact in becoming.history.facts}
    if "civil.died" in times or not times or local(min(times.values())) > f"{day.isoformat()} 23:59":
        return  # a death ends what its person would hear, and somebody of whom nothing is known hears nothing
    limit = f"{day.isoformat()} 23:59"
    begun, ended = (sum(local(intent.due) <= limit for intent in planned.intents) for planned in (becoming, ceasing))
    found = eligibility(becoming.history, becoming.book, day)
    assert begun - ended == sum(each.entitled for each in found)
