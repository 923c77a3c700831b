"""Values as people type them into forms: digit groups, days as 01.04.2027, times as 10.00.

Each function returns the value as files write it, and any other text as it is: whoever checks it refuses that.
"""

import re
from datetime import date
from typing import Final

from domain.core.translatable import N_

NOT_ONLY_DIGITS: Final = N_("Write only the number, such as 30000 or 30 000: no comma, no point, no currency")
_SPACES = " \u00a0\u202f\u2009"
_GROUPED = re.compile(rf"([+-]?\d{{1,3}}(?:[{_SPACES}]\d{{3}})+)(\.\d+)?", re.ASCII)
_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_DAY_OF_YEAR = re.compile(r"(\d{1,2})\.(\d{1,2})\.?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2})[.:](\d\d)", re.ASCII)


def number(text: str) -> str:
    """Return a number without the spaces between its groups of digits."""
    if (found := _GROUPED.fullmatch(text)) is None:
        return text
    return re.sub(f"[{_SPACES}]", "", found[1]) + (found[2] or "")


def day(text: str) -> str:
    """Return a day such as 01.04.2027 as 2027-04-01."""
    if (found := _DAY.fullmatch(text)) is None:
        return text
    try:
        return date(int(found[3]), int(found[2]), int(found[1])).isoformat()
    except ValueError:
        return text


def day_of_year(text: str) -> str:
    """Return a day such as 15.08 as 08-15."""
    found = _DAY_OF_YEAR.fullmatch(text)
    return f"{int(found[2]):02}-{int(found[1]):02}" if found else text


def clock(text: str) -> str:
    """Return a time of day such as 9.00 as 09:00."""
    found = _CLOCK.fullmatch(text)
    return f"{int(found[1]):02}:{found[2]}" if found else text


def is_nearly_number(text: str) -> bool:
    """Return True for digits with something else among or beside them: 30,000 or 30 000 ₸."""
    return re.search(r"\d", text) is not None
