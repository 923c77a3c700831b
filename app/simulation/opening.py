"""The registries' knowledge on the first day: each citizen's registration, residence, contact and wishes."""

from collections.abc import Iterator
from random import Random
from typing import Any

from app.simulation.citizens import Citizen
from app.simulation.days import Day, years_after, years_between
from app.simulation.happenings import OPENS, Happening, office_second
from app.simulation.households import Household

_ADULT = 18
_OWN_PHONE = 14
_KNOWN_FOR = 3652
_HAS_EMAIL = 0.85
_HAS_PHONE = 0.95
_STATES_LANGUAGE = 0.97
_STATES_QUIET_HOURS = 0.05
_CLOSED_CODES = (760, 761, 762, 763, 764)
"""Codes of closed networks: their numbers are valid in the plan, and no mobile operator gives them."""
_MORE_LETTERS = {"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch", "ю": "yu", "я": "ya"}
_TO_LATIN = str.maketrans(
    "аәбвгғдеёзийкқлмнңоөпрстуұүфхһыіэ", "aabvggdeeziikqlmnnooprstuuufhhyie", "ъь"
) | str.maketrans(_MORE_LETTERS)


def opening_events(household: Household, citizen: Citizen) -> Iterator[Happening]:
    """Yield the citizen's opening events in their order, all of them before the span."""
    rng, span = household.rng, household.span
    before_all = OPENS - 1  # whatever else is registered on the day of the birth comes later
    yield Happening(citizen.born, before_all, citizen, "kz.citizen.registered", citizen.identity_data())
    moments = _moments(rng, max(citizen.born, span.start - _KNOWN_FOR), span.start)
    home = household.first_home
    residence = {"kind": "first", "area": home.area, "address": home.address}
    yield Happening(*moments[0], citizen, "kz.residence.registered", residence)
    yield Happening(*moments[1], citizen, "citizen.contact_changed", _contact(rng, citizen, span.start))
    if rng.random() < _STATES_LANGUAGE:
        yield Happening(*moments[2], citizen, "citizen.preferences_changed", _preferences(rng, citizen))
    if years_after(citizen.born, _ADULT) > span.start:
        guardians = {"guardians": [adult.iin for adult in household.adults]}
        yield Happening(*moments[3], citizen, "citizen.guardian_appointed", guardians)


def _moments(rng: Random, since: Day, until: Day) -> list[tuple[Day, int]]:
    """Four moments in order, each (day, second of the day), none before the day `since` or after `until`."""
    days = until - since
    return sorted((since + int(days * rng.random()), office_second(rng)) for _ in range(4))


def _contact(rng: Random, citizen: Citizen, start: Day) -> dict[str, Any]:
    reachable = years_between(citizen.born, start) >= _OWN_PHONE
    has_email, has_phone = rng.random() < _HAS_EMAIL, rng.random() < _HAS_PHONE
    return {
        "email": _email(citizen) if reachable and has_email else None,
        "phone": _phone(citizen) if reachable and has_phone else None,
    }


def _email(citizen: Citizen) -> str:
    return f"{citizen.given_name.lower().translate(_TO_LATIN)}.{citizen.label}@example.org"


def _phone(citizen: Citizen) -> str:
    """Return a number that gateways take as valid, and that is nobody's; the first five million begin with 0."""
    number = int(citizen.label.rpartition("c")[2])
    turn, code = divmod(number, len(_CLOSED_CODES))
    return f"+7{_CLOSED_CODES[code]}{turn // 1_000_000 % 10}{(turn * 654_321 + 234_567) % 1_000_000:06d}"


def _preferences(rng: Random, citizen: Citizen) -> dict[str, Any]:
    wishes: dict[str, Any] = {"language": citizen.language}
    if rng.random() < _STATES_QUIET_HOURS:
        wishes |= {"quiet_from": "22:00", "quiet_to": "08:00"}
    return wishes
