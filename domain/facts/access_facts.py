"""Facts about access to people's data: in the past tense, stored as in domain/facts/facts.py.

`by`: the principal who did it, `agency`: theirs, `person`: a pseudonym.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from msgspec import Struct

LEAST_SAID, MOST_SAID = 5, 500
"""A purpose or a reason in fewer letters says nothing; in more it is not read."""

WHAT_SAYS_WHY = f"{LEAST_SAID} to {MOST_SAID} characters, with a letter among them"
"""The rule for a purpose or a reason, as descriptions state it."""


def says_why(text: str, least: int = LEAST_SAID) -> bool:
    """Return whether a purpose or a reason says something: it has so many characters, and a letter among them."""
    return len(text.strip()) >= least and any(map(str.isalpha, text))


class AccessFact(Struct, frozen=True, array_like=True):
    """The first fields of a fact about what a principal did."""

    at: datetime
    by: str
    agency: str


class PersonErased(AccessFact, frozen=True, array_like=True):
    """A person's key was destroyed: what it sealed can be read by nobody, and what came before is planned no more.

    `key`: the id of the destroyed key, empty where they had none; `wrapped`: the SHA-256 of how it was kept;
    `removed`: view -> how many of its rows went.
    """

    TOPIC: ClassVar[str] = "person-erased/1"
    person: str
    reason: str
    key: bytes
    wrapped: bytes
    removed: Mapping[str, int]


class PersonViewed(AccessFact, frozen=True, array_like=True):
    """A principal was about to read a person's data (empty: everybody's): `what` they read, and for which purpose."""

    TOPIC: ClassVar[str] = "person-viewed/1"
    person: str
    what: str
    purpose: str


class LetterHandled(AccessFact, frozen=True, array_like=True):
    """An official dealt with a citizen's message; `note`: the official's words, `letter`: the message's stream."""

    TOPIC: ClassVar[str] = "letter-handled/1"
    person: str
    letter: UUID
    note: str


class TokensEnded(Struct, frozen=True, array_like=True):
    """The person ended all tokens for assistants that they had made by then."""

    TOPIC: ClassVar[str] = "tokens-ended/1"
    at: datetime
    person: str


class ContentRetired(AccessFact, frozen=True, array_like=True):
    """The content of events of that type and year is not to be read any more, and keys of it were destroyed.

    `limit`: how long after the year it was to be read, as the type says it; `keys`: the ids of the destroyed keys, by
    which what they sealed is known.
    """

    TOPIC: ClassVar[str] = "content-retired/1"
    type: str
    year: int
    limit: str
    keys: tuple[bytes, ...]


class LettersDropped(AccessFact, frozen=True, array_like=True):
    """Dead letters of that kind and cause were given up, and are gone.

    `letters`: the SHA-256 of their ids, in the order of their bytes; what was in them is kept nowhere.
    """

    TOPIC: ClassVar[str] = "letters-dropped/1"
    reason: str
    kind: str
    cause: str
    count: int
    letters: bytes


ACCOUNTING_FACTS = (PersonErased, PersonViewed, LetterHandled, TokensEnded)
"""The facts among them that are about persons."""
