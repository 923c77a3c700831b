"""The citizens of the simulation, and the registrar who numbers them."""

from dataclasses import dataclass, field
from typing import Any, Literal

from app.simulation.days import Day, Span, iso
from domain.core.national_id import with_check_digit

Sex = Literal["male", "female"]

_SERIALS = 10_000
_STRIDE = 7_919  # shares no factor with 10,000, so that every serial comes up once before one returns
_OF_A_SEED = 331  # of them lie between the first ids of two seeds


class DayIsFull(RuntimeError):
    """Raised when all national ids of a day and sex are given: simulate fewer citizens."""


@dataclass(slots=True, eq=False)
class Citizen:
    """A simulated person. `label`: starts the ids of the events; `until`: the first day without them.

    `settled`: the day on which the registries know a newborn with birth and residence; 0 for the others.
    """

    label: str
    iin: str
    sex: Sex
    born: Day
    given_name: str
    family_name: str
    patronymic: str | None
    language: str
    until: Day
    settled: Day = 0
    events: int = 0

    def identity_data(self) -> dict[str, Any]:
        """Return the registry's data on their identity."""
        patronymic = {"patronymic": self.patronymic} if self.patronymic else {}
        names = {"given_name": self.given_name, "family_name": self.family_name, **patronymic}
        return {**names, "sex": self.sex, "born_on": iso(self.born)}


@dataclass(slots=True)
class Registrar:
    """Gives labels and national ids, each once, and to no two seeds the same.

    (National ids of a day are shared out among 30 seeds; seeds further apart meet where thousands are born on a day.)
    Memory is bounded by the days of a human life, not by the number of citizens.
    """

    span: Span
    seed: int = 0
    registered: int = 0
    _given: dict[str, int] = field(default_factory=dict)

    def label(self) -> str:
        """Return the next citizen's label: s1c000000 for the seed 1, then s1c000001 and so on."""
        self.registered += 1
        return f"s{self.seed}c{self.registered - 1:06d}"

    def iin(self, born: Day, sex: Sex) -> str:
        """Return a national id for somebody born on that day. Raises DayIsFull after some 9,900 of a day and sex."""
        stem = _stem(born, sex)
        for count in range(self._given.get(stem, 0), _SERIALS):
            serial = (born + (self.seed * _OF_A_SEED + count) * _STRIDE) % _SERIALS
            if iin := with_check_digit(f"{stem}{serial:04d}"):
                self._given[stem] = count + 1
                return iin
        raise DayIsFull


def _stem(born: Day, sex: Sex) -> str:
    """Six digits of the birth date, one of century and sex: odd for men, 1 for the men of the 19th century."""
    year, month, day = iso(born).split("-")
    century = 1 + 2 * (int(year) // 100 - 18) + (sex == "female")
    return f"{year[2:]}{month}{day}{century}"
