"""The yearly tax on vehicles: assessed in January, mostly paid before April."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from app.simulation.citizens import Citizen
from app.simulation.days import iso, years_after
from app.simulation.documents import drives
from app.simulation.happenings import Happening, report
from app.simulation.households import Household
from app.simulation.money import mci

_ADULT: Final = 18
_OWNS_A_CAR: Final = 0.6
_MCI: Final = (1, 2, 3, 6, 9)
_PAYS_IN_TIME: Final = 0.80
_PAYS_LATER: Final = 0.12


def vehicle_taxes(household: Household, citizen: Citizen) -> Iterator[Happening]:
    """Yield the yearly tax of a driver with a car, and its payment."""
    rng, span = household.rng, household.span
    if not drives(citizen) or rng.random() >= _OWNS_A_CAR:
        return
    grown = max(span.start, years_after(citizen.born, _ADULT))
    for year in range(date.fromordinal(grown).year, date.fromordinal(span.end).year + 1):
        assessed = date(year, 1, 15).toordinal() + int(14 * rng.random())
        if assessed >= grown:
            yield from _tax(household, citizen, year, assessed)


def _tax(household: Household, citizen: Citizen, year: int, assessed: int) -> Iterator[Happening]:
    rng = household.rng
    about = {"kind": "vehicle", "year": year - 1}
    pay_by = date(year, 4, 1).toordinal()
    due = {**about, "amount": mci(assessed) * rng.choice(_MCI), "pay_by": iso(pay_by)}
    yield report(rng, assessed, citizen, "kz.tax.assessed", due)
    luck = rng.random()
    if luck < _PAYS_IN_TIME + _PAYS_LATER:
        first, last = (assessed + 5, pay_by) if luck < _PAYS_IN_TIME else (pay_by + 1, pay_by + 90)
        paid = first + int((last - first) * rng.random())
        yield report(rng, paid, citizen, "kz.tax.paid", {**about, "paid_on": iso(paid)})
