"""Looks whether planning could do without the content of a period: plans with it, and without."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.diff import diff
from domain.events import LifeEvent
from domain.plan import whole_plan
from projections import history, nudges
from streams import reading
from streams.forgotten import forgotten, leaving
from streams.log import Log
from streams.reading import Learnt, Recorded
from streams.rules import Rules


class Sealed(Struct, frozen=True):
    """What some keys seal: event -> role -> the key's id; `named`: whom these events name, in any revision."""

    parts: Mapping[UUID, Mapping[str, bytes]]
    named: frozenset[str]

    def without(self, event: LifeEvent, keys: AbstractSet[bytes], now: datetime) -> LifeEvent:
        """The event as it is read once these keys are gone."""
        gone = {role for role, key in self.parts.get(event.stream, {}).items() if key in keys}
        if not gone:
            return event
        fields = {role: part for role, part in event.fields.items() if role not in gone}
        return replace(event, fields=fields, retired=now)


class Trial:
    """The histories and nudges of all whom the events name; to be made while they are held."""

    def __init__(self, connection: Connection, log: Log, rules: Rules, sealed: Sealed, now: datetime) -> None:
        self._rulebook, self._sealed, self._now = rules.rulebook, sealed, now
        persons = sorted(history.marks(connection, sealed.named))
        self._recorded = reading.recorded(connection, log, persons, rules.rulebook)
        self._nudges = nudges.of_persons(connection, persons)
        self._left = forgotten(connection, log, self._nudges)

    def needed(self, keys: AbstractSet[bytes]) -> set[bytes]:
        """Those of the keys without which something on its way, or yet to be planned, would not be what it is."""
        kept: set[bytes] = set()
        while more := self._needed(keys - kept):
            kept |= more
        return kept

    def _needed(self, gone: AbstractSet[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        for person, whole in self._recorded.items():
            events = (each.event.stream for each in whole.own)
            theirs = {key for stream in events for key in self._sealed.parts.get(stream, {}).values()} & gone
            if theirs and self._depends(person, whole, gone):
                found |= theirs
        return found

    def _depends(self, person: str, whole: Recorded, gone: AbstractSet[bytes]) -> bool:
        own = [Learnt(self._sealed.without(each.event, gone, self._now), each.recorded) for each in whole.own]
        known = self._nudges[person]
        try:
            plans = [
                leaving(whole_plan(each.history(person, self._rulebook.catalogue), self._rulebook), self._left)
                for each in (whole, Recorded(own, whole.areas))
            ]
        except Exception:  # noqa: BLE001  (who cannot be planned keeps what they have, whatever it is)
            return True
        if any(diff(plan, known, self._rulebook, self._now) for plan in plans):
            return True  # not planned yet, or it would look as if something had changed
        return any(nudge.waits and plans[1].leaves(nudge.intent) for nudge in known.values())
