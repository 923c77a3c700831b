"""An area event to a million residents, until each has a nudge in the due table.

Made directly, and not timed: every resident's one life event is sealed and appended by intake's own transaction, but
not checked as an envelope; where they live is folded by the domain and written by the view, but not by planning;
their histories are marked as planned at once. The area event itself goes the whole way.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from sqlalchemy import update

from app.compose import Platform, compose
from app.settings import load_settings
from app.tuning import calm_collector
from benchmarks.measuring import Row, in_a_process, peak_mb, seconds, sized, tell
from benchmarks.world import AT_NOW, NOW, publish
from domain.core.events import Effective, LifeEvent
from domain.core.timing import UTC
from projections import residents
from projections.tables import history
from streams.intake.cloudevents import envelope_of
from streams.planning.residences import ResidenceRows
from templates.checks.loader import shipped
from tests.beginnings import KEYRING, packs_in

RESIDENTS, BATCH = sized(1_000_000, least=2000), 20_000
CITY = "750000000"

PACK = {
    "pack.yaml": "pack: city\ntitle: {kk: Қала, ru: Город, en: City}\nlive_from: 2024-01-01\n"
    "agencies: {city: {title: {kk: Қала, ru: Город, en: City}}}\n",
    "events/outage.yaml": """\
type: city.outage
title: {kk: Өшіру, ru: Отключение, en: Outage}
agency: city
subject: none
area: event.area
data:
  type: object
  additionalProperties: false
  required: [area, on]
  properties:
    area: {type: string}
    on: {type: string, format: date}
""",
    "outage/trigger.yaml": """\
title: {kk: Өшіру, ru: Отключение, en: Outage}
owner: city
legal_basis: "Rules of 2020"
category: outages
class: service
on: city.outage
to: residents
due: {morning: {from: event.on, at: "10:00"}}
smooth: PT2H
expires: event.on
channels: [sms]
""",
}
WORDS = '---\nsubject: "Су"\npush: {title: "Су", body: "Су"}\nsms: "Су"\n---\nСу.\n'


class Measured(msgspec.Struct):
    """What the child process measured."""

    seconds: float
    nudges: int
    peak_mb: float
    preparing: float


def measure() -> tuple[list[Row], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        found = in_a_process("benchmarks.area", Measured, folder)
    assert found.nudges == RESIDENTS
    rows = [
        Row(f"an area event to {RESIDENTS:,} residents, to the due table", found.seconds, "s", 60, most=True),
        Row("memory of that process", found.peak_mb, "MB", 2000, most=True),
    ]
    return rows, {"nudges/s": RESIDENTS / found.seconds, "s to make the residents": found.preparing}


def _run(folder: Path) -> Measured:
    calm_collector()
    on = city(folder)
    preparing = seconds(lambda: settle(on, RESIDENTS))
    on.intake.accept([envelope_of(outage())])
    taken = seconds(on.planning.areas.drain)
    with on.database.reading() as connection:
        nudges = connection.exec_driver_sql("SELECT count(*) FROM due").scalar_one()
    return Measured(taken, nudges, peak_mb(), preparing)


def city(folder: Path, url: str = "") -> Platform:
    """A platform for which the city's pack is published; `url`: on that database, with its keys in the folder."""
    files = PACK | {f"outage/{language}.md": WORDS for language in ("kk", "ru", "en")}
    for name, text in files.items():
        (folder / "city" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "city" / name).write_text(text, encoding="utf-8")
    packs = [*(each for each in shipped() if each.name == "kz"), folder / "city"]
    at = url or f"sqlite:///{folder}/area.sqlite"
    on = compose(load_settings(database=at, packs=":".join(map(str, packs))), AT_NOW, KEYRING)
    if url:
        publish(on, packs_in(packs))
    return on


def settle(on: Platform, large: int) -> None:
    residing = ResidenceRows(on.rules.library.rules().catalogue, on.identity.names)
    for start in range(0, large, BATCH):
        events = [_residence(on, number) for number in range(start, min(start + BATCH, large))]
        on.intake.store(events)
        on.database.write(lambda connection: residents.store(connection, _rows(residing, events)))  # noqa: B023
    on.database.write(lambda connection: connection.execute(update(history).values(planned=True)))


def _residence(on: Platform, number: int) -> LifeEvent:
    data = {"area": f"75{number % 8 + 1:02}10000", "address": "Абай даңғылы, 10"}
    return LifeEvent(
        stream=on.identity.names.stream("/bench", str(number)),
        source="/bench",
        id=str(number),
        type="kz.residence.registered",
        time=NOW.replace(year=2020, tzinfo=UTC),
        persons={"citizen": (on.identity.names.pseudonym(str(number)),)},
        fields={"citizen": data, "public": {"kind": "first"}},
        digest=str(number).encode(),
    )


def _rows(residing: ResidenceRows, events: Sequence[LifeEvent]) -> dict[str, list[residents.Resident]]:
    persons = [(event.persons["citizen"][0], event) for event in events]
    return {person: residing.rows(person, [Effective(event, event.id)]) for person, event in persons}


def outage() -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": "outage",
        "source": "/bench",
        "type": "city.outage",
        "time": NOW.isoformat(),
        "data": {"area": CITY, "on": "2026-01-20"},
    }


if __name__ == "__main__":
    tell(_run(Path(sys.argv[1])))
