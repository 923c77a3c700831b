"""Compiles the steps of a trigger: when each of its messages is due."""

from collections.abc import Mapping
from typing import Any

from domain.core.timing import DayOfYear, InvalidTime, parse_clock, parse_day_of_year, parse_span
from domain.core.translatable import Said, Words
from domain.rules.compiler_base import CompilerBase
from domain.rules.errors import BadTrigger
from domain.rules.parts import collected
from domain.rules.steps import Repeat, Series, Step
from domain.rules.triggers import COMPLETE, CORRECTION


class StepCompiler(CompilerBase):
    """A trigger's `due`."""

    def _steps(self) -> tuple[Step, ...]:
        smooth = self._smooth(("smooth",), self.content.get("smooth", "PT0S"))
        return tuple(self._step(name, step or {}, smooth) for name, step in self.content["due"].items())

    @collected
    def _step(self, name: str, step: Mapping[str, Any], smooth: int) -> Step:
        where = ("due", name)
        if name == CORRECTION:
            raise BadTrigger(where, Said("'correction' is the name of the platform's own step; choose another"))
        clock, day = step.get("at"), self._day(where, step)
        return Step(
            name,
            self._date((*where, "from"), step.get("from") or self._start()),
            self._offset((*where, "offset"), step.get("offset", "P0D")),
            None if clock is None else parse_clock(clock),
            self._condition((*where, "when"), step.get("when"), self.variables),
            self._series(where, step, day),
            self._smooth((*where, "smooth"), step["smooth"]) if "smooth" in step else smooth,
            day,
        )

    @collected
    def _day(self, where: tuple[str | int, ...], step: Mapping[str, Any]) -> DayOfYear | None:
        if "on" not in step:
            return None
        try:
            day = parse_day_of_year(step["on"])
        except InvalidTime as error:
            raise BadTrigger((*where, "on"), error.problem) from None
        if self._offset((*where, "offset"), step.get("offset", "P0D")).seconds:
            problem = Said(
                "with `on`, the offset says only which year: write it in years, months or days, and the time in `at`"
            )
            raise BadTrigger((*where, "offset"), problem)
        return day

    def _series(self, where: tuple[str | int, ...], step: Mapping[str, Any], day: DayOfYear | None) -> Series | None:
        days, repeat = self._working_days(where, step), self._repeat(where, step.get("repeat"))
        yearly = repeat is not None and repeat.every.is_of_years and not days
        found = Series(days, step.get("on_working_day"), repeat, day if yearly else None)
        return None if found == Series() else found

    @collected
    def _working_days(self, where: tuple[str | int, ...], step: Mapping[str, Any]) -> int:
        if not step.get("working_days"):
            return 0
        offset = self._offset((*where, "offset"), step.get("offset", "P0D"))
        if (offset.months or offset.days) and "on" not in step:
            problem = Said("working days and the days of an offset exclude each other: say one of them")
            raise BadTrigger((*where, "working_days"), problem)
        return int(step["working_days"])

    def _repeat(self, where: tuple[str | int, ...], repeat: Mapping[str, Any] | None) -> Repeat | None:
        if repeat is None:
            return None
        every = self._offset((*where, "repeat", "every"), repeat["every"])
        return Repeat(every, repeat["at_most"], repeat.get("until") is not None)

    def _start(self) -> str:
        if self.entitlement is None:
            return COMPLETE if self.content.get("with") else "event.time"
        return "entitled.from" if self.entitlement.becomes else "entitled.until"

    @collected
    def _date(self, where: tuple[str | int, ...], path: str) -> str:
        if path == COMPLETE and not self.content.get("with"):
            raise BadTrigger(
                where, Words("{name!r} is when all of `with` is there, and this trigger has none", name=COMPLETE)
            )
        if path == COMPLETE or (path == "event.time" and not self.alone):
            return path
        if self.variables.get(self._path(where, path, ("event", "citizen", "entitled"))) != "date":
            raise BadTrigger(where, Words("{path!r} is no date", path=path))
        return path

    @collected
    def _smooth(self, where: tuple[str | int, ...], text: str) -> int:
        try:
            return parse_span(text)
        except InvalidTime as error:
            raise BadTrigger(where, error.problem) from None
