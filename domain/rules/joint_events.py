"""Several events together: which others an event needs, and which of them complete it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.conditions.language import Condition
from domain.conditions.matching import ALL_TIMES, Matcher
from domain.core.events import Effective
from domain.core.timing import Offset, shift_at_most

Order = Literal["any", "before", "after"]
Candidates = Sequence[Iterable[Effective]]
"""For each entry of `with`, the events that it may be met by, in the order of the history."""


class FurtherEvent(Struct, frozen=True):
    """A further event that is needed: of type `on`, within an offset of the event that the trigger starts on."""

    on: str
    when: Condition | None
    within: Offset
    order: Order

    def candidates(
        self, start: Effective, values: Mapping[str, Any], zone: ZoneInfo, events: Matcher
    ) -> Iterator[Effective]:
        """Yield the events that meet it, in their order; `values`: what `when` reads of the start."""
        time = start.event.time
        earliest = time if self.order == "after" else moved_back(time, self.within, zone)
        latest = time if self.order == "before" else shift_at_most(time, self.within, zone, ALL_TIMES[1])
        found = events.matching(self.on, self.when, values, (earliest, latest))
        return (fact for fact in found if self._stands_right(fact, start))

    def _stands_right(self, fact: Effective, start: Effective) -> bool:
        """Return True if it comes before or after the start, as `order` says.

        The history orders facts of one moment.
        """
        if fact.order == start.order:
            return False
        return self.order == "any" or (fact.order < start.order) == (self.order == "before")


class Window(Struct, frozen=True):
    """The time around a moment: from so long `before` it to so long `after`, both included; None: without end."""

    before: Offset | None
    after: Offset | None

    def around(self, moment: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the earliest and the latest time; where the calendar ends, its end."""
        earliest = ALL_TIMES[0] if self.before is None else moved_back(moment, self.before, zone)
        return earliest, ALL_TIMES[1] if self.after is None else shift_at_most(moment, self.after, zone, ALL_TIMES[1])


class Count(Struct, frozen=True):
    """The trigger starts on the `nth` of its events within an offset that ends with the event."""

    nth: int
    within: Offset


class Needs(Struct, frozen=True):
    """The conditions of a trigger besides its event: other events, `in_order` if so said, or being the nth."""

    together: tuple[FurtherEvent, ...] = ()
    in_order: bool = False
    count: Count | None = None


def moved_back(time: datetime, offset: Offset, zone: ZoneInfo) -> datetime:
    """Return the time moved back by the offset; where the calendar begins, its beginning."""
    return shift_at_most(time, -offset, zone, ALL_TIMES[0])


def completing_events(candidates: Candidates, *, in_order: bool) -> list[Effective] | None:
    """Return an event for each entry, so that all are there as early as can be; None where one is missing.

    No event stands for two entries. `in_order`: they happened in the order of the entries.
    """
    return (
        _matched_in_order(candidates)
        if in_order
        else _matched_in_any_order([list(islice(each, len(candidates))) for each in candidates])
    )


def _matched_in_order(candidates: Candidates) -> list[Effective] | None:
    """Return, for each entry, the earliest event after the one before it: no other choice is complete earlier."""
    found: list[Effective] = []
    for each in candidates:
        later = (fact for fact in each if not found or fact.order > found[-1].order)
        if (fact := next(later, None)) is None:
            return None
        found.append(fact)
    return found


def _matched_in_any_order(candidates: Sequence[Sequence[Effective]]) -> list[Effective] | None:
    """Return an event for each entry, by Kuhn's augmenting paths (1955); None where an entry is left without.

    Of n entries, each needs no more than its first n candidates: the others hold at most n - 1 of them.
    """
    meets = [{fact.order for fact in each} for each in candidates]
    held: dict[int, Effective] = {}

    def place(fact: Effective, seen: set[int]) -> bool:
        for at, orders in enumerate(meets):
            if at not in seen and fact.order in orders:
                seen.add(at)
                if at not in held or place(held[at], seen):
                    held[at] = fact
                    return True
        return False

    facts = {fact.order: fact for each in candidates for fact in each}
    for order in sorted(facts):
        if place(facts[order], set()) and len(held) == len(candidates):
            return list(held.values())
    return None
