"""Working lives: jobs that start and end, the first pension contribution from each, and the pension at their end."""

from collections.abc import Iterator
from random import Random
from typing import Final

from app.simulation.citizens import Citizen
from app.simulation.days import DAYS_A_YEAR, Day, iso, years_after
from app.simulation.happenings import Happening, report
from app.simulation.households import Household

_PENSION_AGE: Final = {"male": 63, "female": 61}
_ADULT: Final = 18
_EMPLOYED: Final = 0.7
_ENDS_A_YEAR: Final = 0.15
_DAYS_BETWEEN: Final = 120
_CLAIMS_PENSION: Final = 0.97
_CONTRIBUTES: Final = 0.95
_FIRST_CONTRIBUTION: Final = (30, 55)
_EMPLOYERS: Final = (
    "«Дала» ЖШС",
    "«Ақ Жол Құрылыс» ЖШС",
    "«Алтын Дән» ШҚ",
    "№12 мектеп-гимназия",
    "Қалалық аурухана",
    "«Көктем» ДК",
    "ТОО «Степной ветер»",
    "ТОО «Север-Строй»",
    "АО «Восток-Металл»",
    "ИП «Ромашка»",
    "Школа-лицей № 7",
    "Городская поликлиника",
)


def jobs(household: Household, citizen: Citizen) -> Iterator[Happening]:
    """Yield the job held when the span opens, and every end and start after it, up to the pension."""
    rng, start = household.rng, household.span.start
    last = min(citizen.until, _retires(citizen))
    grown = years_after(citizen.born, _ADULT) + int(2 * DAYS_A_YEAR * rng.random())
    if grown >= last or rng.random() >= _EMPLOYED:
        return
    day = max(grown, start - int(rng.expovariate(_ENDS_A_YEAR) * DAYS_A_YEAR))
    while day < last:
        ends = max(day, start) + 1 + int(rng.expovariate(_ENDS_A_YEAR) * DAYS_A_YEAR)
        yield from _job(rng, citizen, day, min(ends, _retires(citizen)))
        day = ends + 10 + int(rng.expovariate(1 / _DAYS_BETWEEN))


def pension(household: Household, citizen: Citizen) -> Iterator[Happening]:
    """Yield the pension, granted in the month after the birthday that entitles to it."""
    rng = household.rng
    day = _retires(citizen) + 1 + int(30 * rng.random())
    if day < citizen.until and rng.random() < _CLAIMS_PENSION:
        amount = 70_000 + 100 * int(1_200 * rng.random())
        yield report(rng, day, citizen, "kz.pension.granted", {"granted_on": iso(day), "amount": amount})


def _retires(citizen: Citizen) -> Day:
    return years_after(citizen.born, _PENSION_AGE[citizen.sex])


def _job(rng: Random, citizen: Citizen, start: Day, end: Day) -> Iterator[Happening]:
    employer = rng.choice(_EMPLOYERS)
    yield report(rng, start, citizen, "kz.employment.job_started", {"employer": employer, "started_on": iso(start)})
    contributes = start + int(rng.uniform(*_FIRST_CONTRIBUTION))
    if contributes < end and rng.random() < _CONTRIBUTES:
        data = {"employer": employer, "received_on": iso(contributes)}
        yield report(rng, contributes, citizen, "kz.pension.contribution_received", data)
    yield report(rng, end, citizen, "kz.employment.job_ended", {"employer": employer, "ended_on": iso(end)})
