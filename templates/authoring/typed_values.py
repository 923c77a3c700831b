"""Values as people type them into forms: digit groups, days as 01.04.2027, times as 10.00.

Each function returns the value as files write it, and any other text as it is: whoever checks it refuses that.
"""

import re
from datetime import date

from domain.core.translatable import N_, Said, Words

_NOT_ONLY_DIGITS = N_("Write only the number, such as 30000 or 30 000: no comma, no point, no currency")
_SPACES = " \u00a0\u202f\u2009"
_GROUPED = re.compile(rf"([+-]?\d{{1,3}}(?:[{_SPACES}]\d{{3}})+)(\.\d+)?", re.ASCII)
_WHOLE = re.compile(r"([+-]?)(\d{1,15})", re.ASCII)
_FRACTION = re.compile(r"(-?\d{1,15})[.,](\d{1,2})", re.ASCII)
_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_DAY_OF_YEAR = re.compile(r"(\d{1,2})\.(\d{1,2})\.?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2})[.:](\d\d)", re.ASCII)


class NotANumber(ValueError):
    """Raised for a text that is no number of its kind; `problem` says what to write instead."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem if isinstance(problem, Said) else Said(problem)


def whole(text: str, *, without_minus: str = "") -> str:
    """Return a whole number as files write it. `without_minus`: what is said of a minus where none may stand.

    Raises:
        NotANumber: it is none.
    """
    text = number(text.replace("\u2212", "-"))
    if found := _WHOLE.fullmatch(text):
        if found[1] == "-" and without_minus:
            raise NotANumber(Words(without_minus, number=found[2]))
        return found[1].replace("+", "") + found[2]
    if found := _FRACTION.fullmatch(text):
        lower = int(found[1]) - found[1].startswith("-")
        raise NotANumber(Words("Write a whole number, such as {lower} or {higher}", lower=lower, higher=lower + 1))
    raise NotANumber(_no_digits_alone(text))


def decimal(text: str) -> str:
    """Return a number as files write it.

    Raises:
        NotANumber: it is none.
    """
    text = number(text.replace("\u2212", "-"))
    if re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII):
        return text
    if found := _FRACTION.fullmatch(text):
        raise NotANumber(Words("Write it with a point: {number}", number=f"{found[1]}.{found[2]}"))
    raise NotANumber(_no_digits_alone(text))


def _no_digits_alone(text: str) -> str:
    """Return what is wrong with a text that is more than a number, or less."""
    numbers = re.findall(r"\d+", text, re.ASCII)
    if not numbers:
        return N_("Write it in digits, such as 10")
    if len(numbers) == 1:
        return Words("Write only the number: {number}", number=numbers[0])
    return _NOT_ONLY_DIGITS


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
