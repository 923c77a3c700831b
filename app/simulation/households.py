"""Households: the people who live together, with their names, ages and homes over the simulated span."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from app.simulation.citizens import Citizen, Registrar, Sex
from app.simulation.days import DAYS_A_YEAR, Day, Span, arrivals, years_after, years_between
from app.simulation.names import KAZAKH, KAZAKH_SHARE, RUSSIAN, Culture, family_for
from app.simulation.regions import Home, random_home
from app.simulation.shapes import Shape

_MOVES_A_YEAR = 0.03
_WEDDINGS_A_YEAR = 0.13
_MARRIAGEABLE = 18  # years
_BEFORE_THE_FIRST_CHILD = 250  # days, mostly
_EARLY = 2  # a power: above 1, people rather marry soon than late
_MORTALITY_AT_BIRTH = {"male": 11e-5, "female": 5e-5}
_MORTALITY_GROWTH = 0.085  # a year of age; Gompertz's law


@dataclass(slots=True)
class Household:
    """The members and their surroundings.

    `homes`: the day from which they live there, and where. `wedding`: past or to come, None where there is none.
    """

    rng: Random
    span: Span
    registrar: Registrar
    culture: Culture
    homes: list[tuple[Day, Home]]
    woman: Citizen | None = None
    man: Citizen | None = None
    children: list[Citizen] = field(default_factory=list)
    births: int = 0
    wedding: Day | None = None

    @property
    def adults(self) -> list[Citizen]:
        """Return the woman and the man, as far as there are any."""
        return [adult for adult in (self.woman, self.man) if adult]

    @property
    def members(self) -> list[Citizen]:
        """Return all members, adults first."""
        return [*self.adults, *self.children]

    @property
    def first_home(self) -> Home:
        """Return the home at the beginning of the span."""
        return self.homes[0][1]

    def home_on(self, day: Day) -> Home:
        """Return the home on that day."""
        return next(home for since, home in reversed(self.homes) if since <= day)

    def moves(self) -> Iterator[tuple[Day, Home]]:
        """Return the day and the new home of every move within the span."""
        return iter(self.homes[1:])


def new_household(rng: Random, registrar: Registrar, shape: Shape) -> Household:
    """Fill a shape with people: names, national ids, homes, the day of the wedding and the days of their deaths."""
    culture = KAZAKH if rng.random() < KAZAKH_SHARE else RUSSIAN
    household = Household(rng, registrar.span, registrar, culture, _homes(rng, registrar.span, culture))
    _adults(household, shape)
    for age in shape.children:
        household.children.append(child_of(household, _born(household, age), registrar.label()))
    for citizen in household.members:
        citizen.until = min(registrar.span.end, _dies(rng, citizen, registrar.span.start))
    return household


def child_of(household: Household, born: Day, label: str) -> Citizen:
    """Return a child of the household, named after its parents; of a mother alone, without a patronymic."""
    rng, culture, man, woman = household.rng, household.culture, household.man, household.woman
    sex: Sex = "male" if rng.random() < 0.515 else "female"  # noqa: PLR2004  boys at birth, everywhere
    parent = man or woman
    assert parent is not None, "a child lives with a parent"
    family = parent.family_name if parent.sex == "male" else parent.family_name.removesuffix("а")
    patronymic = culture.patronymic(man.given_name, sex) if man else None
    return _citizen(household, sex, born, label, family, patronymic)


def _adults(household: Household, shape: Shape) -> None:
    rng, culture = household.rng, household.culture
    family = rng.choice(culture.families)
    if shape.woman is not None:
        own_name = not shape.wed or rng.random() < culture.wife_keeps_her_name
        name = rng.choice(culture.families) if own_name else family
        household.woman = _adult(household, "female", shape.woman, name)
    if shape.man is not None:
        household.man = _adult(household, "male", shape.man, family)
    household.births = shape.births
    household.wedding = _wedding(household, shape)


def _adult(household: Household, sex: Sex, age: float, family: str) -> Citizen:
    father = household.rng.choice(household.culture.men)
    patronymic = household.culture.patronymic(father, sex)
    born = _born(household, age)
    return _citizen(household, sex, born, household.registrar.label(), family, patronymic)


def _citizen(household: Household, sex: Sex, born: Day, label: str, family: str, patronymic: str | None) -> Citizen:
    rng, culture = household.rng, household.culture
    return Citizen(
        label=label,
        iin=household.registrar.iin(born, sex),
        sex=sex,
        born=born,
        given_name=rng.choice(culture.men if sex == "male" else culture.women),
        family_name=family_for(family, sex),
        patronymic=patronymic,
        language=rng.choices(*zip(*culture.languages.items(), strict=True))[0],
        until=household.span.end,
    )


def _born(household: Household, age: float) -> Day:
    return household.span.start - 1 - int(age * DAYS_A_YEAR)


def _homes(rng: Random, span: Span, culture: Culture) -> list[tuple[Day, Home]]:
    moving = arrivals(rng, _MOVES_A_YEAR, span.start, span.end)
    return [(0, random_home(rng, culture)), *((day, random_home(rng, culture)) for day in moving)]


def _wedding(household: Household, shape: Shape) -> Day | None:
    rng, span, woman, man = household.rng, household.span, household.woman, household.man
    if woman is None or man is None:
        return None
    if shape.wed:
        earliest = years_after(max(woman.born, man.born), _MARRIAGEABLE)
        latest = _born(household, max(shape.children, default=0)) - _BEFORE_THE_FIRST_CHILD
        return earliest + int(max(0, latest - earliest) * rng.random() ** _EARLY)
    return next(arrivals(rng, _WEDDINGS_A_YEAR, span.start, span.end), None)


def _dies(rng: Random, citizen: Citizen, start: Day) -> Day:
    now = _MORTALITY_AT_BIRTH[citizen.sex] * math.exp(_MORTALITY_GROWTH * years_between(citizen.born, start))
    years = math.log1p(_MORTALITY_GROWTH * rng.expovariate(1) / now) / _MORTALITY_GROWTH
    return start + 1 + int(years * DAYS_A_YEAR)
