"""Identity cards, passports and driving licences: issued for ten years, renewed in time, late or never."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from app.simulation.citizens import Citizen
from app.simulation.days import Day, iso, years_after
from app.simulation.happenings import Happening, report
from app.simulation.households import Household

_VALID_YEARS: Final = 10
_LONGEST_DELAY: Final = 120
_IN_TIME: Final = 0.60
_LATE: Final = 0.28
_DRIVES: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    prefix: str
    from_age: int
    share: float


_CARD: Final = _Kind("identity_card", "0", 16, 0.99)
_PASSPORT: Final = _Kind("passport", "N", 18, 0.35)
_LICENCE: Final = _Kind("driving_licence", "KZ", 18, 1.0)


def documents(household: Household, citizen: Citizen) -> Iterator[Happening]:
    """Every document issued to the citizen that is valid in the span, or was until shortly before it."""
    rng = household.rng
    for kind in (_CARD, _PASSPORT, _LICENCE) if drives(citizen) else (_CARD, _PASSPORT):
        if rng.random() < kind.share:
            yield from _issued(rng, household.span.start, citizen, kind)


def drives(citizen: Citizen) -> bool:
    """Return True if the citizen ever holds a driving licence.

    Drawn from their national id, so it needs no memory.
    """
    return int(citizen.iin[-5:]) % 100 < 100 * _DRIVES


def _issued(rng: Random, start: Day, citizen: Citizen, kind: _Kind) -> Iterator[Happening]:
    entitled = years_after(citizen.born, kind.from_age) + 1 + int(60 * rng.random())
    oldest = years_after(start, -_VALID_YEARS) - _LONGEST_DELAY
    day: Day | None = max(entitled, oldest + int((start - oldest) * rng.random()))
    while day is not None and day < citizen.until:
        expires = years_after(day, _VALID_YEARS)
        number = f"{kind.prefix}{int(1e8 * rng.random()):08d}"
        data = {"kind": kind.name, "number": number, "issued_on": iso(day), "expires_on": iso(expires)}
        yield report(rng, day, citizen, "kz.document.issued", data)
        day = _renewal(rng, expires)


def _renewal(rng: Random, expires: Day) -> Day | None:
    luck = rng.random()
    if luck < _IN_TIME:
        return expires - 1 - int(30 * rng.random())
    return expires + 1 + int((_LONGEST_DELAY - 1) * rng.random()) if luck < _IN_TIME + _LATE else None
