"""Reading a person's data on the command line: by a role, for a purpose, after the log has recorded it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NamedTuple

import typer

from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import LOCAL, acting_or_local, open_platform
from app.compose import Platform
from app.settings import Settings
from app.terminal import Exit, stop
from domain.facts.access_facts import says_why
from domain.facts.principals import Principal, require_reading
from streams.privacy.access_log import note_viewing
from streams.rules.context import WriteContext

Purpose = Annotated[
    str | None,
    typer.Option(
        "--purpose", help="The reason why you read it, which the log keeps; needed where there are principals."
    ),
]


class DataReader(NamedTuple):
    """A reader of personal data and their purpose."""

    who: Principal
    purpose: str

    def note_reading(self, context: WriteContext, person: str, what: str) -> None:
        """Record in the log that they are about to read it; where nobody is registered there is no name to record."""
        if self.who is not LOCAL:
            note_viewing(context, self.who, person, what, self.purpose)


def reader_for(settings: Settings, purpose: str | None) -> DataReader:
    """Return the reader with their purpose. Raises BadPrincipals, NotAllowed where they may not read."""
    who = acting_or_local(settings)
    require_reading(who)
    if who is not LOCAL and not says_why(purpose or "", 1):
        stop(Exit.USAGE, "--purpose: say why you read this person's data; the log keeps it")
    return DataReader(who, purpose or "")


@contextmanager
def open_for_reading(
    on: PlatformOptions, purpose: str | None, *, make: bool = False
) -> Iterator[tuple[Platform, DataReader]]:
    """Open the platform for a command that reads a person's data. Raises what `reader_for` and `compose` raise."""
    look = reader_for(on.settings, purpose)
    with open_platform(on, make=make) as platform:
        yield platform, look
