"""Entitlements of a person, their periods and the obstacles to them: by the law of a day, from the facts up to it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from domain.conditions.matching import ALL_TIMES
from domain.core.events import Effective
from domain.core.timing import UTC, at_local, end_of_day
from domain.persons.history import History
from domain.persons.hours import zone_of_attributes
from domain.persons.life_course import LifeCourse
from domain.persons.person import birthday
from domain.planning.entitlement_answers import Answer, Applied, Obstacle, ObstacleKind
from domain.rules.benefits import AlreadyHad, Benefit
from domain.rules.event_types import PERSON
from domain.rules.parameters import parameters_on
from domain.rules.rulebook import Rulebook

OLDEST_AGE = 120
"""Nobody's entitlement waits for a later birthday."""
AN_INSTANT = timedelta(microseconds=1)


class Period(NamedTuple):
    """A time of entitlement without a gap; `end`: the first moment without it, None where it has none."""

    start: datetime
    end: datetime | None


def eligibility(history: History, rulebook: Rulebook, day: date) -> list[Answer]:
    """Return the answer of that day for each benefit, and for each event of the person that it is about.

    The law of the day, and the facts up to the end of it in the person's zone.
    """
    zone = zone_of_attributes({}, rulebook.defaults)
    zone = LifeCourse(history, rulebook).zone(end_of_day(day, zone) - AN_INSTANT)
    asked = end_of_day(day, zone) - AN_INSTANT
    known = History(history.person, tuple(fact for fact in history.facts if fact.event.time <= asked))
    course = LifeCourse(known, rulebook)
    answers: list[Answer] = []
    for _, benefit in sorted(rulebook.catalogue.benefits.items()):
        about = subjects(benefit, known)
        without_event = Answer(benefit, None, (Obstacle(ObstacleKind.NO_EVENT),), None, None, None, {}, {}, ())
        answers += [BenefitCase(benefit, each, course).answer(asked) for each in about] or [without_event]
    return answers


def entitled_values(period: Period, zone: ZoneInfo) -> dict[str, str]:
    """Return entitled.from and entitled.until -> the first day of the period, and the day on which it is over."""
    edges = {"entitled.from": period.start, "entitled.until": period.end}
    return {name: edge.astimezone(zone).date().isoformat() for name, edge in edges.items() if edge is not None}


def subjects(benefit: Benefit, history: History) -> Sequence[Effective | None]:
    """Return the events of the person that the benefit is about; for one about the person alone, nothing but that."""
    if benefit.on == PERSON:
        return (None,)
    return [
        fact
        for fact in history.facts
        if fact.event.type == benefit.on and history.person in fact.event.persons.get(benefit.to or "", ())
    ]


class BenefitCase:
    """A benefit of one person, about one event."""

    def __init__(self, benefit: Benefit, about: Effective | None, course: LifeCourse) -> None:
        self.benefit, self.about, self.course = benefit, about, course
        first = about.event.time if about else course.first_time
        self._known_from = first
        self._event: Mapping[str, Any] = about.values if about else {}
        self._zone = course.zone(first) if first else UTC
        self._bounds = self._read_bounds(first) if about and first else None

    def bounds(self, at: datetime) -> tuple[date | None, date | None]:
        """Return the first day, and the day on which it is over: of the event, else of the person at that time."""
        return self._bounds or self._read_bounds(at)

    def _read_bounds(self, at: datetime) -> tuple[date | None, date | None]:
        dates = (self.benefit.start, self.benefit.until)
        values = {**self.course.attributes(at), **self._event}
        start, until = (None if date_ is None else date_.day(values, self._zone) for date_ in dates)
        return start, until

    def values(self, at: datetime) -> dict[str, Any]:
        """Return the values of the person, the law and the event that conditions read at that time."""
        return {**self.course.values(at), **self._event}

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()

    def obstacles(self, at: datetime) -> Iterator[Obstacle]:
        """Yield the obstacles to the entitlement at that time."""
        yield from self._out_of_time(at)
        values = self.values(at) if self.benefit.conditions or self.benefit.unless else {}
        for requirement in self.benefit.conditions:
            if (holds := requirement.when.holds(values)) is not True:
                yield Obstacle(ObstacleKind.CONDITION, requirement=requirement, unknown=holds is None)
        yield from (Obstacle(ObstacleKind.HAD, self._day(had.event.time), fact=had) for had in self._had(values, at))
        if self.course.died is not None and self.course.died <= at:
            yield Obstacle(ObstacleKind.DIED, self._day(self.course.died))

    def _out_of_time(self, at: datetime) -> Iterator[Obstacle]:
        (start, until), day = self.bounds(at), self._day(at)
        if self.benefit.start is not None and start is None:
            yield Obstacle(ObstacleKind.NO_DATE)  # an end that is not known is no end: some are granted for life
        if start is not None and day < start:
            yield Obstacle(ObstacleKind.NOT_YET, start)
        if until is not None and day >= until:
            yield Obstacle(ObstacleKind.OVER, until)

    def _had(self, values: Mapping[str, Any], at: datetime) -> Iterator[Effective]:
        for had in self.benefit.unless:
            for later in self.course.events.matching(had.on, had.when, values, (ALL_TIMES[0], at)):
                if later is not self.about:
                    yield later

    def _first(self, had: AlreadyHad) -> datetime | None:
        """Return the time at which the benefit was first had; None where it was not."""
        met = self.course.events.matching(had.on, had.when, self._event)
        return next((later.event.time for later in met if later is not self.about), None)

    @cached_property
    def periods(self) -> list[Period]:
        """Return all times of entitlement, from the event on.

        They change with facts, dates, birthdays and the law only.
        """
        found: list[Period] = []
        opened: datetime | None = None
        for at in self._turning_points():
            entitled = next(self.obstacles(at), None) is None
            if entitled and opened is None:
                opened = at
            elif not entitled and opened is not None:
                found.append(Period(opened, at))
                opened = None
        return found if opened is None else [*found, Period(opened, None)]

    def edges(self, *, becomes: bool) -> Iterator[tuple[int, Period, datetime]]:
        """Yield each gain (or loss) of the entitlement: its number from 0, its period, and its moment."""
        for number, period in enumerate(self.periods):
            edge = period.start if becomes else period.end
            if edge is not None:
                yield number, period, edge

    def cause(self, at: datetime) -> Effective:
        """Return the event that explains it.

        The latest that the answer of that time rests on, or the first of all.
        """
        facts = self._facts(at, tuple(self.obstacles(at)))
        of_the_person = [fact for fact in (*self.course.facts[:1], *facts) if fact.event.area is None]
        return of_the_person[-1] if of_the_person else self.course.facts[0]

    def entitled_values(self, period: Period) -> dict[str, str]:
        """Return the days of the period, as they begin and end in the zone by which it was judged."""
        return entitled_values(period, self._zone)

    def _turning_points(self) -> list[datetime]:
        if self._known_from is None:
            return []
        lasting = [had for had in self.benefit.unless if self.about is not None and had.is_lasting]
        passing = {had.on for had in self.benefit.unless if had not in lasting}
        points = {*self.course.turning_points(passing, self.benefit.judged)}
        points.update(first for had in lasting if (first := self._first(had)) is not None)
        bounded = [self._known_from]
        if self.about is None:  # the person's dates may be set anew, by facts that are turning points themselves
            bounded += self.course.turning_points((), self.benefit.bounded_by)
        days = [day for at in bounded for day in self.bounds(at) if day is not None]
        points.update(bounded, self._beginnings([*days, *self._days_of_change()]))
        return sorted(point for point in points if point >= self._known_from)

    def _beginnings(self, days: Iterable[date]) -> Iterator[datetime]:
        """Yield the first moment of each day; one at the calendar's edge (0001-01-01, 9999-12-31) was always, or is
        never.
        """
        for day in days:
            with suppress(OverflowError):
                yield at_local(day, time(), self._zone)

    def _days_of_change(self) -> Iterator[date]:
        """Yield the days on which a condition may change although nothing happens: birthdays, and new law."""
        for name in self.benefit.judged:
            if name.startswith("param."):
                yield from map(date.fromisoformat, self.course.catalogue.parameters[name.partition(".")[2]].days)
        born = self.course.last_value("citizen.born_on")
        if born is not None and "citizen.age" in self.benefit.judged:
            with suppress(ValueError):  # registries write year 0 for what they do not know
                yield from _birthdays(date.fromisoformat(born))

    def amount_day(self, at: datetime) -> date:
        """Return the day whose law sets the amount, for a question asked at that time."""
        first = None if self.benefit.as_of_asked else self.bounds(at)[0]
        return first or self._day(at)

    def amount(self, at: datetime) -> int | None:
        """Return the amount in tenge, for who asks at that time; None where there is none, or a value is missing."""
        if self.benefit.amount is None:
            return None
        return self.benefit.amount.tenge(self.values(at) | self._law(self.amount_day(at)))

    def _law(self, day: date) -> dict[str, Any]:
        """Return the parameters of that day, and nothing for those that had no value yet."""
        parameters = self.course.catalogue.parameters
        return {f"param.{name}": None for name in parameters} | parameters_on(parameters, day.isoformat())

    def answer(self, at: datetime) -> Answer:
        """Return the answer for that time."""
        obstacles = tuple(self.obstacles(at))
        values, (start, until) = self.values(at), self.bounds(at)
        return Answer(
            benefit=self.benefit,
            about=self.about,
            obstacles=obstacles,
            start=start,
            until=until,
            amount=None if obstacles else self.amount(at),
            parameters=self._applied(at),
            used={name: values[name] for name in sorted(self._own()) if values.get(name) is not None},
            facts=self._facts(at, obstacles),
        )

    def _own(self) -> set[str]:
        return {name for name in self.benefit.reads if name.startswith(("event.", "citizen."))}

    def _applied(self, at: datetime) -> dict[str, Applied]:
        """Return the parameters that the answer goes by.

        Those of the amount as of its day, the others as of that time.
        """
        amount = set(self.benefit.amount.reads) if self.benefit.amount else set()
        found = {}
        for name in sorted(name for name in self.benefit.reads if name.startswith("param.")):
            day = self.amount_day(at) if name in amount else self._day(at)
            parameter = self.course.catalogue.parameters[name.partition(".")[2]]
            value, since = parameter.on(day.isoformat()), parameter.since(day.isoformat())
            if value is not None and since is not None:
                found[name.partition(".")[2]] = Applied(value, since)
        return found

    def _facts(self, at: datetime, obstacles: Sequence[Obstacle]) -> tuple[Effective, ...]:
        setters = [self.course.setter(name, at) for name in self._own() if name.startswith("citizen.")]
        used = [self.about, *setters, *(each.fact for each in obstacles)]
        return tuple(sorted({fact.order: fact for fact in used if fact is not None}.values(), key=lambda f: f.order))


def _birthdays(born: date) -> Iterator[date]:
    """Yield the days on which somebody is a year older."""
    for years in range(1, min(OLDEST_AGE, date.max.year - born.year) + 1):
        yield birthday(born, years)
