"""A young child's vaccinations: the clinic plans each visit of the national calendar, and most children come."""

from collections.abc import Iterator, Mapping
from typing import Final

from app.simulation.citizens import Citizen
from app.simulation.days import Day, iso
from app.simulation.happenings import Happening, report
from app.simulation.households import Household

_VISITS: Final[Mapping[str, Day]] = {"two_months": 61, "three_months": 91, "four_months": 122, "one_year": 365}
"""A visit of the calendar -> the child's age in days."""
_VACCINATED: Final = 0.92
_LATE_BY: Final = 20


def vaccinations(household: Household, child: Citizen) -> Iterator[Happening]:
    """Yield the visits of the first year, planned once the newborn is settled, and the vaccinations that follow."""
    rng = household.rng
    for visit, age in _VISITS.items():
        planned = child.born + age
        data = {"visit": visit, "planned_on": iso(planned)}
        yield report(rng, child.settled + 1, child, "kz.health.vaccination_planned", data)
        if rng.random() < _VACCINATED:
            day = planned + int(_LATE_BY * rng.random())
            yield report(rng, day, child, "kz.health.vaccinated", {"visit": visit, "vaccinated_on": iso(day)})
