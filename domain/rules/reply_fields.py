"""The fields of an event type that a reply can fill in."""

from collections.abc import Mapping

from domain.core.events import PUBLIC
from domain.core.translatable import Words
from domain.rules.event_types import EventType

NUDGE = "nudge"
"""The field of an answer that names what it answers."""
REPLY_FIELDS: Mapping[str, str] = {NUDGE: "string", "answer": "string", "category": "string", "categories": "strings"}
"""The fields that a reply can fill in: nudge, code, the trigger's category, and the earlier choices with that."""


def why_no_reply(type_: EventType) -> Words | None:
    """Return the reason why no reply can become an event of a type; None where one can."""
    if type_.subject is None:
        return Words("{name} is about an area, and a reply is that of a person", name=type_.name)
    if (field := type_.fields.get(NUDGE)) is None or field.type != REPLY_FIELDS[NUDGE]:
        return Words("{event} has no field {name!r}, which says what is answered", event=type_.name, name=NUDGE)
    can_be_filled = fillable(type_)
    for name in type_.schema.get("required", ()):
        if name not in can_be_filled:
            return Words("{event} needs {name!r}, which no reply says", event=type_.name, name=name)
    return None


def fillable(type_: EventType) -> list[str]:
    """Return the names of the fields that a reply can fill in."""
    owners = (type_.subject, PUBLIC)
    fields = {name: type_.fields[name] for name in REPLY_FIELDS if name in type_.fields}
    return [name for name, field in fields.items() if field.type == REPLY_FIELDS[name] and field.owner in owners]
