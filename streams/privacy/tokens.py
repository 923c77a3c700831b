"""The end of a citizen's tokens for assistants: a fact in the log, after which older tokens are refused."""

from datetime import datetime

from sqlalchemy import Connection

from domain.facts.access_facts import TokensEnded
from streams.rules.context import Books


def end_tokens(books: Books, person: str) -> None:
    """End all tokens that the person made so far."""
    books.note(books.names.registry_stream("tokens", person), person, TokensEnded(books.clock(), person))


def tokens_ended(connection: Connection, books: Books, person: str) -> datetime | None:
    """Return the time of the person's latest end of tokens, or None."""
    entries = books.log.streams(connection, [books.names.registry_stream("tokens", person)])
    return max((entry.fact.at for entry in entries if isinstance(entry.fact, TokensEnded)), default=None)
