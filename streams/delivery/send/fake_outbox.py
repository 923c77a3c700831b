"""The outbox of the shipped fake: messages sealed with the recipient's key, unreadable once that is destroyed."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from notifiers.port.interface import Message
from projections.bulk import among, insert_rows
from streams.log.person_keys import PersonKeys
from streams.storage.database import Database, Priority
from streams.storage.tables import fake_messages


class KeptMessage(Struct, frozen=True):
    """A message that the fake kept."""

    channel: str
    language: str
    title: str
    text: str
    html: str | None
    actions: tuple[tuple[str, str], ...]


_decode = msgspec.msgpack.Decoder(KeptMessage).decode


class FakeOutbox:
    """Keeps the messages that the fake would have sent."""

    def __init__(self, database: Database, keys: PersonKeys) -> None:
        self._database, self._keys = database, keys

    def keep(self, message: Message) -> None:
        """Keep one message."""
        self._database.write(lambda connection: self._insert(connection, message), Priority.DISPATCH)

    def _insert(self, connection: Connection, message: Message) -> None:
        kept = KeptMessage(
            message.channel,
            message.language,
            message.title,
            message.text,
            message.html,
            tuple((action.label, action.url) for action in message.actions),
        )
        key = self._keys.load(connection, [message.recipient]).get(message.recipient)
        if key is None:
            return  # erased since it was handed over
        sealed = key.seal(msgspec.msgpack.encode(kept), message.nudge.bytes)
        row = (message.nudge, message.recipient, message.attempt, message.channel, sealed)
        insert_rows(connection, fake_messages, [row], ignore=True)

    def last_of_each(self, connection: Connection, recipient: str, nudges: Iterable[UUID]) -> dict[UUID, KeptMessage]:
        """Return the last message kept of each of these nudges to this recipient, if it can still be read."""
        table = fake_messages
        query = select(table.c.nudge, table.c.sealed).where(
            table.c.recipient == recipient, among(table.c.nudge, list(nudges))
        )
        keys = self._keys.load(connection, [recipient])
        found: dict[UUID, KeptMessage] = {}
        for nudge, sealed in connection.execute(query.order_by(table.c.attempt)):
            plain = keys[recipient].open(sealed, nudge.bytes) if recipient in keys else None
            if plain is not None:
                found[nudge] = _decode(plain)
        return found
