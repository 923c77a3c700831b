"""The family whose year the demo tells: two parents, their first child, and what the registries report about them.

Everything here enters the platform as any registry's report does. What the family is told follows from it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from app.demo.population import Population, split_at
from app.simulation.happenings import reported
from domain.core.national_id import with_check_digit
from streams.intake.cloudevents import Envelope, envelope_of

_BEFORE, _NOW = "196220100", "191810000"
"""The areas (KATO) of the home that they leave, and of the one in Alatau."""
_BIRTH_ALLOWANCE, _CHILDCARE_ALLOWANCE = 38 * 3932, 22_648
"""In tenge: 38 monthly calculation indices of 2025; 5.76 of them a month, without the fraction."""


def _iin(stem: str) -> str:
    """Return the first national id that begins with these seven digits."""
    return next(found for serial in range(9_900, 10_000) if (found := with_check_digit(f"{stem}{serial}")))


MOTHER, FATHER, CHILD = _iin("9605144"), _iin("9409123"), _iin("2501166")
PARENTS: Final[Mapping[str, str]] = {"aigerim": MOTHER, "daniyar": FATHER}
"""Name in addresses -> national id."""
_REGISTERED: Final = "kz.citizen.registered"
_RESIDENCE: Final = "kz.residence.registered"
_CONTACT: Final = "citizen.contact_changed"
_PREFERENCES: Final = "citizen.preferences_changed"
_DOCUMENT: Final = "kz.document.issued"
_PLANNED, _VACCINATED = "kz.health.vaccination_planned", "kz.health.vaccinated"
_FINE, _PAID = "kz.traffic.fine_issued", "kz.traffic.fine_paid"

_Report = tuple[str, str, str, Mapping[str, Any]]


def with_family(people: Population, start: datetime) -> Population:
    """Return the population with the family in it; what happened before the start is known."""
    events = [_envelope(number, *report) for number, report in enumerate(_reports())]
    return split_at([*people.known, *people.coming, *events], start)


def _envelope(number: int, time: str, type_: str, subject: str, data: Mapping[str, Any]) -> Envelope:
    at = f"{time}:00+05:00"
    return envelope_of(reported(f"family-{number}", "/demo/family", type_, at, dict(data), subject))


def _reports() -> Iterator[_Report]:
    yield from _people()
    yield from _birth()
    yield from _move()
    yield from _child()
    yield from _papers()
    yield from _fines()


def _people() -> Iterator[_Report]:
    mother = {"given_name": "Айгерім", "family_name": "Сейітова", "sex": "female", "born_on": "1996-05-14"}
    father = {"given_name": "Данияр", "family_name": "Сейітов", "sex": "male", "born_on": "1994-09-12"}
    home = {"kind": "first", "area": _BEFORE, "address": "Талғар қ., Сәтбаев көшесі, 12-үй"}
    for who, named, phone, push in (
        (MOTHER, mother, "+77609000001", None),
        (FATHER, father, "+77609000002", "demo:daniyar"),
    ):
        yield f"{named['born_on']}T09:00", _REGISTERED, who, named
        yield "2021-03-01T10:00", _RESIDENCE, who, home
        contact = {"phone": phone, "email": None}
        yield "2022-06-20T10:00", _CONTACT, who, contact | ({"push": push} if push else {})
    yield "2022-06-20T11:00", _PREFERENCES, MOTHER, {"language": "kk"}
    yield "2022-06-20T11:00", _PREFERENCES, FATHER, {"language": "ru"}
    married = {"partner": FATHER, "married_on": "2022-06-18"}
    yield "2022-06-18T12:00", "kz.civil.marriage_registered", MOTHER, married


def _birth() -> Iterator[_Report]:
    named = {"given_name": "Амина", "family_name": "Сейітова", "sex": "female", "born_on": "2025-01-16"}
    born = {"mother": MOTHER, "father": FATHER, **named, "order": 1}
    yield "2025-01-20T11:20", "kz.civil.birth_registered", CHILD, born
    home = {"kind": "first", "area": _BEFORE, "address": "Талғар қ., Сәтбаев көшесі, 12-үй"}
    yield "2025-01-21T09:30", _RESIDENCE, CHILD, home
    once = {"child": CHILD, "amount": _BIRTH_ALLOWANCE, "granted_on": "2025-01-24"}
    yield "2025-01-24T15:00", "kz.social.birth_allowance_granted", MOTHER, once
    monthly = {"child": CHILD, "amount": _CHILDCARE_ALLOWANCE, "granted_on": "2025-01-29"}
    yield "2025-01-29T12:00", "kz.social.childcare_allowance_granted", MOTHER, monthly


def _move() -> Iterator[_Report]:
    home = {"kind": "moved", "area": _NOW, "address": "Алатау қ., Абай көшесі, 15-үй, 27-пәтер"}
    clinic = {"clinic": "№3 қалалық емхана", "area": _NOW, "attached_on": "2025-02-14"}
    for who in (MOTHER, FATHER, CHILD):
        yield "2025-02-10T10:40", _RESIDENCE, who, home
        yield "2025-02-14T16:00", "kz.health.clinic_attached", who, clinic


def _child() -> Iterator[_Report]:
    yield "2025-02-17T14:00", _PLANNED, CHILD, {"visit": "two_months", "planned_on": "2025-03-18"}
    yield "2025-03-18T11:15", _VACCINATED, CHILD, {"visit": "two_months", "vaccinated_on": "2025-03-18"}
    yield "2025-02-17T14:00", _PLANNED, CHILD, {"visit": "one_year", "planned_on": "2026-01-16"}
    joined = {"parents": [MOTHER, FATHER], "area": _NOW, "joined_on": "2025-03-27"}
    yield "2025-03-27T10:10", "kz.education.kindergarten_queue_joined", CHILD, joined


def _papers() -> Iterator[_Report]:
    yield "2015-09-10T12:00", _DOCUMENT, MOTHER, _document("identity_card", "042118230", "2015-09-10", "2025-09-10")
    yield "2025-08-21T12:30", _DOCUMENT, MOTHER, _document("identity_card", "058830114", "2025-08-21", "2035-08-21")
    yield "2020-02-03T12:00", _DOCUMENT, FATHER, _document("identity_card", "047712094", "2020-02-03", "2030-02-03")
    yield "2016-01-27T12:00", _DOCUMENT, MOTHER, _document("passport", "N11873042", "2016-01-27", "2026-01-27")


def _document(kind: str, number: str, issued: str, expires: str) -> Mapping[str, Any]:
    return {"kind": kind, "number": number, "issued_on": issued, "expires_on": expires}


def _fines() -> Iterator[_Report]:
    yield "2025-06-10T11:00", _FINE, FATHER, _fine("250610000417", "2025-06-07", "2025-06-10", 39_320)
    yield "2025-06-12T19:40", _PAID, FATHER, {"number": "250610000417", "amount": 19_660, "paid_on": "2025-06-12"}
    yield "2025-12-29T11:00", _FINE, FATHER, _fine("251229000931", "2025-12-27", "2025-12-29", 19_660)


def _fine(number: str, violated: str, issued: str, amount: int) -> Mapping[str, Any]:
    told = {"number": number, "amount": amount, "violated_on": violated, "issued_on": issued}
    return told | {"recorded_by": "camera"}
