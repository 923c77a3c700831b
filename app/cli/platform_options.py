"""The options by which a command finds its platform."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import ClockTime, OptionGroup, clock_of
from app.clock import Clock, system_clock
from app.settings import Settings, load_settings

KeyFile = Annotated[Path | None, typer.Option("--key-file", help="The file of the secret keys.")]


class PlatformOptions(OptionGroup, frozen=True):
    """The options of a command whose time is the machine's."""

    database: Annotated[str | None, typer.Option("--database", help="The SQLAlchemy URL of the database.")] = None
    key_file: KeyFile = None

    @property
    def settings(self) -> Settings:
        """Return the settings with these options."""
        return load_settings(database=self.database, key_file=self.key_file)

    @property
    def clock(self) -> Clock:
        """Return the clock by which the command acts."""
        return system_clock


class TimedOptions(PlatformOptions, frozen=True):
    """The options of a command that acts as if it were another time, where it is told so."""

    time: ClockTime = None

    @property
    def clock(self) -> Clock:
        """Return the clock by which the command acts."""
        return clock_of(self.time)
