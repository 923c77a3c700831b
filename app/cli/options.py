"""The options that most commands share."""

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from app.clock import Clock, fixed, system_clock
from app.moments import moment_of
from app.terminal import Exit, stop
from domain.facts.access_facts import says_why
from templates.reading.findings import closest

AsJson = Annotated[bool, typer.Option("--json", help="Print compact JSON, one object a line.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database", help="The SQLAlchemy URL of the database.")]
KeyFile = Annotated[Path | None, typer.Option("--key-file", help="The file of the secret keys.")]
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
    meant = closest(name, known)
    hint = "" if meant is None else f" (did you mean {meant!r}?)"
    stop(Exit.USAGE, f"{option}: no {what} is called {name!r}{hint}; there are: {', '.join(known)}")
