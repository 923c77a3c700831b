"""What waits for something, sealed: with the key of whom it is about, or with one of the platform's own."""

from sqlalchemy import Connection

from streams.log.person_keys import PersonKey, PersonKeys

OURS = "dead letters"
"""In the table of keys the name of the platform's own (dead letters were first), which nobody's pseudonym can be."""


class Sealing:
    """Seals and opens; an erasure takes along what is sealed with the person's key."""

    def __init__(self, keys: PersonKeys) -> None:
        self._keys = keys

    def seal(self, connection: Connection, content: bytes, about: bytes, person: str | None) -> bytes:
        """The content, bound to what it is about; `person`: whom it is about, where that is known."""
        return self._key(connection, person).seal(content, about)

    def _key(self, connection: Connection, person: str | None) -> PersonKey:
        """The key of whom it is about, if they have one; else the platform's own, made at its first use."""
        theirs = None if person is None else self._keys.load(connection, [person]).get(person)
        # What is made is not remembered: the caller may yet roll back.
        return theirs or self._keys.ensure(connection, [OURS])[0][OURS]

    def open(self, connection: Connection, sealed: bytes, about: bytes, person: str | None) -> bytes | None:
        """The content, or None where its key was destroyed."""
        owners = [OURS] if person is None else [person, OURS]
        keys = self._keys.load(connection, owners)
        opened = (keys[each].open(sealed, about) for each in owners if each in keys)
        return next((content for content in opened if content is not None), None)
