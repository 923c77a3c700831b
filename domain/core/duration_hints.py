"""Suggestions for durations that are written in words: "30 days before", "6 лет", "2 апта"."""

import re

from domain.core.translatable import Words

_IN_WORDS = re.compile(r"(?P<sign>-?)\s*(?P<number>\d{1,4})\s*(?P<unit>[^\W\d_]+)\s*(?P<side>[^\W\d_]*)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*")
_UNITS = {
    "P{}Y": ("year", "years", "год", "года", "лет", "жыл"),
    "P{}M": ("month", "months", "месяц", "месяца", "месяцев", "ай"),
    "P{}W": ("week", "weeks", "неделя", "недели", "недель", "апта"),
    "P{}D": ("day", "days", "день", "дня", "дней", "күн"),
    "PT{}H": ("hour", "hours", "час", "часа", "часов", "сағат"),
    "PT{}M": ("minute", "minutes", "минута", "минуты", "минут"),
}
_UNIT = {word: unit for unit, words in _UNITS.items() for word in words}
_SIDES = {"": "", "before": "-", "до": "-", "бұрын": "-", "after": "", "после": "", "кейін": ""}
SUCH_AS = Words("one such as -P30D, P18M, P63Y or PT1H")


def notation_meant(text: str) -> str:
    """Return the notation that was probably meant; where that is not plain, an example."""
    if _DATE.fullmatch(text):
        return Words("how long, {such_as}, not until when", such_as=SUCH_AS)
    found = _IN_WORDS.fullmatch(text.strip().casefold())
    if found is None or (unit := _UNIT.get(found["unit"])) is None or found["side"] not in _SIDES:
        return SUCH_AS
    return (found["sign"] or _SIDES[found["side"]]) + unit.format(found["number"])
