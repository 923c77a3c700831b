"""The subjects of an inbox's messages: for whom, which one, until when, what to do, and whether it was done."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.timing import end_of_day
from domain.core.translatable import Titles
from domain.nudges.calendar_days import CalendarDays, calendar_days, last_day
from domain.nudges.nudge import Nudge
from domain.persons.guardianship import OPEN, guardian_until
from domain.persons.person import Person, person_as_of
from projections import nudges
from streams.delivery.decide.as_sent import as_sent
from streams.log.log import Log
from streams.planning import histories
from streams.planning.histories import Revisions
from streams.queries.explain import GIVEN_NAME, decisive, distinct
from streams.rules.in_force import Rules


class Card(Struct, frozen=True):
    """The subject of a message.

    `called`: the first name of a child that it is about, empty if unknown; `is_local`: it is about a place;
    `values`: dotted name -> value of its event; `decisive`, `distinct`: as of an Explanation; `deadline`: the end of
    the day that the rule names as its last; `over`: from when the message is of no use; `done_at`: when the thing
    itself was done; `actions`: as the trigger has them; `can_be_done`: something that is recorded later makes it
    needless; `thing`: the same for all messages about one matter; `title`: of its trigger; `days`: what a calendar
    can hold of it; `discreet`: its substance must not be read over a shoulder.
    """

    called: str
    is_of_child: bool
    is_local: bool
    values: Mapping[str, Any]
    decisive: tuple[str, ...]
    distinct: tuple[str, ...]
    deadline: datetime | None
    over: datetime | None
    done_at: datetime | None
    actions: Sequence[Mapping[str, Any]]
    can_be_done: bool
    thing: tuple[str, UUID]
    title: Titles
    days: CalendarDays | None
    discreet: bool

    def days_to_come(self, now: datetime, zone: ZoneInfo) -> CalendarDays | None:
        """Return its days for a calendar, unless they are past or the thing was done."""
        if self.days is None or self.done_at is not None or self.days.last < now.astimezone(zone).date():
            return None
        return self.days


def cards(
    connection: Connection, log: Log, rules: Rules, reader: str, ids: Iterable[UUID], zone: ZoneInfo
) -> dict[UUID, Card]:
    """Return nudge -> what it is about, as the message that went to the reader says it; each table is asked once.

    `zone`: in which the reader's days begin and end.
    """
    stored = nudges.by_id(connection, list(ids))
    found = as_sent(connection, log, stored, reader)
    causes = _causes(log, connection, found.values())
    others = {nudge.intent.person for nudge in found.values()} - {reader}
    children = histories.personal_revisions_of(connection, log, others, rules.rulebook) if others else {}
    reading = _Reading(reader, zone, children, guarded_until(children, reader, rules), rules)
    return {id_: _card(nudge, stored[id_], causes.get(nudge.intent.cause), reading) for id_, nudge in found.items()}


def guarded_until(children: Mapping[str, Revisions], reader: str, rules: Rules) -> dict[str, datetime]:
    """Return child -> the end of the reader's guardianship: what is done later is not theirs to know."""
    return {
        child: guardian_until(known.history(child, rules.catalogue), reader, rules.catalogue, rules.defaults)
        for child, known in children.items()
    }


def _causes(log: Log, connection: Connection, found: Iterable[Nudge]) -> dict[UUID, LifeEvent]:
    entries = log.streams(connection, {nudge.intent.cause for nudge in found})
    return {entry.originator_id: entry.fact for entry in entries if isinstance(entry.fact, LifeEvent)}


class _Reading(Struct, frozen=True):
    """The reader of the messages, in whose `zone`, and the rules in force.

    `children`: whom the messages are about, beside the reader; `until`: child -> the end of their guardianship.
    """

    reader: str
    zone: ZoneInfo
    children: Mapping[str, Revisions]
    until: Mapping[str, datetime]
    rules: Rules

    def child(self, nudge: Nudge) -> Person | None:
        """Return the child of a message as known when it was sent; None where it is about its reader."""
        if (name := nudge.intent.person) == self.reader:
            return None
        catalogue, known = self.rules.catalogue, self.children[name]
        if (sent := nudge.to(self.reader).attempted_at) is not None:
            known = known.known_by(sent)
        return person_as_of(name, known.history(name, catalogue).facts, catalogue)


def _card(nudge: Nudge, stored: Nudge, cause: LifeEvent | None, reading: _Reading) -> Card:
    intent, rules, reader = nudge.intent, reading.rules, reading.reader
    values = cause.values if cause is not None else {}
    version = rules.rulebook.find(intent.version)
    trigger = None if version is None else version.trigger
    last = None if trigger is None else last_day(trigger, intent.expires, values, reading.zone)
    deadline = None if last is None or last == date.max else end_of_day(last, reading.zone)
    done = [each.done_at for each in nudge.done if each.recipient == reader]
    done_at = done[-1] if done else stored.intent.moot_from
    is_told = done_at is not None and done_at < reading.until.get(intent.person, OPEN)
    child = reading.child(nudge)
    called = str(child.get(GIVEN_NAME) or "") if child is not None else _named_child(cause, reader, rules)
    return Card(
        called=called,
        is_of_child=intent.person != reader or _is_of_child(cause, reader, rules),
        is_local=cause is not None and cause.area is not None,
        values=values,
        decisive=decisive(trigger, intent.step) if trigger is not None else (),
        distinct=() if trigger is None else distinct(trigger, intent, cause, rules),
        deadline=deadline,
        over=deadline or intent.expires,
        done_at=done_at if is_told else None,
        actions=(trigger.content.get("actions") or ()) if trigger is not None else (),
        can_be_done=trigger is not None and any(each.on not in rules.rulebook.mortal for each in trigger.unless),
        thing=nudge.thing,
        title=(trigger.content.get("title") or {}) if trigger is not None else {},
        days=None if trigger is None else calendar_days(trigger, intent, values, reading.zone),
        discreet=trigger is not None and bool(trigger.content.get("discreet")),
    )


def _is_of_child(cause: LifeEvent | None, reader: str, rules: Rules) -> bool:
    """Return True if the reader stands as a parent in an event about a child."""
    if cause is None or (type_ := rules.catalogue.types.get(cause.type)) is None:
        return False
    return type_.subject == "child" and reader not in cause.persons.get("child", ())


def _named_child(cause: LifeEvent | None, reader: str, rules: Rules) -> str:
    """Return the child's name where the event itself tells it."""
    if cause is None or not _is_of_child(cause, reader, rules):
        return ""
    return str(cause.values.get(f"event.{GIVEN_NAME}") or "")
