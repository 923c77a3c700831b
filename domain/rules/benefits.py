"""Benefits: named rules of the law, by which somebody is entitled to something."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.conditions.language import LATER, Amount, Condition
from domain.core.timing import Offset, shift_day
from domain.core.translatable import Titles


def stored_attribute(name: str) -> str:
    """Return the attribute behind a dotted name of a person's value: an age follows from the birth date."""
    return "born_on" if name == "citizen.age" else name.removeprefix("citizen.")


class Bound(Struct, frozen=True):
    """A day: that of `source` (event.time, or a date), moved by `offset`."""

    source: str
    offset: Offset

    def day(self, values: Mapping[str, Any], zone: ZoneInfo) -> date | None:
        """Return the local day; None where its date is missing, or no date."""
        start = values.get(self.source)
        if start is None:
            return None
        try:
            day = start.astimezone(zone).date() if isinstance(start, datetime) else date.fromisoformat(start)
            return shift_day(day, self.offset)
        except (OverflowError, ValueError):  # registries write 9999-12-31, or year 0, for "without end"
            return None


class Requirement(Struct, frozen=True):
    """A condition of a benefit, with the name, the title and the clause that an answer gives for it."""

    id: str
    when: Condition
    title: Titles
    clause: str | None


class AlreadyHad(Struct, frozen=True):
    """An event of type `on` for which `when` holds: what the benefit is for was had already."""

    on: str
    when: Condition | None

    @property
    def is_lasting(self) -> bool:
        """Return True if a benefit once had stays had.

        The condition reads only the two events, which never change.
        """
        return self.when is None or all(name.startswith(("event.", LATER)) for name in self.when.reads)


class Benefit(Struct, frozen=True, kw_only=True, dict=True):
    """A compiled benefit.

    `on`: the type of the event that it is about, or PERSON; `to`: the role whose benefit it is (None: the person's);
    `start`, `until`: first day of the entitlement, and the day on which it is over (None: always, never);
    `as_of_asked`: the amount goes by the law of the day asked for, not of the first day; `per`: once, or each month.
    """

    name: str
    title: Titles
    agency: str
    clause: str
    on: str
    to: str | None
    start: Bound | None
    until: Bound | None
    conditions: tuple[Requirement, ...]
    unless: tuple[AlreadyHad, ...]
    amount: Amount | None
    as_of_asked: bool
    per: Literal["once", "month"]

    @cached_property
    def judged(self) -> frozenset[str]:
        """Return the dotted names that conditions and `unless` read.

        When one of them changes, so may the entitlement.
        """
        texts = [each.when for each in self.conditions] + [each.when for each in self.unless if each.when is not None]
        return frozenset(name for each in texts for name in each.reads)

    @cached_property
    def had_by(self) -> frozenset[str]:
        """Return the event types by which it may be had already."""
        return frozenset(each.on for each in self.unless)

    @cached_property
    def bounded_by(self) -> frozenset[str]:
        """Return the dotted names of the dates that it begins and ends with."""
        return frozenset(bound.source for bound in (self.start, self.until) if bound is not None)

    @property
    def attributes(self) -> set[str]:
        """Return the person's attributes that the benefit reads."""
        return {stored_attribute(name) for name in self.reads if name.startswith("citizen.")}

    @cached_property
    def reads(self) -> frozenset[str]:
        """Return all dotted names that it reads."""
        return self.judged.union(self.bounded_by, self.amount.reads if self.amount else ())
