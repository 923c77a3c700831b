"""Build the objects of streams.queries."""

from msgspec import Struct

from streams.queries.forecast import Forecaster
from streams.queries.health import BacklogSamples
from streams.queries.inbox import Inboxes
from streams.rules.context import WriteContext


class QueryParts(Struct, frozen=True):
    """The objects of this package: the inboxes of citizens, samples of the backlogs, and the forecast."""

    inboxes: Inboxes
    backlog: BacklogSamples
    forecast: Forecaster


def build(context: WriteContext) -> QueryParts:
    """Return the objects of this package."""
    return QueryParts(Inboxes(context), BacklogSamples(context.database, context.clock), Forecaster(context))
