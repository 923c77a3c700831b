"""Events in a simulated citizen's life, and the CloudEvent by which a registry reports each."""

from collections.abc import Mapping
from random import Random
from typing import Any, Final, NamedTuple

from app.simulation.citizens import Citizen
from app.simulation.days import Day, iso

SOURCES: Final[Mapping[str, str]] = {
    "citizen.contact_changed": "/platform/cabinet",
    "citizen.guardian_appointed": "/platform/cabinet",
    "citizen.preferences_changed": "/platform/cabinet",
    "kz.citizen.registered": "/kz/civil",
    "kz.civil.birth_registered": "/kz/civil",
    "kz.civil.death_registered": "/kz/civil",
    "kz.civil.marriage_registered": "/kz/civil",
    "kz.civil.name_changed": "/kz/civil",
    "kz.document.issued": "/kz/interior/documents",
    "kz.education.kindergarten_queue_joined": "/kz/education/kindergartens",
    "kz.employment.job_ended": "/kz/labour/contracts",
    "kz.employment.job_started": "/kz/labour/contracts",
    "kz.health.clinic_attached": "/kz/health/clinics",
    "kz.health.vaccinated": "/kz/health/clinics",
    "kz.health.vaccination_planned": "/kz/health/clinics",
    "kz.pension.contribution_received": "/kz/labour/pensions",
    "kz.pension.granted": "/kz/labour/pensions",
    "kz.residence.registered": "/kz/interior/residence",
    "kz.social.birth_allowance_granted": "/kz/labour/allowances",
    "kz.tax.assessed": "/kz/finance/revenue",
    "kz.tax.paid": "/kz/finance/revenue",
    "kz.traffic.fine_issued": "/kz/interior/traffic",
    "kz.traffic.fine_paid": "/kz/finance/treasury",
}
"""Event type -> the registry that reports it."""

OPENS: Final = 9 * 3600
_OPEN_FOR: Final = 9 * 3600


class Happening(NamedTuple):
    """A life event before it has an id: when (day, second of the day in +05:00), to whom, what."""

    day: Day
    second: int
    citizen: Citizen
    type: str
    data: dict[str, Any]


def report(rng: Random, day: Day, citizen: Citizen, type_: str, data: dict[str, Any]) -> Happening:
    """Return a happening reported at some moment of that day's office hours."""
    return Happening(day, office_second(rng), citizen, type_, data)


def office_second(rng: Random) -> int:
    """Return a second of the day at which offices are open."""
    return OPENS + int(_OPEN_FOR * rng.random())


def stamp(day: Day, second: int) -> str:
    """Return the second of the day as RFC 3339 writes it."""
    minute, second = divmod(second, 60)
    return f"{iso(day)}T{minute // 60:02d}:{minute % 60:02d}:{second:02d}+05:00"


def cloud_event(happening: Happening) -> dict[str, Any]:
    """Return the happening as a CloudEvents 1.0 dict, its id the citizen's label and the next of their numbers."""
    day, second, citizen, type_, data = happening
    citizen.events += 1
    id_ = f"{citizen.label}-{citizen.events}"
    return reported(id_, SOURCES[type_], type_, stamp(day, second), data, citizen.iin)


def reported(id_: str, source: str, type_: str, time: str, data: dict[str, Any], subject: str = "") -> dict[str, Any]:
    """Return an event as a CloudEvents 1.0 dict; `subject`: the national id of the person it is about, if any."""
    head = {"specversion": "1.0", "id": id_, "source": source, "type": type_, "time": time}
    return {**head, **({"subject": subject} if subject else {}), "datacontenttype": "application/json", "data": data}
