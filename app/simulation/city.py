"""Reports of the city of Alatau to its residents: outages, dirty air, heating, closed streets, floods, frost."""

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any, Final

from app.simulation.days import Day, arrivals, iso
from app.simulation.happenings import office_second, reported, stamp

CITY: Final = "191800000"
_OUTAGES, _CLOSURES, _DIRTY_DAYS = 9, 4, 8  # a year
_STREETS: Final = ("Абай көшесі", "Сәтбаев көшесі", "Достық даңғылы", "Жамбыл көшесі", "Әуезов көшесі")
_SUPPLIES: Final = ("electricity", "electricity", "water", "hot_water", "heat")
_OFF: Final = (("09:00", "13:00"), ("10:00", "16:00"), ("13:00", "18:00"))
_CALLED_OFF, _MOVED = 0.15, 0.2
_MONTHS_OF_SMOKE: Final = (1, 2, 11, 12)


def city_news(seed: int, start: date, end: date) -> Iterator[dict[str, Any]]:
    """Yield the area events of the city from `start` up to and without `end`, as CloudEvents (dicts), in no order.

    The same arguments give the same events, and two seeds share no id; who lives there is none of their business.
    """
    for event in _news(seed, start, end):
        ids = {name: f"s{seed}-{event[name]}" for name in ("id", "corrects") if name in event}
        yield event | ids


def _news(seed: int, start: date, end: date) -> Iterator[dict[str, Any]]:
    rng = Random(f"{seed}:city")  # noqa: S311  drawn to be repeated, not to be secret
    first, last = start.toordinal(), end.toordinal()
    for number, day in enumerate(arrivals(rng, _OUTAGES, first, last)):
        yield from _outage(rng, f"E-{number + 1}", day)
    for number, day in enumerate(arrivals(rng, _CLOSURES, first, last)):
        until = day + 3 + int(4 * rng.random())
        closed = {"street": rng.choice(_STREETS), "closed_from": iso(day + 3), "closed_until": iso(until)}
        yield _event(rng, f"R-{number + 1}", day, "alatau.roads.street_closed", closed)
    for number, day in enumerate(arrivals(rng, _DIRTY_DAYS, first, last)):
        if date.fromordinal(day).month in _MONTHS_OF_SMOKE:
            level = {"level": rng.choice(("high", "very_high"))}
            yield _event(rng, f"A-{number + 1}", day, "alatau.air.alert_issued", level)
    for year in range(start.year, end.year + 1):
        dated = [(_day_of(each), each) for each in _yearly(rng, year)]
        yield from (event for day, event in dated if first <= day < last)


def _outage(rng: Random, number: str, day: Day) -> Iterator[dict[str, Any]]:
    on, (begins, ends) = iso(day + 4), rng.choice(_OFF)
    place = f"{rng.choice(_STREETS)}, 1–{20 + int(60 * rng.random())}"
    supply, luck = rng.choice(_SUPPLIES), rng.random()
    data = {"resource": supply, "starts_on": on, "starts_at": begins, "ends_on": on, "ends_at": ends, "places": place}
    planned = _event(rng, number, day, "alatau.utilities.outage_planned", data)
    yield planned
    if luck < _CALLED_OFF:
        off = {"resource": supply, "starts_on": on}
        yield _event(rng, f"{number}", day + 2, "alatau.utilities.outage_cancelled", off)
    elif luck < _CALLED_OFF + _MOVED:
        moved = _event(rng, number, day + 3, planned["type"], data | {"starts_at": "14:00", "ends_at": "19:00"})
        moved["time"] = f"{iso(day + 3)}T19:00:00+05:00"  # after the first message
        yield moved | {"id": f"{moved['id']}-moved", "corrects": planned["id"], "revision": 2}


def _yearly(rng: Random, year: int) -> Iterator[dict[str, Any]]:
    frost = date(year, 1, 15).toordinal() + int(12 * rng.random())
    cancelled = {"cancelled_on": iso(frost + 1), "grades": "0–4", "reason": "frost", "announced": "evening"}
    yield _event(rng, "", frost, "alatau.schools.classes_cancelled", cancelled)
    flood = date(year, 4, 5).toordinal() + int(10 * rng.random())
    expected = {"river": "Іле", "expected_on": iso(flood + 2)}
    yield _event(rng, f"F-{year}", flood, "alatau.emergencies.flood_expected", expected)
    for what, month, season in (("ends", 4, f"{year - 1}/{year}"), ("starts", 10, f"{year}/{year + 1}")):
        day = date(year, month, 1).toordinal()
        data = {"season": season, "what": what, "changes_on": iso(day + 10 + int(5 * rng.random()))}
        yield _event(rng, "", day, "alatau.utilities.heating_season_set", data)


def _event(rng: Random, number: str, day: Day, type_: str, data: dict[str, Any]) -> dict[str, Any]:
    named = {"number": number} if number else {}
    id_, told = f"{type_}-{number or iso(day)}", {**named, "area": CITY, **data}
    return reported(id_, "/kz/alatau", type_, stamp(day, office_second(rng)), told)


def _day_of(event: dict[str, Any]) -> Day:
    return date.fromisoformat(event["time"][:10]).toordinal()
