"""Moves, and the clinic chosen after some of them."""

from collections.abc import Iterator
from typing import Final

from app.simulation.citizens import Citizen
from app.simulation.days import Day, iso
from app.simulation.happenings import Happening, report
from app.simulation.households import Household
from app.simulation.regions import Home

_ATTACHES: Final = 0.60
_ATTACHES_WITHIN: Final = 60
_CLINICS: Final = 30


def moves(household: Household, citizen: Citizen) -> Iterator[Happening]:
    """Yield the citizen's part in every move of the household: the new residence, often a new clinic."""
    for day, home in household.moves():
        if day > citizen.settled:
            yield residence(household, citizen, day, home, kind="moved")
            if household.rng.random() < _ATTACHES:
                yield _clinic(household, citizen, day, home)


def residence(household: Household, citizen: Citizen, day: Day, home: Home, *, kind: str) -> Happening:
    """Return a registration of residence: the first, or one after a move."""
    data = {"kind": kind, "area": home.area, "address": home.address}
    return report(household.rng, day, citizen, "kz.residence.registered", data)


def _clinic(household: Household, citizen: Citizen, moved: Day, home: Home) -> Happening:
    rng = household.rng
    day = moved + 1 + int(_ATTACHES_WITHIN * rng.random())
    clinic = f"№{1 + int(_CLINICS * rng.random())} қалалық емхана"
    data = {"clinic": clinic, "area": home.area, "attached_on": iso(day)}
    return report(rng, day, citizen, "kz.health.clinic_attached", data)
