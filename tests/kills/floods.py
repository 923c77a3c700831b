"""A flood is expected somewhere: who must be warned, as the registries' events alone have it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from streams.intake.cloudevents import Envelope
from tests.world import event

TRIGGER, FROM_AGE = "flood_warning", 12
_AREAS, _LEVELS = ("190000000", "750000000", "191810000"), (2, 4, 6, 9)
"""A region, a city of its own, and a city; and after how many digits of a code an area may end."""
_COMES_IN = timedelta(days=20)


def flood(number: int, now: datetime) -> Envelope:
    """It is expected from now on."""
    expected = (now + _COMES_IN).date().isoformat()
    data = {"number": f"F-{number}", "area": _AREAS[number % len(_AREAS)], "river": "Іле", "expected_on": expected}
    return event("alatau.emergencies.flood_expected", None, now.isoformat(), data, id=f"flood-{number}")


class Concerned(NamedTuple):
    """Who lived there then and was old enough, by national ids: those who live, and those who have died since."""

    living: set[str]
    dead: set[str]


def concerned(by: Envelope, events: Sequence[Envelope]) -> Concerned:
    """Whom that flood concerns after all that happened."""
    then, area = datetime.fromisoformat(by.time), str((by.data or {})["area"])
    there = {who for who, home in _homes(events, then).items() if home.startswith(_code(area))}
    grown = then.replace(year=then.year - FROM_AGE).date().isoformat()
    born = {each.subject: str((each.data or {})["born_on"]) for each in _of(events, "kz.citizen.registered")}
    old_enough = {who for who in there if born.get(who, "9999") <= grown}
    dead = {str(each.subject) for each in _of(events, "kz.civil.death_registered")}
    return Concerned(old_enough - dead, old_enough & dead)


def _homes(events: Iterable[Envelope], then: datetime) -> dict[str, str]:
    moves = sorted(
        (datetime.fromisoformat(each.time), str(each.subject), str((each.data or {})["area"]))
        for each in _of(events, "kz.residence.registered")
    )
    return {who: home for at, who, home in moves if at <= then}


def _of(events: Iterable[Envelope], type_: str) -> Iterable[Envelope]:
    return (each for each in events if each.type == type_ and each.data)


def _code(area: str) -> str:
    return next(area[:level] for level in _LEVELS if not area[level:].strip("0"))
