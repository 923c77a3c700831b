"""A pack of two agencies that call people at once, by a trigger of each class; and who gets how many calls."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.nudges.nudge import Nudge
from domain.rules.triggers import CLASSES
from notifiers.port.interface import Message
from streams.intake.cloudevents import Envelope
from tests.world import World, event, iin

AIDA, BOLAT, CHILD = iin(1), iin(2), iin(3)
PACK = """\
pack: calls
title: {en: Calls}
live_from: 2024-01-01
national_id: kz.iin
defaults:
  language: en
  languages: [en]
  zone: Asia/Almaty
  quiet_hours: {from: "21:00", to: "09:00"}
  cap: {messages: 3, days: 7}
  age_of_majority: 18
area_levels: [2]
agencies: {north: {title: {en: North}}, south: {title: {en: South}}}
emergencies: {agencies: [north, south], categories: [emergency_calls]}
attributes: {born_on: {type: date, title: {en: Born}}}
"""
BORN = """\
type: calls.born
title: {en: A birth}
agency: north
subject: child
data:
  type: object
  additionalProperties: false
  required: [born_on]
  properties:
    born_on: {type: string, format: date}
    mother: {type: string, format: national-id}
    father: {type: string, format: national-id}
sets:
  child: {born_on: event.born_on, guardians: [mother, father]}
"""
MADE = """\
type: calls.made
title: {en: A call}
agency: north
subject: person
data:
  type: object
  additionalProperties: false
  required: [number, class]
  properties:
    number: {type: string}
    class: {type: string, enum: [emergency, legal, service, reminder, offer]}
    ends: {type: string, format: date}
    secret: {type: string}
sets: {}
"""
TRIGGER = """\
# yaml-language-server: $schema=../../trigger.schema.json
title: {{en: A {klass} call}}
owner: {owner}
legal_basis: "none"
category: {klass}_calls
class: {klass}
on: calls.made
when: event.class == "{klass}"
occurrence: event.number
due: {{now: {{from: event.time}}}}
expires: {expires}
channels: [push, sms, email]
actions: [{{id: open, url: "https://calls.example/open", label: {{en: Open}}}}]
"""
WORDS = """\
---
subject: "Call {{ event.number }}"
push: {title: "Call {{ event.number }}", body: "Please call back"}
sms: "Call {{ event.number }}, please"
---
Call {{ event.number }}, please.
"""


def write_calls(folder: Path, expires: str = "P30D") -> Path:
    """The pack on disk."""
    files = {"pack.yaml": PACK, "events/born.yaml": BORN, "events/made.yaml": MADE}
    for klass in CLASSES:
        owner = "north" if klass in {"legal", "reminder"} else "south"
        files[f"{klass}_call/trigger.yaml"] = TRIGGER.format(klass=klass, owner=owner, expires=expires)
        files[f"{klass}_call/en.md"] = WORDS
    for name, text in files.items():
        path = folder / "calls" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "calls"


NOON = datetime.fromisoformat("2025-06-02T12:00+05:00")


def calls_world(folder: Path, expires: str = "P30D", **parts: Any) -> World:
    """A platform with that pack, on which Aida and Bolat can be reached and want offers."""
    world = World(folder, now=NOON, packs=[write_calls(folder, expires)], **parts)
    world.take(*reachable(AIDA), *reachable(BOLAT))
    return world


def reachable(person: str, **contact: str) -> list[Envelope]:
    """Somebody who can be reached and wants offers."""
    addresses = {"phone": "+77011234567", "push": f"device-{person[6:11]}"} | contact
    return [
        event("citizen.contact_changed", person, "2024-01-02T00:00:00Z", addresses, id=f"contact-{person[6:11]}"),
        event(
            "citizen.consent_given",
            person,
            "2024-01-02T00:00:00Z",
            {"categories": ["offer_calls"]},
            id=f"consent-{person[6:11]}",
        ),
    ]


def call(number: int, klass: str = "reminder", *, to: str = AIDA, time: datetime = NOON, **data: str) -> Envelope:
    """A call, due at once."""
    made = {"number": f"{number}", "class": klass} | data
    return event("calls.made", to, time.isoformat(), made, id=f"call-{number}")


def prefers(person: str = AIDA, time: str = "2025-01-01T00:00:00Z", **preferences: object) -> Envelope:
    """What somebody prefers."""
    return event("citizen.preferences_changed", person, time, preferences, id=f"prefers-{person[6:11]}-{time}")


def said(messages: Iterable[Message]) -> list[str]:
    """What went: the push title of each."""
    return [message.title for message in messages]


def numbered(world: World) -> dict[str, Nudge]:
    """The calls by number, and digests by local day."""
    found = {}
    for nudge in world.nudges():
        cause = world.why(nudge.intent.id).cause
        day = f"{nudge.intent.due:%d}"
        found[f"digest {day}" if cause is None else str(cause.values["event.number"])] = nudge
    return found


def states(world: World) -> dict[str, str]:
    """What became of each call and digest: state, and reason where there is one."""
    return {
        name: " ".join(filter(None, (each.state.value, each.deliveries[0].reason)))
        for name, each in numbered(world).items()
    }


def ids(world: World) -> dict[str, UUID]:
    """The ids of calls and digests."""
    return {name: each.intent.id for name, each in numbered(world).items()}
