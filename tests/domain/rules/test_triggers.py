from datetime import time
from typing import Any

import pytest

from domain.core.timing import InvalidTime, Offset
from domain.rules.errors import BadTrigger
from domain.rules.trigger_compiling import compile_trigger
from tests.domain.given import before, rules
from tests.domain.world import CATALOGUE

MONTH = {"month": before(30)}


def _bad(**content: Any) -> BadTrigger:
    on, due = content.pop("on", "paper.issued"), content.pop("due", MONTH)
    with pytest.raises(BadTrigger) as bad:
        compile_trigger("card", rules(on, due, **content), CATALOGUE)
    return bad.value


@pytest.mark.parametrize(
    ("content", "path", "problem"),
    [
        ({"on": "paper.isued"}, "on", "no event type is called 'paper.isued'"),
        ({"to": "mother"}, "to", "paper.issued names nobody in the role 'mother'"),
        (
            {"on": "civil.born", "due": {"now": None}, "to": ["mother", "heirs"]},
            "to",
            "civil.born names nobody in the role 'heirs'",
        ),
        ({"occurrence": "event.numbr"}, "occurrence", "'event.numbr' is no field of paper.issued"),
        ({"occurrence": ["event.number", "citizen.age"]}, "occurrence", "'citizen.age' is no field of paper.issued"),
        (
            {"due": {"month": {"from": "event.expires"}}},
            "due.month.from",
            "'event.expires' is no field of paper.issued",
        ),
        ({"due": {"month": {"from": "event.number"}}}, "due.month.from", "'event.number' is no date"),
        ({"due": {"month": {"from": "citizen.sex"}}}, "due.month.from", "'citizen.sex' is no date"),
        ({"due": {"month": {"from": "later.time"}}}, "due.month.from", "'later.time' is no field of paper.issued"),
        ({"due": {"month": {"offset": "30 days"}}}, "due.month.offset", "'30 days' is no ISO 8601 duration"),
        (
            {"due": {"now": None, "month": {"when": "citizen.agee > 3"}}},
            "due.month.when",
            "there is no field 'citizen.agee'",
        ),
        ({"when": "event.kind == 3"}, "when", "'==' does not go with a text and a whole number"),
        ({"when": "later.number == event.number"}, "when", "there is no field 'later.number'"),
        ({"when": "event.number"}, "when", "a condition must be true or false, this is a text"),
        (
            {"unless": [{"on": "paper.renewed"}, {"on": "paper.lost"}]},
            "unless.1.on",
            "no event type is called 'paper.lost'",
        ),
        (
            {"unless": [{"on": "paper.renewed", "when": "later.kind == event.kind"}]},
            "unless.0.when",
            "there is no field 'later.kind'",
        ),
        ({"unless": [{"on": "paper.renewed", "grace": "soon"}]}, "unless.0.grace", "'soon' is no ISO 8601 duration"),
        (
            {"unless": [{"on": "paper.renewed", "within": {"before": "years"}}]},
            "unless.0.within.before",
            "'years' is no ISO 8601 duration",
        ),
        ({"due": {"day": {"on": "15-08"}}}, "due.day.on", "'15-08' is no day of a year; write month and day, 08-15"),
        (
            {"due": {"day": {"on": "08-15", "offset": "P1YT1H"}}},
            "due.day.offset",
            "with `on`, the offset says only which year: write it in years, months or days, and the time in `at`",
        ),
        ({"expires": "event.number"}, "expires", "'event.number' is no date"),
        ({"expires": "event.gone_on"}, "expires", "'event.gone_on' is no field of paper.issued"),
        ({"expires": "next year"}, "expires", "'next year' is no ISO 8601 duration"),
    ],
)
def test_what_does_not_fit_the_catalogue_is_refused(content: dict[str, Any], path: str, problem: str) -> None:
    """A trigger that speaks of what does not exist is refused in words that name the key and the mistake."""
    bad = _bad(**content)
    assert ".".join(map(str, bad.path)) == path
    assert bad.problem.startswith(problem)
    assert str(bad) == f"{path}: {bad.problem}"


def test_the_line_of_a_mistake_in_a_condition_is_kept() -> None:
    """Where a condition is wrong is said within its text."""
    assert _bad(when="event.paid &&\n  event.kimd == 'x'").line == 2


def test_a_refusal_names_the_mistake_and_not_the_engine() -> None:
    """What a service owner reads is about their trigger: the cause within the engine is left out."""
    bad = _bad(when="event.kimd == 'x'")
    assert bad.__cause__ is None
    assert issubclass(InvalidTime, ValueError)


def test_the_name_of_the_platforms_own_trigger_is_taken() -> None:
    """No pack can have a trigger that would be taken for the digest."""
    with pytest.raises(BadTrigger, match="'digest' is the name of the platform's own trigger"):
        compile_trigger("digest", rules("paper.issued", {"month": None}), CATALOGUE)


def test_what_is_not_said_has_a_default() -> None:
    """The subject is told, guardians hear for minors, the nearest step catches up, and nothing is corrected."""
    made = compile_trigger("card", rules("paper.issued", {"month": None}), CATALOGUE)
    assert made.to == frozenset({"holder"})
    assert (made.minors, made.catch_up, made.has_correction) == ("guardians", "latest", False)
    assert (made.when, made.unless, made.occurrence, made.expiry, made.patient) == (None, (), (), None, False)
    (step,) = made.steps
    assert (step.name, step.source, step.offset, step.clock, step.when) == (
        "month",
        "event.time",
        Offset(),
        None,
        None,
    )


def test_what_is_said_is_kept() -> None:
    """A compiled trigger says what its plain data say, and keeps those for whoever asks why."""
    content = rules(
        "civil.born",
        {"soon": {"from": "event.born_on", "offset": "P1M", "at": "10:30"}, "late": {"from": "citizen.born_on"}},
        to=["child", "mother"],
        minors="self",
        catch_up="none",
        correction=True,
        klass="offer",
        expires="P2W",
        unless=[{"on": "school.queued", "grace": "P7D"}, {"on": "civil.died"}],
        occurrence=["event.child", "event.order"],
    )
    made = compile_trigger("nursery", content, CATALOGUE)
    assert (made.name, made.owner, made.category, made.klass) == ("nursery", "interior", "documents", "offer")
    assert made.to == frozenset({"child", "mother"})
    assert (made.minors, made.catch_up, made.has_correction) == ("self", "none", True)
    assert made.occurrence == ("event.child", "event.order")
    assert [(step.name, step.clock) for step in made.steps] == [("soon", time(10, 30)), ("late", None)]
    assert [(each.on, each.grace) for each in made.unless] == [
        ("school.queued", Offset(days=7)),
        ("civil.died", Offset()),
    ]
    assert (made.patient, made.content) == (True, content)
    assert made.expiry is not None
    assert made.expiry.offset == Offset(days=14)


def test_the_subject_is_the_role_that_plays_it() -> None:
    """`to: subject` is whoever the type says, also among other roles."""
    both = compile_trigger("birth", rules("civil.born", {"now": None}, to=["subject", "mother"]), CATALOGUE)
    assert both.to == {"child", "mother"}


def test_everything_bad_comes_at_once() -> None:
    """The first problem carries all others, each with its own path."""
    due = {"month": {"from": "event.nothing", "when": "event.no"}, "day": {"offset": "1 day"}}
    bad = _bad(due=due, to=["nobody"], occurrence=["event.a", "event.b"], expires="event.c", when="event.d == 1")
    paths = [each.path for each in (bad, *bad.others)]
    assert sorted(paths, key=str) == sorted(
        [
            ("due", "month", "from"),
            ("due", "month", "when"),
            ("due", "day", "offset"),
            ("to",),
            ("occurrence",),
            ("occurrence",),
            ("expires",),
            ("when",),
        ],
        key=str,
    )
