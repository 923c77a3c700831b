"""A delivery to decide on: a nudge of Aida's paper, a trigger, and the person who is to be told."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from msgspec.structs import replace

from domain.facts.facts import NudgeFact, NudgePlanned
from domain.nudges.nudge import Nudge, content_of, evolve
from domain.nudges.settle import Controls, Decision, Ledger, Settlement, settle
from domain.persons.person import Person
from domain.rules.trigger_compiling import compile_trigger
from domain.rules.triggers import Trigger
from tests.domain.given import DEFAULTS, before, given, published, rules
from tests.domain.world import AIDA, CATALOGUE, at, paper

STEPS = {"month": before(30), "week": before(7), "day": before(1)}
REACHABLE = {"phone": "+77010000001", "email": "aida@example.kz", "push": "token"}
NOON = "2025-01-21 12:00"


def trigger(**more: object) -> Trigger:
    """The trigger of Aida's paper, a reminder about documents unless said otherwise."""
    return compile_trigger("card", rules("paper.issued", STEPS, **more), CATALOGUE)


def nudge(of: str = "month", /, *lived: NudgeFact, planned: str = "2025-01-10", **changed: Any) -> Nudge:
    """The nudge of a step (a month, a week or a day before 20 February), good for a year, with parts changed."""
    found = given(paper()).when(published(rules("paper.issued", STEPS, expires="P1Y"))).intents
    intent = replace(next(each for each in found if each.step == of), **changed)
    made = evolve(None, intent.id, 1, NudgePlanned(at(planned), **content_of(intent)))
    for version, fact in enumerate(lived, 2):
        made = evolve(made, intent.id, version, fact)
    return made


def person(pseudonym: str = AIDA, *, died: str | None = None, **attributes: object) -> Person:
    """Somebody who can be reached on every channel, unless an attribute says otherwise."""
    known = {name: value for name, value in {**REACHABLE, **attributes}.items() if value is not None}
    values = {f"citizen.{name}": value for name, value in known.items()}
    return Person(pseudonym, values, None if died is None else at(died))


def decided(
    about: Nudge,
    who: Person | None = None,
    *,
    at_time: str = NOON,
    by: Trigger | None = None,
    others: Iterable[Nudge] = (),
    stopped: Iterable[tuple[str, str]] = (),
    withdrawn: Iterable[str] = (),
    messages: Iterable[datetime] = (),
    goes_to: tuple[str, ...] | None = None,
) -> Decision:
    """What is decided about the nudge when its time has come."""
    ledger = Ledger((about, *others), tuple(messages))
    controls = Controls(frozenset(stopped), frozenset(withdrawn))
    told = who or person()
    to = (told.pseudonym,) if goes_to is None else goes_to
    case = Settlement(about, by or trigger(), told, ledger, controls, DEFAULTS, to)
    return settle(case, at(at_time))


def born(years: int, *, before_day: str = "2025-01-21") -> Mapping[str, str]:
    """The attribute of somebody who has that age on that day, their birthday."""
    day = date.fromisoformat(before_day)
    return {"born_on": day.replace(year=day.year - years).isoformat()}
