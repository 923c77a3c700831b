"""Amounts in tenge that follow the monthly calculation index (MCI) of the day's year."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from app.simulation.days import Day

_MCI: Final[Mapping[int, int]] = {2020: 2651, 2021: 2917, 2022: 3063, 2023: 3450, 2024: 3692, 2025: 3932, 2026: 4325}
"""Year -> tenge, from the republic's yearly laws on the budget."""


def mci(day: Day) -> int:
    """Return the index of that day's year, in tenge; of the nearest known year where that one is not."""
    year = date.fromordinal(day).year
    return _MCI[min(max(year, min(_MCI)), max(_MCI))]
