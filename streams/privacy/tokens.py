"""The end of a citizen's tokens for assistants: a fact in the log, after which older tokens are refused."""

from datetime import datetime

from sqlalchemy import Connection

from domain.facts.access_facts import TokensEnded
from streams.rules.context import WriteContext


def end_tokens(context: WriteContext, person: str) -> None:
    """End all tokens that the person made so far."""
    context.note(context.names.registry_stream("tokens", person), person, TokensEnded(context.clock(), person))


def tokens_ended(connection: Connection, context: WriteContext, person: str) -> datetime | None:
    """Return the time of the person's latest end of tokens, or None."""
    entries = context.log.streams(connection, [context.names.registry_stream("tokens", person)])
    return max((entry.fact.at for entry in entries if isinstance(entry.fact, TokensEnded)), default=None)
