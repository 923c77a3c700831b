"""The words of the pages: gettext catalogues, read from their .po files when the server starts.

English is the language that templates and modules are written in, so it needs no catalogue of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

from domain.core.translatable import Said, translated
from templates.words.filters import LOCALES, money

LANGUAGES: Final[Mapping[str, str]] = {"kk": "Қазақша", "ru": "Русский", "en": "English"}
DEFAULT_LANGUAGE: Final = "en"
LOCALE: Final = Path(__file__).with_name("locale")


def language_among(wished: str) -> str:
    """Return the language if there are words in it, else the one for everybody else."""
    return wished if wished in LANGUAGES else DEFAULT_LANGUAGE


def own_first(own: str, languages: Iterable[str]) -> list[str]:
    """Return the languages in their order, but the reader's own before all others if it is among them."""
    return sorted(languages, key=lambda each: each != own)


def language_of_header(accept_language: str) -> str:
    """Return the first language of an Accept-Language header that there are words in (RFC 9110, 12.5.4; weights
    ignored).
    """
    ranges = (part.partition(";")[0].strip().lower().partition("-")[0] for part in accept_language.split(","))
    return next((each for each in ranges if each in LANGUAGES), DEFAULT_LANGUAGE)


@lru_cache(maxsize=len(LANGUAGES))
def translations(language: str) -> NullTranslations:
    """Return the catalogue of a language."""
    if language == DEFAULT_LANGUAGE:
        return NullTranslations()
    with (LOCALE / f"{language}.po").open("rb") as source:
        catalogue = read_po(source, language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


class Speech:
    """A language: its words, and its notation of dates and numbers; `zone`: the one in which times are shown."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language, self.zone = language, zone
        self._words, self._locale = translations(language), Locale.parse(LOCALES.get(language, language))

    def say(self, text: str) -> str:
        """Return the text in this language."""
        return str(self._words.gettext(text))

    def tell(self, text: str) -> str:
        """Translate an English sentence of the platform into this language, as far as it is translatable."""
        return translated(text, self)

    def language_of(self, text: str) -> str:
        """Return the language in which `tell` gives it."""
        return self.language if isinstance(text, Said) else DEFAULT_LANGUAGE

    def many(self, one: str, more: str, count: int) -> str:
        """Return the form of the text that the language has for that number, with `count` in it."""
        return str(self._words.ngettext(one, more, count)).format(count=self.number(count))

    def day(self, day: date) -> str:
        """Return a day: "2 June 2025"."""
        return format_date(day, "long", self._locale)

    def month(self, day: date) -> str:
        """Return the month of a day: "June 2025"."""
        return format_date(day, "LLLL y", self._locale)

    def short_month(self, day: date) -> str:
        """Return the month of a day without its year, short: "Jun"."""
        return format_date(day, "LLL", self._locale)

    def date_at(self, moment: datetime) -> date:
        """Return the date of a moment in the zone."""
        return moment.astimezone(self.zone).date()

    def day_at(self, moment: datetime) -> str:
        """Return the day of a moment in the zone."""
        return self.day(self.date_at(moment))

    def moment(self, moment: datetime) -> str:
        """Return a moment, to the minute, as the clock on the wall shows it in the zone: "2 June 2025, 09:30"."""
        local = moment.astimezone(self.zone)
        return f"{self.day(local.date())}, {local:%H:%M}"

    def number_of_days(self, days: int) -> str:
        """Return a number of days in words: "30 days"."""
        return format_timedelta(days * 86_400, granularity="day", threshold=10**6, locale=self._locale)

    def duration(self, seconds: float) -> str:
        """Return a length of time as people say it: "9 min"."""
        return format_timedelta(timedelta(seconds=round(seconds)), threshold=2, format="short", locale=self.language)

    def number(self, number: float) -> str:
        """Return a number with its groups."""
        return format_decimal(number, locale=self._locale)

    def joined(self, names: Sequence[str]) -> str:
        """Return names one after the other: "smtp and sms"."""
        return format_list(names, "standard", self._locale)

    def money(self, tenge: float) -> str:
        """Return an amount of tenge as messages write it: "18 200 ₸"."""
        return money(round(tenge))

    def titled(self, titles: Mapping[str, str]) -> str:
        """Return a title that packs give in several languages."""
        return titles.get(self.language) or next(iter(titles.values()), "")
