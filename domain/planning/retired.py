"""Content that can be read no more because its time is over: what was decided by it stands as it is.

The type, the time and the persons of an event stay clear, so what reads nothing else goes on as before. For the rest
nobody can tell any more what it would come to, so nothing is planned by it, cancelled or put right.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import nlargest
from itertools import takewhile
from uuid import UUID

from msgspec.structs import replace

from domain.conditions.matching import Matcher
from domain.core.events import Effective
from domain.core.ids import Names
from domain.planning.starts import Start, occurrence_of
from domain.rules.joint_events import Count, FurtherEvent, Needs, moved_back
from domain.rules.triggers import CORRECTION, Trigger


class Retired:
    """The facts of one history whose content is retired. It is usually empty."""

    def __init__(self, person: str, names: Names) -> None:
        self._person, self._names = person, names
        self._facts: dict[str, list[Effective]] = {}
        self._events = Matcher(self._facts)
        self._last: dict[str, list[Effective]] = {}
        self._undecided: set[UUID] = set()

    def __bool__(self) -> bool:
        return bool(self._facts)

    def add(self, fact: Effective) -> None:
        """Add a fact of which a part cannot be read."""
        self._facts.setdefault(fact.event.type, []).append(fact)

    def leave_undecided(self, *nudges: UUID) -> None:
        """Mark these nudges as undecidable: nobody can tell any more whether they should have been planned."""
        self._undecided.update(nudges)

    def undecided(self, asked: Iterable[UUID]) -> tuple[frozenset[UUID], frozenset[UUID]]:
        """Nudges that are undecided, but for those that are asked for; and the streams of what is retired."""
        streams = [stream for facts in self._facts.values() for fact in facts for stream in fact.streams]
        return frozenset(self._undecided.difference(asked)), frozenset(streams)

    def prevented_until(self, start: Start, trigger: Trigger) -> datetime | None:
        """Return the time until which a retired fact may have prevented what starts there; None: none may.

        What was due by the time when it was retired was decided with its content; what is due later goes without it.
        """
        types = {unless.on for unless in trigger.unless if unless.when is not None}
        last = (fact for type_ in types for fact in self._last_two(type_) if fact is not start.fact)
        return max(map(_retired_at, last), default=None)

    def _last_two(self, type_: str) -> Sequence[Effective]:
        """Return the two of that type that were retired last: one of them may be what a trigger starts on."""
        if type_ not in self._last:
            self._last[type_] = nlargest(2, self._facts.get(type_, ()), key=_retired_at)
        return self._last[type_]

    def may_hide_start(self, start: Start, trigger: Trigger, number: int, counted: Sequence[Start]) -> bool:
        """Return True, and leave the nudges as they are, if a fact that the trigger needs may be among the retired
        ones.
        """
        needs = trigger.needs or Needs()
        hidden = any(self._may_meet(each, start) for each in needs.together) or (
            needs.count is not None and trigger.when is not None and _may_count(needs.count, start, counted)
        )
        occurrence = occurrence_of(self._names, self._person, trigger, start.fact, number) if hidden else None
        if occurrence is not None:
            ids = self._names.nudges(trigger.name, self._person, occurrence)
            self.leave_undecided(*map(ids, (*trigger.step_names, CORRECTION)))
        return hidden

    def _may_meet(self, needed: FurtherEvent, start: Start) -> bool:
        if needed.when is None or needed.on not in self._facts:
            return False
        met = replace(needed, when=None).candidates(start.fact, {}, start.zone, self._events)
        return next(met, None) is not None


def _may_count(count: Count, start: Start, counted: Sequence[Start]) -> bool:
    since = moved_back(start.fact.event.time, count.within, start.zone)
    in_time = takewhile(lambda each: each.fact.event.time > since, reversed(counted))
    return any(each.fact.event.retired is not None for each in in_time)


def _retired_at(fact: Effective) -> datetime:
    assert fact.event.retired is not None
    return fact.event.retired
