"""Life events: what registries report, and which revision of each counts."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from msgspec import Struct

PUBLIC = "public"
"""The owner of an event's fields that are about no person."""


class LifeEvent(Struct, frozen=True, kw_only=True, gc=False):
    """A fact about people, as a registry reported it (CloudEvents 1.0), with pseudonyms for national ids.

    `persons`: role -> pseudonyms. `fields`: owner (a role, or PUBLIC) -> that owner's part of `data`; a part
    whose owner was erased is absent. `revision`: 1 for an original, more for what corrects or annuls it.
    `ahead_from`: steps due before it are not planned (the event came by a historical load). `retired`: when a part of
    it became unreadable for ever, because its type is not to be read for longer.
    """

    TOPIC: ClassVar[str] = "life/1"

    stream: UUID
    source: str
    id: str
    type: str
    time: datetime
    persons: Mapping[str, tuple[str, ...]] = {}
    fields: Mapping[str, Mapping[str, Any]] = {}
    corrects: str | None = None
    revision: int = 1
    annuls: bool = False
    area: str | None = None
    ahead_from: datetime | None = None
    digest: bytes = b""
    traceparent: str | None = None
    retired: datetime | None = None

    @property
    def original(self) -> str:
        """Return the id, within its source, of the event that this one is or corrects."""
        return self.id if self.corrects is None else self.corrects

    @property
    def everybody(self) -> frozenset[str]:
        """Return the pseudonyms of all persons named."""
        return frozenset([person for named in self.persons.values() for person in named])

    @property
    def values(self) -> dict[str, Any]:
        """Return the values for conditions and words.

        By dotted name: "event.<path>" for fields, single roles, type and time.
        """
        values: dict[str, Any] = {}
        for part in self.fields.values():
            _flatten("event.", part, values)
        for role, named in self.persons.items():
            if len(named) == 1:
                values["event." + role] = named[0]
        values["event.type"] = self.type
        values["event.time"] = self.time
        return values

    def role_of(self, person: str) -> tuple[str, ...]:
        """Return the roles that the person plays in this event."""
        roles: tuple[str, ...] = ()
        for role, named in self.persons.items():
            if person in named:
                roles += (role,)  # hardly ever a second: adding is quicker than a comprehension
        return roles


def _flatten(prefix: str, part: Mapping[str, Any], into: dict[str, Any]) -> None:
    for name, value in part.items():
        if type(value) is dict:
            _flatten(f"{prefix}{name}.", value, into)
        else:
            into[prefix + name] = value


class Effective(Struct, frozen=True, dict=True):
    """A life event as it counts now: the original's identity and load, the highest revision's content.

    `revisions`: the streams of all its revisions, where there is more than one.
    """

    event: LifeEvent
    original_id: str
    ahead_from: datetime | None = None
    revisions: tuple[UUID, ...] = ()

    @property
    def streams(self) -> tuple[UUID, ...]:
        """Return the ids of the revisions by which something may have been planned."""
        return self.revisions or (self.event.stream,)

    @cached_property
    def values(self) -> dict[str, Any]:
        """Return the event's values, made once: conditions read them again and again."""
        return self.event.values

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Histories are ordered by event time, source and id."""
        return (self.event.time, self.event.source, self.original_id)


def effective(recorded: Iterable[LifeEvent]) -> list[Effective]:
    """Return the recorded events that count, in order: annulled ones are out, revisions wait for their original.

    The highest revision wins; of two with one number, the greater id. An event of another type than the original
    revises nothing: a key is for the types of its agency, and any sender may write any source. Any order and any
    repetition of `recorded` gives the same list.
    """
    groups: dict[tuple[str, str], list[LifeEvent]] = {}
    for event in recorded:
        groups.setdefault((event.source, event.original), []).append(event)
    counting = [found for group in groups.values() if (found := _counting(group)) is not None]
    return sorted(counting, key=lambda one: one.order)


def _counting(group: list[LifeEvent]) -> Effective | None:
    if len(group) == 1 and group[0].corrects is None:
        only = group[0]
        return Effective(only, only.id, only.ahead_from)
    originals = [event for event in group if event.corrects is None]
    if not originals:
        return None
    revisions = [event for event in group if event.type == originals[0].type]
    latest = max(revisions, key=_precedence)
    if latest.annuls:
        return None
    streams = tuple(sorted({event.stream for event in revisions}))
    return Effective(latest, originals[0].id, earliest_load(originals), streams if len(streams) > 1 else ())


def _precedence(event: LifeEvent) -> tuple[int, str, float]:
    """Return the highest revision, the greater id; of one event by two loads always the same one."""
    loaded = float("-inf") if event.ahead_from is None else event.ahead_from.timestamp()
    return (event.revision, event.id, loaded)


def earliest_load(loads: Iterable[LifeEvent]) -> datetime | None:
    """Return the `ahead_from` of an event loaded more than once: the earliest counts, and a live one has none."""
    times = [event.ahead_from for event in loads]
    return None if None in times else min(time for time in times if time is not None)
