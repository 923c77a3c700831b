"""Build the intake: the one object of streams.intake."""

from collections.abc import Callable
from datetime import datetime

from domain.core.ids import Names
from streams.intake.intake import Intake
from streams.intake.validation import Checker
from streams.log.log import Log
from streams.storage.database import Database


def build(
    database: Database,
    log: Log,
    names: Names,
    checker: Callable[[], Checker],
    clock: Callable[[], datetime],
    *,
    refuse_future: bool,
) -> Intake:
    """Return the intake; `checker` returns the event types in force."""
    return Intake(database, log, names, checker, clock, refuse_future=refuse_future)
