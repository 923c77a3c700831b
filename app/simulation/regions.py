"""Places of residence: area codes (KATO, the state classifier NK RK 11), and invented house numbers.

The codes are real but for that of Alatau, a city younger than the edition that they were taken from.
"""

import csv
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Final

from app.simulation.names import KAZAKH, Culture


@dataclass(frozen=True, slots=True)
class Home:
    """An address and the area in which it lies (9 digits)."""

    area: str
    address: str


with Path(__file__).with_name("towns.csv").open(encoding="utf-8") as _file:
    _TOWNS: Final = tuple(csv.DictReader(_file))
"""Area codes, each with the thousands of inhabitants that stand for it, and the town's Kazakh and Russian name."""
_CUMULATIVE: Final = tuple(accumulate(int(each["thousands"]) for each in _TOWNS))
_STREETS: Final = (
    ("Абай көшесі", "ул. Абая"),
    ("Сәтбаев көшесі", "ул. Сатпаева"),
    ("Төле би көшесі", "ул. Толе би"),
    ("Достық даңғылы", "пр. Достык"),
    ("Жамбыл көшесі", "ул. Жамбыла"),
    ("Әуезов көшесі", "ул. Ауэзова"),
    ("Қабанбай батыр көшесі", "ул. Кабанбай батыра"),
    ("Бейбітшілік көшесі", "ул. Бейбитшилик"),
    ("Республика даңғылы", "пр. Республики"),
    ("Желтоқсан көшесі", "ул. Желтоксан"),
)


def random_home(rng: Random, culture: Culture) -> Home:
    """Return a home drawn as the population lies, its address written as the culture writes it."""
    town = rng.choices(_TOWNS, cum_weights=_CUMULATIVE)[0]
    kazakh_street, russian_street = rng.choice(_STREETS)
    house, flat = 1 + int(180 * rng.random()), 1 + int(120 * rng.random())
    if culture is KAZAKH:
        return Home(town["area"], f"{town['kazakh']} қ., {kazakh_street}, {house}-үй, {flat}-пәтер")
    return Home(town["area"], f"г. {town['russian']}, {russian_street}, д. {house}, кв. {flat}")
