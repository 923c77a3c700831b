"""Public holidays by country, from the package `holidays`."""

from datetime import date, timedelta
from functools import lru_cache

from msgspec import Struct


class PublicHolidays(Struct, frozen=True):
    """The days without work in a country (ISO 3166-1, alpha-2), year by year."""

    country: str

    def __call__(self, year: int) -> frozenset[date]:
        """Return the public holidays of that year, weekends included."""
        return _free(self.country, year)


def countries() -> list[str]:
    """Return the countries whose holidays are known."""
    from holidays.registry import EntityLoader  # noqa: PLC0415  (only packs that say `holidays` pay for its import)

    codes = EntityLoader.get_country_codes()  # `list_supported_countries` would import the calendar of each country
    return sorted(code for code in codes if len(code) == 2)  # noqa: PLR2004  (codes of ISO 3166-1)


@lru_cache(maxsize=1024)
def _free(country: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415  (the same)

    calendar = holidays.country_holidays(country, years=year)
    days = (date(year, 1, 1) + timedelta(days=each) for each in range(365 + (year % 4 == 0)))
    return frozenset(day for day in days if day.year == year and not calendar.is_working_day(day))
