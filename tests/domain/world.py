"""A small country of its own: its event types as plain data, its people, and the events that befall them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.rules.event_types import Catalogue, EventType, event_type_of

ALMATY = ZoneInfo("Asia/Almaty")
NAMES = Names(b"a key that every test shares")
AIDA, SAULE, ERLAN, GULNAR = "aida", "saule", "erlan", "gulnar"
"""A citizen; her mother, her father, and a woman who is neither."""

TEXT, DATE, WHOLE = {"type": "string"}, {"type": "string", "format": "date"}, {"type": "integer"}
PERSON = {"type": "string", "format": "national-id"}
PERSONS = {"type": "array", "items": PERSON}
TEXTS = {"type": "array", "items": TEXT}
CONTACT: Mapping[str, Mapping[str, Any]] = {
    "zone": TEXT,
    "phone": TEXT,
    "email": TEXT,
    "push": TEXT,
    "language": TEXT,
    "quiet_from": TEXT,
    "quiet_to": TEXT,
    "channels": TEXTS,
    "opted_out": TEXTS,
    "consents": TEXTS,
}


def event_type(name: str, subject: str, properties: Mapping[str, Any], **more: object) -> EventType:
    """A type of the small country."""
    data = {"type": "object", "properties": properties}
    return event_type_of({"type": name, "title": {}, "agency": "justice", "subject": subject, "data": data, **more})


TYPES = (
    event_type(
        "civil.born",
        "child",
        {"mother": PERSON, "father": PERSON, "born_on": DATE, "order": {**WHOLE, "x-of": "mother"}},
        sets={"child": {"born_on": "event.born_on", "guardians": ["mother", "father"]}},
    ),
    event_type("civil.died", "deceased", {"heirs": PERSONS, "died_on": DATE}, ends_life=True),
    event_type(
        "person.registered",
        "citizen",
        {"born_on": DATE, "sex": TEXT},
        sets={"citizen": {"born_on": "event.born_on", "sex": "event.sex"}},
    ),
    event_type("person.contact", "citizen", CONTACT, sets={"citizen": {name: f"event.{name}" for name in CONTACT}}),
    event_type("person.moved", "citizen", {"area": TEXT}, sets={"citizen": {"area": "event.area"}}),
    event_type("person.silenced", "citizen", {}, sets={"citizen": {"opted_out": {"value": ["documents"]}}}),
    event_type(
        "paper.issued",
        "holder",
        {
            "kind": {**TEXT, "x-of": "public"},
            "number": TEXT,
            "issued_on": DATE,
            "expires_on": DATE,
            "fee": {"type": "object", "properties": {"amount": WHOLE, "rate": {"type": "number"}}},
            "marks": TEXTS,
            "paid": {"type": "boolean"},
        },
    ),
    event_type("paper.renewed", "holder", {"number": TEXT, "renewed_on": DATE}),
    event_type("school.queued", "child", {"parents": PERSONS}),
    event_type("citizen.replied", "citizen", {"nudge": TEXT, "answer": TEXT}),
    event_type(
        "citizen.consent_given",
        "citizen",
        {"nudge": TEXT, "categories": TEXTS},
        sets={"citizen": {"consents": "event.categories"}},
    ),
    event_type("weather.storm", "none", {"area": TEXT, "wind": WHOLE}, area="event.area"),
)
CATALOGUE = Catalogue(
    {type_.name: type_ for type_ in TYPES},
    {"born_on": "date", "sex": "string", "area": "string", "guardians": "strings"}
    | {name: "strings" if kind is TEXTS else "string" for name, kind in CONTACT.items()},
    (2, 4, 6, 9),
    emergencies={agency: frozenset({"documents"}) for agency in ("interior", "justice")},
)


def at(text: str) -> datetime:
    """A moment as the clocks of Almaty show it ("2025-01-21 09:00", or a day for its midnight)."""
    return datetime.fromisoformat(text).replace(tzinfo=ALMATY).astimezone(ZoneInfo("UTC"))


def local(moment: datetime) -> str:
    """The moment as the clocks of Almaty show it."""
    return f"{moment.astimezone(ALMATY):%Y-%m-%d %H:%M}"


def event(
    type_: str, time: str, event_id: str, persons: Mapping[str, str | tuple[str, ...]], **data: object
) -> LifeEvent:
    """A life event of the small country; its data are given to their owners as the type says."""
    named = {role: (who,) if isinstance(who, str) else who for role, who in persons.items()}
    return LifeEvent(
        stream=NAMES.stream("registry", event_id),
        source="registry",
        id=event_id,
        type=type_,
        time=at(time),
        persons=named,
        fields=_owned(type_, data),
        area=str(data["area"]) if CATALOGUE.types[type_].area else None,
    )


def _owned(type_: str, data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    parts: dict[str, dict[str, Any]] = {}
    fields = CATALOGUE.types[type_].fields
    for name, value in data.items():
        owner = next(field.owner for path, field in fields.items() if path.split(".")[0] == name)
        parts.setdefault(owner, {})[name] = value
    return parts


def paper(
    expires_on: str | None = "2025-02-20", *, time: str = "2025-01-10", event_id: str = "paper", **data: object
) -> LifeEvent:
    """Aida gets a paper, number N1 unless the data say otherwise."""
    data = {"number": "N1", **({} if expires_on is None else {"expires_on": expires_on}), **data}
    return event("paper.issued", time, event_id, {"holder": AIDA}, **data)


def registered(born_on: str | None = "1990-05-05", sex: str = "female") -> LifeEvent:
    """The registry knows Aida since 2024."""
    known = {} if born_on is None else {"born_on": born_on}
    return event("person.registered", "2024-01-01", "registered", {"citizen": AIDA}, sex=sex, **known)


def contact(time: str, event_id: str = "contact", **data: object) -> LifeEvent:
    """Aida says how, when and about what she wants to hear."""
    return event("person.contact", time, event_id, {"citizen": AIDA}, **data)


def renewed(time: str, number: str = "N1", event_id: str = "renewed") -> LifeEvent:
    """Aida has a paper renewed."""
    return event("paper.renewed", time, event_id, {"holder": AIDA}, number=number)


def birth(
    *, time: str = "2025-01-10", mother: str = SAULE, father: str = ERLAN, born_on: str = "2025-01-08"
) -> LifeEvent:
    """Aida is born."""
    return event("civil.born", time, "birth", {"child": AIDA, "mother": mother, "father": father}, born_on=born_on)


def death(time: str, of: str = AIDA, heirs: tuple[str, ...] = (), event_id: str = "death") -> LifeEvent:
    """Somebody dies."""
    return event("civil.died", time, event_id, {"deceased": of, "heirs": heirs})


def moved(time: str, area: str, event_id: str) -> LifeEvent:
    """Aida moves into an area."""
    return event("person.moved", time, event_id, {"citizen": AIDA}, area=area)


def replied(time: str, nudge: UUID, event_id: str = "reply") -> LifeEvent:
    """Aida answers a nudge."""
    return event("citizen.replied", time, event_id, {"citizen": AIDA}, nudge=str(nudge), answer="1")


def storm(time: str, area: str, event_id: str = "storm") -> LifeEvent:
    """A storm warning for an area, which names nobody."""
    return event("weather.storm", time, event_id, {}, area=area)


def correction(original: LifeEvent, by: LifeEvent, revision: int = 2, event_id: str | None = None) -> LifeEvent:
    """What `by` says, as a revision of the original."""
    name = event_id or f"{original.id}.{revision}"
    return replace(by, id=name, stream=NAMES.stream(by.source, name), corrects=original.id, revision=revision)


def annulment(original: LifeEvent, revision: int = 2) -> LifeEvent:
    """The registry takes the original back."""
    return replace(correction(original, original, revision), fields={}, annuls=True)
