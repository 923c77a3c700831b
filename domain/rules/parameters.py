"""Dated parameters of the law: which value holds from which day on (the monthly calculation index, …)."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

Number = int | float


class Parameter(Struct, frozen=True):
    """A value set by law. `type`: integer or number; `days`: ISO days, sorted; `values[n]` holds from `days[n]`."""

    type: str
    days: tuple[str, ...]
    values: tuple[Number, ...]
    content: Mapping[str, Any]

    def on(self, day: str) -> Number | None:
        """Return the value on an ISO day; None before the first."""
        at = bisect_right(self.days, day)
        return self.values[at - 1] if at else None

    def since(self, day: str) -> str | None:
        """Return the day from which the value of that day holds."""
        at = bisect_right(self.days, day)
        return self.days[at - 1] if at else None


def parameter_of(content: Mapping[str, Any]) -> Parameter:
    """Return the parameter that a checked entry of parameters.yaml describes."""
    dated = sorted(content["values"].items())
    whole = all(isinstance(value, int) for _, value in dated)
    values = tuple(value if whole else float(value) for _, value in dated)
    return Parameter("integer" if whole else "number", tuple(day for day, _ in dated), values, content)


def parameters_on(parameters: Mapping[str, Parameter], day: str) -> dict[str, Number]:
    """Return dotted name (param.<name>) -> value on an ISO day, of those that have one."""
    return {f"param.{name}": value for name, each in parameters.items() if (value := each.on(day)) is not None}
