"""Traffic fines: most paid within the week in which half is enough, some later, some never."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import Final

from app.simulation.citizens import Citizen
from app.simulation.days import Day, arrivals, iso, years_after
from app.simulation.documents import drives
from app.simulation.happenings import Happening, report
from app.simulation.households import Household
from app.simulation.money import mci

_ADULT: Final = 18
_FINES_A_DRIVER: Final = 0.6
_MCI_A_FINE: Final[Mapping[int, int]] = {5: 50, 10: 35, 20: 12, 40: 3}
_DISCOUNT_DAYS: Final = 7
_BY_CAMERA: Final = 0.8
_PAYS_AT_ONCE: Final = 0.70
_PAYS_LATER: Final = 0.20


def fines(household: Household, citizen: Citizen) -> Iterator[Happening]:
    """Yield the fines of a driver within the span, and their payments."""
    rng, span = household.rng, household.span
    licensed = max(span.start, years_after(citizen.born, _ADULT))
    if not drives(citizen) or licensed >= citizen.until:
        return
    for day in arrivals(rng, _FINES_A_DRIVER, licensed, citizen.until):
        yield from _fine(rng, citizen, day)


def _fine(rng: Random, citizen: Citizen, day: Day) -> Iterator[Happening]:
    number = f"{int(1e12 * rng.random()):012d}"
    amount = mci(day) * rng.choices(*zip(*_MCI_A_FINE.items(), strict=True))[0]
    recorded_by = "camera" if rng.random() < _BY_CAMERA else "officer"
    violated = {"recorded_by": recorded_by, "violated_on": iso(day - int(10 * rng.random()))}
    issued = {"number": number, "amount": amount, **violated, "issued_on": iso(day)}
    yield report(rng, day, citizen, "kz.traffic.fine_issued", issued)
    if delay := _pays_after(rng):
        paid = amount // 2 if delay <= _DISCOUNT_DAYS else amount
        payment = {"number": number, "amount": paid, "paid_on": iso(day + delay)}
        yield report(rng, day + delay, citizen, "kz.traffic.fine_paid", payment)


def _pays_after(rng: Random) -> int | None:
    luck = rng.random()
    if luck < _PAYS_AT_ONCE:
        return 1 + int(_DISCOUNT_DAYS * rng.random())
    return _DISCOUNT_DAYS + 1 + int(60 * rng.random()) if luck < _PAYS_AT_ONCE + _PAYS_LATER else None
