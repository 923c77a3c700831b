"""Viewing: that somebody is about to read a person's data is in the log before they do."""

from uuid import uuid4

from domain.accounting import PersonViewed
from domain.principals import Principal
from streams.books import Books
from streams.mapper import Entry


def note_viewing(books: Books, who: Principal, person: str, what: str, purpose: str) -> None:
    """Commit it: who, whose data, what of it, and why."""
    fact = PersonViewed(books.clock(), who.name, who.agency, person, what, purpose)
    books.database.write(lambda connection: books.log.append(connection, [Entry(uuid4(), 1, fact)]))
