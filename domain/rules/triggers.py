"""Triggers: a service owner's rule, compiled from plain data against the catalogue of event types."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.conditions.language import Condition
from domain.core.events import Effective
from domain.core.timing import Offset, end_of_day, shift, shift_at_most, shift_day
from domain.rules.benefits import Benefit
from domain.rules.event_types import PERSON
from domain.rules.joint_events import Needs, Window
from domain.rules.steps import Step, Values

Class = Literal["emergency", "legal", "service", "reminder", "offer"]
CLASSES: tuple[Class, ...] = ("emergency", "legal", "service", "reminder", "offer")
"""The classes, in the order in which nudges that are due at once are sent. Some override preferences and caps."""
RANKS: Mapping[str, int] = {klass: rank for rank, klass in enumerate(CLASSES, start=-1)}
"""Class -> its place in that order, as stored: -1 is `emergency`, because 0 was `legal` before there was any."""

EXPIRES_AFTER = timedelta(days=30)
CORRECTION = "correction"
"""The step that puts right what was sent and is no longer so."""

COMPLETE = "complete.time"
"""The date source of triggers with `with`: the time of the latest event needed."""

REPLIED = "citizen.replied"
"""The life event by which a person answers a nudge, which its field `nudge` names."""

RESIDENTS = "residents"
"""To whom a trigger on an area event speaks."""


class Unless(Struct, frozen=True):
    """The thing itself happened: an event of type `on` for which `when` holds; with `grace`, late reports count.

    `within`: only what happened at that time around the deadline of a step counts for the step.
    """

    on: str
    when: Condition | None
    grace: Offset
    within: Window | None = None


class Expiry(Struct, frozen=True):
    """The end of a nudge's use: the end of the local day of a date, or an offset after its due time."""

    source: str | None
    offset: Offset | None

    def after(self, due: datetime, values: Values, zone: ZoneInfo) -> datetime | None:
        """Return the moment from which the nudge is worth nothing, in UTC.

        None where its date is missing or has no end.
        """
        if self.offset is not None:
            return shift(due, self.offset, zone)
        day = values.get(self.source or "")
        return None if day is None else end_of_day(date.fromisoformat(day), zone)


class ActBy(Struct, frozen=True):
    """The last day to act: a date of the event, moved by an offset. People are told it; planning does not read it."""

    source: str
    offset: Offset

    def of(self, values: Values) -> date | None:
        """Return the day; None where its date is missing or the day lies beyond the calendar."""
        try:
            return shift_day(date.fromisoformat(values[self.source]), self.offset)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None


class EntitlementEdge(Struct, frozen=True):
    """On becoming entitled to a benefit, or on ceasing to be."""

    benefit: Benefit
    becomes: bool


class Trigger(Struct, frozen=True, kw_only=True, dict=True):
    """A compiled trigger; `content` is the plain data that it was compiled from (and that `why` shows)."""

    name: str
    owner: str
    category: str
    klass: Class
    on: str
    when: Condition | None
    to: frozenset[str]  # roles; none: the residents of the event's area
    occurrence: tuple[str, ...]
    steps: tuple[Step, ...]
    unless: tuple[Unless, ...]
    expiry: Expiry | None
    catch_up: Literal["latest", "all", "none"]
    channels: tuple[str, ...]
    minors: Literal["guardians", "self"]
    has_correction: bool
    content: Mapping[str, Any]
    entitlement: EntitlementEdge | None = None
    needs: Needs | None = None
    once: bool = False  # one occurrence a person, whatever event it starts on
    residents_at: Literal["event", "due"] = "event"  # of an area event: who lived there then, or when it is due
    replies: Mapping[str, str] = {}  # code -> the event type that an answer with it becomes
    cascade_after: Offset | None = None  # a silence of so long moves on to the next channel
    act_by: ActBy | None = None
    until_opened: bool = False  # a message that was not opened counts as a silence

    @cached_property
    def alone(self) -> bool:
        """Return True if it starts on an entitlement that is about the person alone, and so on no event."""
        return self.on == PERSON

    @cached_property
    def reads_the_day(self) -> bool:
        """Return True if its conditions read what changes with the day: the person's age, parameters of the law."""
        return any(name == "citizen.age" or name.startswith("param.") for name in self.reads)

    @cached_property
    def reads(self) -> frozenset[str]:
        """Return the dotted names of all values that its conditions and dates read."""
        needed = self.needs.together if self.needs else ()
        conditions = [self.when, *(step.when for step in self.steps), *(each.when for each in self.unless)]
        conditions += [each.when for each in needed]
        found = {name for each in conditions if each is not None for name in each.reads}
        found.update(step.source for step in self.steps)
        return frozenset(found.union([self.expiry.source] if self.expiry and self.expiry.source else ()))

    @cached_property
    def step_names(self) -> tuple[str, ...]:
        """Return the names of all its steps and of their repetitions."""
        return tuple(name for step in self.steps for name in step.names)

    @cached_property
    def answered_by(self) -> tuple[str, ...]:
        """Return the types of the events that answer its messages."""
        return tuple(dict.fromkeys([REPLIED, *self.replies.values()]))

    @cached_property
    def patient(self) -> bool:
        """Return True if it waits for late reports."""
        return any(unless.grace for unless in self.unless)

    @cached_property
    def lasting(self) -> tuple[Unless, ...]:
        """Return the `unless` that prevent a step at any time."""
        return tuple(unless for unless in self.unless if unless.within is None)

    @cached_property
    def passing(self) -> tuple[Unless, ...]:
        """Return the `unless` that prevent a step only around its deadline."""
        return tuple(unless for unless in self.unless if unless.within is not None)

    def patiently(self, deadline: datetime, zone: ZoneInfo) -> datetime:
        """Return the deadline, moved by the longest grace of its `unless`, to wait for late reports.

        At the end of the calendar nobody waits.
        """
        return max([deadline, *(shift_at_most(deadline, unless.grace, zone, deadline) for unless in self.unless)])

    def subject(self, fact: Effective) -> tuple[str, ...] | None:
        """Return the values that name an occurrence's subject, whoever is told; None where the fact lacks one."""
        if self.once or self.alone:
            return ()
        if not self.occurrence:
            return (fact.event.source, fact.original_id)
        if len(self.occurrence) == 1:
            only = fact.values.get(self.occurrence[0])
            return None if only is None else (str(only),)
        about = [fact.values.get(path) for path in self.occurrence]
        return None if None in about else tuple(map(str, about))

    def step(self, name: str) -> Step:
        """Return the step of that name. Raises StopIteration where it has none."""
        return next(step for step in self.steps if step.name == name)

    def silent_at(self, sent: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the time at which silence after a message moves on to the next channel; None: never."""
        return None if self.cascade_after is None else shift_at_most(sent, self.cascade_after, zone, sent)

    def expires(self, due: datetime, values: Values, zone: ZoneInfo) -> datetime | None:
        """Return the expiry of a nudge due then: as the trigger says, else 30 days later; a legal one has none.

        Lint asks an emergency to declare it: nobody is to be sent away from home by last week's order.
        """
        try:
            if self.expiry is not None:
                return self.expiry.after(due, values, zone)
            return None if self.klass == "legal" else due + EXPIRES_AFTER
        except (OverflowError, ValueError):  # beyond the calendar nothing expires
            return None
