"""A country with a history, written as it lies in a large log: what befalls one person is scattered over all of it.

Made directly, row by row as intake would, but nothing is checked and nothing planned. One person in five has a fine.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from app.clock import fixed
from app.compose import Platform
from benchmarks.world import published
from domain.core.events import LifeEvent
from projections.bulk import insert_rows
from projections.tables import history, micros
from streams.log.mapper import seal
from streams.log.person_keys import PersonKey
from streams.log.row_codes import codes_of
from streams.storage.tables import log

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OPENED, YEAR = datetime(2025, 1, 2, tzinfo=UTC), timedelta(days=350)
EACH, FINED = 20, 5
"""Events of each person, and of how many persons one has a fine."""
BATCH = 20_000
OTHERS = (
    "kz.health.screened",
    "kz.tax.assessed",
    "kz.tax.paid",
    "kz.pension.contribution_received",
    "kz.car.inspected",
    "kz.work.job_started",
    "kz.work.job_ended",
    "kz.school.enrolled",
    "kz.health.vaccinated",
    "kz.clinic.attached",
    "kz.housing.listed",
    "kz.business.registered",
)


def make(folder: Path, events: int, url: str = "") -> Platform:
    """A platform with so many events; `url`: on that database, which has our tables and nothing in them."""
    on = published(url or f"sqlite:///{folder}/country.sqlite", fixed(NOW), now=NOW, key_file=folder / "key")
    people = sorted(on.identity.names.pseudonym(str(number)) for number in range(events // EACH))
    first = on.log.facts.max_notification_id() or 0
    for number in range(EACH):
        for start in range(0, len(people), BATCH):
            _write(on, people[start : start + BATCH], number, first + number * len(people) + start)
    for start in range(0, len(people), BATCH // EACH):
        rows = [
            (
                person,
                first + number * len(people) + start + at + 1,
                micros(_time(person, number)),
                _type(person, number),
                None,
                True,
                micros(_time(person, number)),
                0,
                False,
            )
            for at, person in enumerate(people[start : start + BATCH // EACH])
            for number in range(EACH)
        ]
        on.database.write(lambda connection: insert_rows(connection, history, rows))  # noqa: B023  (runs at once)
    on.database.write(lambda connection: connection.exec_driver_sql("ANALYZE"))
    return on


def has_fine(person: str) -> bool:
    """Return True if one of the person's events is a fine."""
    return int(person[:6], 16) % FINED == 0


def _write(on: Platform, people: Sequence[str], number: int, before: int) -> None:
    keys, made = on.database.write(lambda connection: on.log.keys.ensure(connection, people))
    on.log.keys.remember(made)
    rows = [row[1:] for row in _rows(people, number, before, keys)]
    on.database.write(lambda connection: insert_rows(connection, log, codes_of(connection).with_codes(before, rows)))


def _rows(
    people: Sequence[str], number: int, before: int, keys: dict[str, PersonKey]
) -> Iterator[tuple[int, UUID, int, str, bytes]]:
    for at, person in enumerate(people, before + 1):
        event = _event(person, number, UUID(int=at << 64))
        yield at, event.stream, 1, event.TOPIC, seal(event, keys, event.time)


def _event(person: str, number: int, stream: UUID) -> LifeEvent:
    type_, role = _type(person, number), "citizen"
    data: dict[str, object] = {"number": f"{person[:12]}-{number}", "note": "as the registry has it", "amount": 43250}
    match number:
        case 0:
            data = {"given_name": "Айгерім", "family_name": "Серікқызы", "sex": "female", "born_on": "1985-03-08"}
        case 1:
            data = {"phone": "+77011234567", "email": "a@example.org"}
        case 2:
            data = {"language": "kk" if person < "a" else "ru"}
        case 3:
            data = {"kind": "first", "area": "750110000", "address": "Абай даңғылы, 10"}
        case _ if type_ == "kz.traffic.fine_issued":
            role, day = "driver", _time(person, number).date().isoformat()
            data = {"number": f"{person[:12]}", "amount": 19660, "violated_on": day, "issued_on": day}
    return LifeEvent(
        stream=stream,
        source="/bench",
        id=f"{person}-{number}",
        type=type_,
        time=_time(person, number),
        persons={role: (person,)},
        fields={role: data},
        digest=b"digest",
    )


def _type(person: str, number: int) -> str:
    opening = (
        "kz.citizen.registered",
        "citizen.contact_changed",
        "citizen.preferences_changed",
        "kz.residence.registered",
    )
    if number < len(opening):
        return opening[number]
    if number == EACH // 2 and has_fine(person):
        return "kz.traffic.fine_issued"
    return OTHERS[(int(person[6:10], 16) + number) % len(OTHERS)]


def _time(person: str, number: int) -> datetime:
    return OPENED + YEAR * ((number + int(person[:4], 16) / 2**16) / EACH)
