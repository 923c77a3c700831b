"""What was said to whom: where somebody answers or stops a message, all that is known of it and of them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.history import History
from domain.nudge import Nudge
from domain.person import Person, person_as_of
from projections import nudges
from streams import reading
from streams.log import Log
from streams.rules import Rules
from streams.versions import rules_of


class Spoken(Struct, frozen=True):
    """A nudge, the rules that it goes by as plain data, its recipient, and what is known of them.

    `language`: the recipient's, else the pack's.
    """

    nudge: Nudge
    content: Mapping[str, Any]
    person: Person
    known: History
    language: str


def spoken(connection: Connection, log: Log, rules: Rules, nudge: UUID, recipient: str) -> Spoken | None:
    """What is known where a message to that recipient is spoken of; None where there is no such nudge."""
    found = nudges.by_id(connection, [nudge]).get(nudge)
    if found is None or (content := rules_of(connection, log, rules.rulebook, found.intent.version)) is None:
        return None
    known = reading.histories(connection, log, [recipient], rules.rulebook)[recipient]
    person = person_as_of(recipient, known.facts, rules.catalogue)
    return Spoken(found, content, person, known, person.get("language") or rules.defaults.language)
