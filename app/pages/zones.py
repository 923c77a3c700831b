"""Time zones in words: the country's own first, by their towns (Unicode CLDR)."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global

from templates.words.filters import LOCALES

_OUTSIDE: Final = "001"
"""The world, as CLDR codes it: a zone of no country."""
Named = tuple[str, str]
"""The key of a zone and its name."""


def zone_groups(
    default: str, chosen: str, language: str, *, everywhere: bool = False
) -> Sequence[tuple[str, Sequence[Named]]]:
    """Return headings and zones: the country of the default zone first, then the chosen one if it is another.

    `everywhere`: then those of all other countries.
    """
    countries = _countries(language)
    home = next((name for name, zones in countries if any(key == default for key, _ in zones)), "")
    own = [(name, zones) for name, zones in countries if name == home]
    others = [(name, zones) for name, zones in countries if name != home]
    if not everywhere:
        others = [(name, kept) for name, zones in others if (kept := [each for each in zones if each[0] == chosen])]
    known = {key for _, zones in (*own, *others) for key, _ in zones}
    nowhere = [(key, [(key, key)]) for key in dict.fromkeys((default, chosen)) if key not in known]
    return [*own, *others, *nowhere]


@lru_cache(maxsize=8)
def _countries(language: str) -> Sequence[tuple[str, Sequence[Named]]]:
    """Return countries with their zones, both by name; the names are those of CLDR in that language."""
    locale, found = Locale.parse(LOCALES.get(language, language)), dict[str, list[Named]]()
    for key, territory in _territories():
        city = locale.time_zones.get(key, {}).get("city") or key.rpartition("/")[2].replace("_", " ")
        found.setdefault(str(locale.territories.get(territory, territory)), []).append((key, str(city)))
    return [(name, sorted(zones, key=lambda each: each[1])) for name, zones in sorted(found.items())]


def _territories() -> Iterator[tuple[str, str]]:
    usable = available_timezones()
    for key, territory in get_global("zone_territories").items():
        if territory != _OUTSIDE and key in usable:
            yield key, territory
