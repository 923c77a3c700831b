"""Replies: a short answer to a message ("1") becomes the life event that the trigger names for it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.core.events import Effective, LifeEvent
from domain.core.ids import Names
from domain.persons.own_choices import event_of_person, times_of_setting
from domain.persons.person import person_as_of
from domain.rules.event_types import Catalogue, EventType
from domain.rules.reply_fields import NUDGE, fillable

SOURCE = "/habarshy/reply"
"""The source of events that a reply became; the channel follows it: `/habarshy/reply/sms`."""
CONSENT, WITHDRAWN = "citizen.consent_given", "citizen.consent_withdrawn"
UNDERSTOOD, OTHER = "understood", "other"
"""The field that says what a text of a person was taken for, and its value where that is for the agency to read."""


class Reply(Struct, frozen=True):
    """A recipient's answer to a nudge: its code as they wrote it, when, and by which way (`sms`, `link`)."""

    nudge: UUID
    recipient: str
    code: str
    at: datetime
    way: str


def spelt(code: str) -> str:
    """Return a code as it is compared: people write " Да" for "да"."""
    return code.strip().casefold()


def code_meant(code: str, replies: Mapping[str, str]) -> str | None:
    """Return the trigger's reply code (code -> event type) that was given; None where it is none of them."""
    return next((each for each in replies if spelt(each) == spelt(code)), None)


def data_of(type_: EventType, reply: Reply, category: str, chosen: Iterable[str] = ()) -> dict[str, Any]:
    """Return the data of the event that a reply becomes.

    `chosen`: the categories that were chosen before, which stay so.
    """
    every = {
        NUDGE: str(reply.nudge),
        "answer": spelt(reply.code),
        "category": category,
        "categories": sorted({*chosen, category}),
    }
    return {name: every[name] for name in fillable(type_)}


def reply_event(
    type_: EventType, reply: Reply, category: str, names: Names, theirs: Sequence[Effective], catalogue: Catalogue
) -> LifeEvent:
    """Return the life event that a reply becomes: that of its recipient, at the time of the reply.

    The same reply gives the same id, however often it comes in. `theirs`: what is known of the recipient. What they
    chose before the reply stays chosen, and what they chose after it stands: in doubt there is no consent.
    """
    id_ = f"{reply.nudge}.{reply.recipient}.{reply.at.isoformat()}.{spelt(reply.code)}"
    source = f"{SOURCE}/{reply.way}"
    chosen, time = _chosen(type_, reply, theirs, catalogue)
    fields: dict[str, dict[str, Any]] = {}
    for name, value in data_of(type_, reply, category, chosen).items():
        fields.setdefault(type_.fields[name].owner, {})[name] = value
    return event_of_person(names, source, id_, type_.name, type_.subject or "", reply.recipient, fields, time)


class Effect(Struct, frozen=True):
    """The effect of a reply: `events` to append (none: it was given before), and the stream of the answer."""

    stream: UUID
    events: tuple[LifeEvent, ...]


def effect_of(
    type_: EventType, reply: Reply, category: str, names: Names, theirs: Sequence[Effective], catalogue: Catalogue
) -> Effect:
    """Return a reply's effect.

    A later, different answer holds, and takes back the consent that an earlier one gave.
    """
    given = [one.event for one in theirs if answers(one.event, reply.nudge)]
    last, code = given[-1] if given else None, spelt(reply.code)
    if last is not None and last.type == type_.name and last.values.get("event.answer", code) == code:
        return Effect(last.stream, ())  # some types keep no code
    event, back = reply_event(type_, reply, category, names, theirs, catalogue), None
    if last is not None and last.type == CONSENT != type_.name:
        back = withdrawal(reply, category, names, theirs, catalogue)
    return Effect(event.stream, (event,) if back is None else (back, event))


def withdrawal(
    reply: Reply, category: str, names: Names, theirs: Sequence[Effective], catalogue: Catalogue
) -> LifeEvent | None:
    """Return the life event by which a consent is taken back that an earlier answer to the same message gave.

    What they consented to besides stays; None where they have not consented any more.
    """
    given = catalogue.types[CONSENT]
    chosen, time = _chosen(given, reply, theirs, catalogue)
    left = sorted({*chosen} - {category})
    if len(left) == len(chosen):
        return None
    type_ = given if left else catalogue.types[WITHDRAWN]
    id_, source = f"{reply.nudge}.{reply.recipient}.{reply.at.isoformat()}.withdrawn", f"{SOURCE}/{reply.way}"
    fields = {given.fields["categories"].owner: {"categories": left}} if left else {}
    return event_of_person(names, source, id_, type_.name, type_.subject or "", reply.recipient, fields, time)


def _chosen(
    type_: EventType, reply: Reply, theirs: Sequence[Effective], catalogue: Catalogue
) -> tuple[Sequence[str], datetime]:
    """Return the choices as of the reply, and a time without any other choice: choices have an order."""
    settings = type_.sets.get(type_.subject or "", ())
    attribute = next((each.attribute for each in settings if each.path == "event.categories"), None)
    if attribute is None:
        return (), reply.at
    time, others = reply.at, frozenset(times_of_setting(theirs, attribute, catalogue))
    while time in others:
        time += timedelta(microseconds=1)
    then = person_as_of(reply.recipient, [one for one in theirs if one.event.time <= reply.at], catalogue)
    return then.get(attribute) or (), time


def answers(event: LifeEvent, nudge: UUID) -> bool:
    """Return True for an event that a reply to that nudge became."""
    return event.source.startswith(f"{SOURCE}/") and event.values.get(f"event.{NUDGE}") == str(nudge)


def nudge_of(event: LifeEvent) -> UUID | None:
    """Return the nudge that an event of a person names; None where it names none."""
    try:
        return UUID(str(event.values.get(f"event.{NUDGE}")))
    except ValueError:
        return None


def concerns_agency(event: LifeEvent) -> bool:
    """Return True if the agency of the nudge that the event names is to be told of it.

    A citizen's text concerns it only if it was not understood: any other text became an event of its own.
    """
    for part in event.fields.values():  # of nearly all events this is all that is asked
        if NUDGE in part:
            break
    else:
        return False
    return next((part[UNDERSTOOD] for part in event.fields.values() if UNDERSTOOD in part), OTHER) == OTHER
