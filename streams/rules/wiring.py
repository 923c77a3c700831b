"""Build the objects of streams.rules."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from domain.core.ids import Names
from streams.log.log import Log
from streams.rules.approval import RuleApproval
from streams.rules.context import Append, WriteContext
from streams.rules.library import Library
from streams.rules.switches import Switches


class RuleParts(Struct, frozen=True):
    """The objects of this package: the library, the write context, approval, and the switches."""

    library: Library
    context: WriteContext
    approval: RuleApproval
    switches: Switches


def build(library: Library, log: Log, names: Names, append: Append, clock: Callable[[], datetime]) -> RuleParts:
    """Return the objects of this package; `append` takes in life events that the platform reports.

    The library is built earlier, since the intake checks events by it.
    """
    database = log.database
    return RuleParts(
        library,
        WriteContext(database, log, library, names, append, clock),
        RuleApproval(database, log, names, clock),
        Switches(database, log, names, clock),
    )
