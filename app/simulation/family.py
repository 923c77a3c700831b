"""Families: weddings, births with what follows them, and deaths."""

from collections.abc import Iterator
from typing import Final

from app.simulation.citizens import Citizen
from app.simulation.days import Day, arrivals, iso, years_between
from app.simulation.happenings import Happening, report
from app.simulation.health import vaccinations
from app.simulation.households import Household, child_of
from app.simulation.money import mci
from app.simulation.residence import residence

_TAKES_A_NAME: Final = 0.65
_BIRTHS_A_YEAR: Final = 0.37
_ALONE: Final = 0.25
_MOST_FERTILE: Final = 28.0
_FERTILE_AROUND: Final = 15.0
_BETWEEN_BIRTHS: Final = 400
_QUEUES: Final = 0.70
_QUEUES_FROM: Final = 15
_QUEUES_WITHIN: Final = 60
_AT_SCHOOL: Final = 6
_CLAIMS_ALLOWANCE: Final = 0.80
_ALLOWANCE_MCI: Final = 38
_ALLOWANCE_MCI_LARGE_FAMILY: Final = 63
_LARGE_FAMILY_FROM: Final = 4


def wedding(household: Household) -> Iterator[Happening]:
    """Yield the wedding, long past or within the span, and the name that most brides take with it."""
    day, bride, groom = household.wedding, household.woman, household.man
    if day is not None and bride and groom and day < groom.until:
        data = {"partner": groom.iin, "married_on": iso(day)}
        yield report(household.rng, day, bride, "kz.civil.marriage_registered", data)
        if household.rng.random() < _TAKES_A_NAME:
            name = {"reason": "marriage", "family_name": bride.family_name, "changed_on": iso(day)}
            yield report(household.rng, day, bride, "kz.civil.name_changed", name)


def births(household: Household) -> Iterator[Happening]:
    """Every birth within the span; each child joins the household as its birth is drawn."""
    mother = household.woman
    if mother is None or (since := _may_bear_from(household)) is None:
        return
    rate = _BIRTHS_A_YEAR if household.man else _BIRTHS_A_YEAR * _ALONE
    until = min(adult.until for adult in household.adults)
    for day in arrivals(household.rng, rate, since, until):
        if day >= since and household.rng.random() < _fertility(years_between(mother.born, day)):
            household.births += 1
            child = child_of(household, day, f"{mother.label}.{household.births}")
            household.children.append(child)
            yield from _birth(household, mother, child)
            yield from _queue(household, child)
            yield from vaccinations(household, child)
            since = day + _BETWEEN_BIRTHS


def deaths(household: Household) -> Iterator[Happening]:
    """Yield the death of every member who dies within the span.

    Heirs are the registered of the household who live on.
    """
    for deceased in household.members:
        died = deceased.until
        registered = died + 1 + int(4 * household.rng.random())
        if registered < household.span.end:
            heirs = [other.iin for other in household.members if other.settled <= died < other.until]
            data = {"died_on": iso(died), **({"heirs": heirs} if heirs else {})}
            yield report(household.rng, registered, deceased, "kz.civil.death_registered", data)


def queues(household: Household) -> Iterator[Happening]:
    """Yield the places of the children who were born before the span and don't go to school yet."""
    for child in household.children:
        if years_between(child.born, household.span.start) < _AT_SCHOOL:
            yield from _queue(household, child)


def _queue(household: Household, child: Citizen) -> Iterator[Happening]:
    """The child's place in the queue for a kindergarten, for which most parents ask within weeks of the birth."""
    rng = household.rng
    if rng.random() < _QUEUES:
        day = child.born + _QUEUES_FROM + int((_QUEUES_WITHIN - _QUEUES_FROM) * rng.random())
        parents = [adult.iin for adult in household.adults]
        data = {"parents": parents, "area": household.home_on(day).area, "joined_on": iso(day)}
        yield report(rng, day, child, "kz.education.kindergarten_queue_joined", data)


def _may_bear_from(household: Household) -> Day | None:
    start = household.span.start
    if household.man:
        if household.wedding is None:
            return None
        start = max(start, household.wedding)
    return max([start, *(child.born + _BETWEEN_BIRTHS for child in household.children)])


def _fertility(age: float) -> float:
    return max(0.0, 1 - ((age - _MOST_FERTILE) / _FERTILE_AROUND) ** 2)


def _birth(household: Household, mother: Citizen, child: Citizen) -> Iterator[Happening]:
    rng = household.rng
    father = {"father": household.man.iin} if household.man else {}
    registered = child.born + 1 + int(13 * rng.random())
    data = {"mother": mother.iin, **father, **child.identity_data(), "order": household.births}
    yield report(rng, registered, child, "kz.civil.birth_registered", data)
    child.settled = registered + 1 + int(10 * rng.random())
    yield residence(household, child, child.settled, household.home_on(child.settled), kind="first")
    if rng.random() < _CLAIMS_ALLOWANCE:
        granted = registered + 3 + int(40 * rng.random())
        large = household.births >= _LARGE_FAMILY_FROM
        amount = mci(granted) * (_ALLOWANCE_MCI_LARGE_FAMILY if large else _ALLOWANCE_MCI)
        data = {"child": child.iin, "amount": amount, "granted_on": iso(granted)}
        yield report(rng, granted, mother, "kz.social.birth_allowance_granted", data)
