"""A command that asks for a job: its options are read by the parser that the console and the API use."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from app.cli.options import ConfirmOptions
from app.cli.principal_session import PrincipalSession
from app.jobs.requests import BadOrder, Given, Order, Orders
from app.jobs.start import begin
from app.terminal import Exit, stop
from streams.queues.jobs import Job

T = TypeVar("T")
Options = Mapping[str, str | Sequence[str] | None]


def parse_order(at: PrincipalSession, kind: str, options: Options) -> Order:
    """Return the order of that kind; a wrong option ends the command with exit 2, see `parse_options`."""
    return parse_options(at, options, lambda orders, given: orders.of(kind, given, at.who))


def parse_options(at: PrincipalSession, options: Options, parse: Callable[[Orders, Given], T]) -> T:
    """Return what the parser of orders makes of the options; a wrong one ends the command with exit 2.

    `options`: the name of a field -> what was given; None where the option is absent. An empty value is refused: in
    a form it means that nothing was chosen, on the command line it is a mistake that would widen what is done.
    """
    given = {
        name: [value] if isinstance(value, str) else value for name, value in options.items() if value is not None
    }
    for name, values in given.items():
        if not all(value.strip() for value in values):
            stop(Exit.USAGE, f"{_option(name)}: a value is missing")
    try:
        return parse(Orders(at.platform), given)
    except BadOrder as bad:
        stop(Exit.USAGE, bad.problem if bad.field == "kind" else f"{_option(bad.field)}: {bad.problem}")


def run_job(at: PrincipalSession, order: Order, how: ConfirmOptions) -> Job:
    """Have the job done as its options say; return it once it is done. Raises what `app.jobs.start.begin` raises."""
    by = at.who.name
    return begin(at.platform, order.kind, order.arguments, by, yes=how.yes, as_json=how.as_json, plan_only=how.plan)


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"
