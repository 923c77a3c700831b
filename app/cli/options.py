"""The options that most commands share, and groups of options that a command takes as one parameter."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from functools import wraps
from typing import Annotated, Any, NoReturn

import typer
from msgspec import Struct

from app.clock import Clock, fixed, system_clock
from app.moments import moment_of
from app.terminal import Exit, stop
from domain.facts.access_facts import says_why
from templates.reading.findings import hint

AsJson = Annotated[bool, typer.Option("--json", help="Print compact JSON, one object a line.")]
ClockTime = Annotated[
    str | None, typer.Option("--clock", metavar="TIME", help="Act as if it were that time; without a zone, UTC.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Plan = Annotated[bool, typer.Option("--plan", help="Show what would be done, and do nothing.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Show at most so many.")]
OfTrigger = Annotated[str | None, typer.Option("--trigger", help="Only nudges of this trigger.")]
Published = Annotated[str, typer.Argument(metavar="TRIGGER", help="A published trigger.")]
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="National id, pseudonym, or - to read it.")]


def reason_given(reason: str | None) -> str | None:
    """Return the reason; end the command if one is given that says nothing, such as the dots of an example."""
    if reason is not None and not says_why(reason, 1):
        stop(Exit.USAGE, "--reason: say why, in words; the log keeps it")
    return reason


def clock_of(time: str | None) -> Clock:
    """Return the clock that `--clock` asks for, else the machine's."""
    if time is None:
        return system_clock
    return fixed(moment_of(time, "--clock", UTC))  # the rules are read with this clock, and the zone with them


def refuse_unknown(option: str, what: str, name: str, known: Sequence[str]) -> NoReturn:
    """End the command: nothing is called so; what is, and which of it was probably meant."""
    stop(Exit.USAGE, f"{option}: no {what} is called {name!r}{hint(name, known)}; there are: {', '.join(known)}")


class OptionGroup(Struct, frozen=True):
    """Options as one parameter: the fields of a subclass are options, as Typer annotates them."""


class ConfirmOptions(OptionGroup, frozen=True):
    """The options of a command that shows what it would do, asks, and does it."""

    plan: Plan = False
    yes: Yes = False
    as_json: AsJson = False


def with_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command as Typer reads it: the options of a group stand in place of its parameter."""
    signature = inspect.signature(command)
    groups = {name: each.annotation for name, each in signature.parameters.items() if _is_group(each)}

    @wraps(command)
    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in _options(group)})
        command(**given)

    parameters = [
        option.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for each in signature.parameters.values()
        for option in (_options(each.annotation) if _is_group(each) else [each])
    ]
    vars(run)["__signature__"] = signature.replace(parameters=parameters)
    return run


def _is_group(parameter: inspect.Parameter) -> bool:
    return inspect.isclass(parameter.annotation) and issubclass(parameter.annotation, OptionGroup)


def _options(group: type[OptionGroup]) -> Iterator[inspect.Parameter]:
    """Yield its options, those of a subclass before those of its base."""
    known = inspect.signature(group).parameters
    return (known[name] for each in group.__mro__ for name in inspect.get_annotations(each) if name in known)
