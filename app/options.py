"""The options that most commands share."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.clock import Clock, fixed, system_clock
from app.settings import Settings, load_settings
from app.terminal import Exit, stop

AsJson = Annotated[bool, typer.Option("--json", help="Print compact JSON, one object a line.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database", help="SQLAlchemy URL of log and views.")]
KeyFile = Annotated[Path | None, typer.Option("--key-file", help="Where the secret keys are.")]
ClockTime = Annotated[str | None, typer.Option("--clock", metavar="TIME", help="Act as if it were that time.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="National id, pseudonym, or - to read it.")]


def settings_of(database: str | None = None, key_file: Path | None = None) -> Settings:
    """The settings with these flags."""
    return load_settings(database=database, key_file=key_file)


def clock_of(time: str | None) -> Clock:
    """The clock that `--clock` asks for, else the machine's."""
    if time is None:
        return system_clock
    return fixed(moment_of(time, "--clock"))


def moment_of(text: str, option: str) -> datetime:
    """A time given on the command line, in UTC; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (OverflowError, ValueError):  # in UTC it may lie before the year 1, or after 9999
        stop(Exit.USAGE, f"{option}: no time such as 2026-03-01T09:00+05:00")
