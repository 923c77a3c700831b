"""The notation of dates, money and numbers in each language (CLDR, by Babel)."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache, partial

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal, get_group_symbol

from domain.core.plain import PlainData

GROUP = "\u202f"
"""A narrow no-break space between thousands: a number never breaks over two lines."""
TENGE = "\u00a0₸"
LOCALES: Mapping[str, str] = {"en": "en_GB"}
"""Language -> how it is written here: "24 September 2026", for the American order is read wrongly."""


def speaks(language: str) -> bool:
    """Return True if dates can be written in the language."""
    try:
        Locale.parse(LOCALES.get(language, language))
    except (UnknownLocaleError, ValueError):
        return False
    return True


def filters_of(language: str) -> dict[str, Callable[..., str]]:
    """Return the filters of a language, besides `default`."""
    return {
        "date": partial(long_date, language=language),
        "number": partial(number, language=language),
        "money": money,
        "upper_first": upper_first,
    }


def long_date(value: str | date, language: str) -> str:
    """Return a day in words: an ISO date, a date, or the local day of a time.

    Raises:
        ValueError: it is another text.
        TypeError: it is neither text nor day.
    """
    if isinstance(value, str):
        return _long_date(date.fromisoformat(value), language)
    if not isinstance(value, date):
        raise TypeError("no day")
    return _long_date(value.date() if isinstance(value, datetime) else value, language)


@lru_cache(maxsize=4096)  # the nudges of a day speak of the same few days
def _long_date(day: date, language: str) -> str:
    return format_date(day, "long", LOCALES.get(language, language))


_TWO_STOPS = re.compile(r"(?<=\d\sг\.)\.(?!\.)")


def one_stop(text: str) -> str:
    """Return the text with one full stop where a Russian date ("20 мая 2026 г.") ends a sentence."""
    return _TWO_STOPS.sub("", text) if "г.." in text else text


def money(tenge: int) -> str:
    """Return an amount of whole tenge: "18 200 ₸"."""
    return f"{tenge:,}".replace(",", GROUP) + TENGE


def price(tenge: float, language: str) -> str:
    """Return an amount that may have a fraction, as the language writes it: "37.5 ₸"."""
    return number(int(tenge) if tenge == int(tenge) else float(tenge), language) + TENGE


def number(value: float, language: str) -> str:
    """Return a number with its thousands apart and the language's decimal sign.

    Raises:
        TypeError: it is no number.
    """
    if isinstance(value, int):
        return f"{value:,}".replace(",", GROUP)
    if not isinstance(value, float):
        raise TypeError("no number")
    locale = LOCALES.get(language, language)
    written: str = format_decimal(value, locale=locale)
    return written.replace(get_group_symbol(locale), GROUP)


def upper_first(value: PlainData) -> str:
    """Return the value with a capital first letter."""
    text = str(value)
    return text[:1].upper() + text[1:]
