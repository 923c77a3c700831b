"""Kinds of households with the ages of their members, weighted to resemble Kazakhstan."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Final

_KINDS: Final = ("couple", "engaged", "mother", "alone")
_WEIGHTS: Final = (47, 13, 7, 33)
_LAST_CHILD_AT: Final = 43.0
_MOST_CHILDREN: Final = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """The ages (years) of a household's members; `births`: of the woman, grown children included."""

    woman: float | None = None
    man: float | None = None
    children: tuple[float, ...] = ()
    births: int = 0
    wed: bool = False

    def within(self, room: int) -> "Shape":
        """The same household with at most `room` members, of whom the last children leave first."""
        adults = (self.woman is not None) + (self.man is not None)
        if room < adults:
            return Shape(woman=self.woman, births=self.births)
        return Shape(self.woman, self.man, self.children[: room - adults], self.births, self.wed)


def random_shape(rng: Random) -> Shape:
    """Return the shape of a household, drawn at random by the weights."""
    match rng.choices(_KINDS, _WEIGHTS)[0]:
        case "couple":
            woman = rng.triangular(20, 88, 32)
            return _family(rng, woman, man=max(20.0, woman + rng.gauss(2.5, 3)))
        case "engaged":
            woman = rng.uniform(19, 32)
            return Shape(woman=woman, man=max(19.0, woman + rng.gauss(2, 2.5)))
        case "mother":
            return _family(rng, rng.triangular(21, 55, 32), man=None)
        case _:
            return _alone(rng)


def _family(rng: Random, woman: float, man: float | None) -> Shape:
    ages = tuple(islice(_ages_of_children(rng, woman), _MOST_CHILDREN))
    at_home = tuple(age for age in ages if age < _leaves_home(rng))
    return Shape(woman, man, at_home, births=len(ages), wed=man is not None)


def _leaves_home(rng: Random) -> float:
    return rng.triangular(18, 26, 18)


def _ages_of_children(rng: Random, woman: float) -> Iterator[float]:
    at = 20 + rng.expovariate(1 / 4)
    while at < min(woman, _LAST_CHILD_AT):
        yield woman - at
        at += 1.3 + rng.expovariate(1 / 5)


def _alone(rng: Random) -> Shape:
    age = rng.triangular(18, 95, 35)
    is_woman = rng.random() < (0.7 if age > 60 else 0.45)  # noqa: PLR2004  women outlive men
    return Shape(woman=age) if is_woman else Shape(man=age)
