"""The end of a citizen's tokens for assistants: the log has when, and whoever is asked by an older one refuses."""

from datetime import datetime

from sqlalchemy import Connection

from domain.facts.access_facts import TokensEnded
from streams.rules.context import Books


def end_tokens(books: Books, person: str) -> None:
    """From now on no token that they made so far is of any use."""
    books.note(books.names.registry_stream("tokens", person), person, TokensEnded(books.clock(), person))


def tokens_ended(connection: Connection, books: Books, person: str) -> datetime | None:
    """When they last ended their tokens; None: never."""
    entries = books.log.streams(connection, [books.names.registry_stream("tokens", person)])
    return max((each.fact.at for each in entries if isinstance(each.fact, TokensEnded)), default=None)
