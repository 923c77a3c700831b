"""A pack of warnings to the residents of areas, over the citizens of the shipped pack, and its events."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streams.intake.cloudevents import Envelope
from tests.world import World, at_any_time, event, iin, registered

ALMATY, DISTRICT, OTHER_DISTRICT, ASTANA = "750000000", "751110000", "751210000", "710000000"

STORM = """\
type: weather.storm
title: {kk: Дауыл, ru: Буря, en: Storm}
agency: weather
subject: none
area: event.area
ahead: any
data:
  type: object
  additionalProperties: false
  required: [area]
  properties:
    area: {type: string, pattern: '^[0-9]{9}$'}
    on: {type: string, format: date}
    number: {type: string}
"""

CLEARED = STORM.replace("weather.storm", "weather.cleared")

RULES = """\
# yaml-language-server: $schema=../../trigger.schema.json
title: {kk: Дауыл, ru: Буря, en: Storm}
owner: weather
legal_basis: "Law on civil protection"
category: weather
class: service
on: weather.storm
to: residents
channels: [sms]
"""

AT_EVENT = """\
due: {first: {offset: PT1H}, last: {from: event.on, at: "12:00", smooth: PT2H}}
expires: P1D
unless:
  - {on: weather.cleared, when: later.area == event.area}
"""
AT_DUE = """\
residents_at: due
smooth: PT30M
due: {first: {from: event.on, offset: -P3D}, last: {from: event.on}}
"""
OF_AGE = "when: citizen.age >= 60\noccurrence: event.number\ndue: {first: {from: event.on}}\n"
UNLESS_TOLD = """\
due: {first: {from: event.on, offset: P1D}}
unless:
  - {on: kz.document.issued}
"""
TRIGGERS: Mapping[str, str] = {"at_event": AT_EVENT, "at_due": AT_DUE, "of_age": OF_AGE, "unless_told": UNLESS_TOLD}

WORDS = """\
---
subject: "Дауыл"
push: {title: "Дауыл", body: "Дауыл"}
sms: "Дауыл"
---
Дауыл.
"""


def write_weather(folder: Path, triggers: Mapping[str, str] = TRIGGERS) -> list[Path]:
    """Write the pack; returns it with the shipped one that it is published with."""
    pack = folder / "weather"
    files = {
        "pack.yaml": "pack: weather\ntitle: {kk: Ауа райы, ru: Погода, en: Weather}\nlive_from: 2024-01-01\n"
        "agencies: {weather: {title: {kk: Ауа райы, ru: Погода, en: Weather}}}\n",
        "events/storm.yaml": STORM,
        "events/cleared.yaml": CLEARED,
    }
    for name, rules in triggers.items():
        files[f"{name}/trigger.yaml"] = RULES + rules
        files |= {f"{name}/{language}.md": WORDS for language in ("kk", "ru", "en")}
    for name, text in files.items():
        (pack / name).parent.mkdir(parents=True, exist_ok=True)
        (pack / name).write_text(text, encoding="utf-8")
    return [at_any_time(folder), pack]


def storm(area: str = ALMATY, id_: str = "storm", time: str = "2025-06-05T00:00:00Z", **more: Any) -> Envelope:
    """A storm is announced for an area."""
    data = {"area": area, "on": "2025-06-20", "number": "S1"} | more.pop("data", {})
    return event("weather.storm", None, time, data, id=id_, **more)


def moved(person: str, area: str, time: str, id_: str = "") -> Envelope:
    """Somebody moves."""
    data = {"kind": "moved", "area": area, "address": "Абай көшесі, 7"}
    return event("kz.residence.registered", person, time, data, id=id_ or f"moved-{person[6:11]}-{time}")


def settled(number: int, area: str = DISTRICT, born_on: str = "1990-01-01") -> list[Envelope]:
    """A citizen who has lived in an area since 2020."""
    person = iin(number)
    return [*registered(person, born_on), moved(person, area, "2020-02-01T00:00:00Z")]


def told(world: World, trigger: str = "at_event") -> set[str]:
    """Whoever has a pending nudge of the trigger."""
    return {intent.person for intent in world.pending() if intent.trigger == trigger}
