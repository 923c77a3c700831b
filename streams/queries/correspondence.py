"""Letters: texts of citizens about an agency's messages, for the agency to read. No rule understood them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.translatable import Said, Words
from domain.facts.access_facts import LetterHandled
from domain.facts.principals import NotAllowed, Principal, require_reader
from domain.nudges.nudge import Nudge
from domain.persons.replies import concerns_agency, nudge_of
from projections import history, nudges
from projections.tables import WRITTEN
from streams.log.mapper import Entry
from streams.privacy.access_log import note_viewing
from streams.rules.context import WriteContext
from streams.rules.trigger_history import rules_of

PAGE, LOOKED_AT, TURNS = 50, 200, 10
"""Letters in a page, events looked at in one query, and queries for a page at most."""
WHAT, PURPOSE = "letter", "to answer what they wrote"


class UnknownLetter(LookupError):
    """Raised for an id that no letter has."""


class CitizenLetter(Struct, frozen=True):
    """A letter of a citizen; `person` is a pseudonym.

    `began`: source and id of the event that the message was about, by which the agency knows whom it told; None
    without such an event. `retired`: time since when the text cannot be read; `handled`: records of who dealt with
    it.
    """

    event: UUID
    type: str
    at: datetime
    person: str
    trigger: str
    title: Mapping[str, str]
    owner: str
    text: str
    began: tuple[str, str] | None = None
    retired: datetime | None = None
    handled: tuple[LetterHandled, ...] = ()


class Correspondence:
    """Reads the letters to an agency and records who dealt with them."""

    def __init__(self, context: WriteContext) -> None:
        self._context = context

    def page(
        self, who: Principal, before: int | None = None, *, handled: bool = False
    ) -> tuple[list[CitizenLetter], int | None]:
        """Return the latest letters before a position, and the position for the next page (None: no more).

        `handled`: letters that were dealt with, instead of those that wait.
        """
        found: list[CitizenLetter] = []
        with self._context.database.reading() as connection:
            for _ in range(TURNS):
                positions = history.citizens_texts(connection, before, LOOKED_AT)
                if not positions:
                    return found, None
                theirs = self._noted(connection, list(self._theirs(connection, positions, who)))
                found += [letter for letter in theirs if bool(letter.handled) == handled]
                before = positions[-1]
                if len(found) >= PAGE:
                    break
        return found, before

    def _theirs(self, connection: Connection, positions: Sequence[int], who: Principal) -> Iterator[CitizenLetter]:
        entries = self._context.log.read(connection, positions)
        letters = [found for entry in reversed(entries) if (found := _letter_of(entry)) is not None]
        about = nudges.by_id(connection, {nudge for _, nudge in letters})
        for event, nudge in letters:
            if nudge in about and (one := self._written(connection, event, about[nudge])).owner == who.agency:
                yield one

    def read(self, event: UUID, who: Principal) -> CitizenLetter:
        """Return a letter, after recording in the log that the principal reads it.

        Raises:
            NotAllowed: it was written to another agency.
            UnknownLetter: there is no such letter.
        """
        with self._context.database.reading() as connection:
            found, nudge = self._find(connection, event)
            cause = self._context.log.streams(connection, [nudge.intent.cause])
        require_reader(who, found.owner, "the letter")
        note_viewing(self._context, who, found.person, WHAT, PURPOSE)
        began = (each.fact for each in cause if isinstance(each.fact, LifeEvent))
        return replace(found, began=next(((event.source, event.id) for event in began), None))

    def handle(self, event: UUID, who: Principal, note: str) -> None:
        """Record in the log that the principal dealt with a letter, and how; another call adds another record.

        Raises:
            NotAllowed: it was written to another agency.
            UnknownLetter: there is no such letter.
        """
        with self._context.database.reading() as connection:
            found, _ = self._find(connection, event)
        if found.owner != who.agency:
            raise NotAllowed(
                Words("the letter was written to another agency than yours ({agency})", agency=who.agency)
            )
        fact = LetterHandled(self._context.clock(), who.name, who.agency, found.person, event, note)
        self._context.note(self._noted_in(event), found.person, fact)

    def _find(self, connection: Connection, event: UUID) -> tuple[CitizenLetter, Nudge]:
        letter = _letter_of(next(iter(self._context.log.streams(connection, [event])), None))
        nudge = None if letter is None else nudges.by_id(connection, [letter[1]]).get(letter[1])
        if letter is None or nudge is None:
            raise UnknownLetter(
                Said("Nobody wrote a letter of that name; `/work/letters` lists those to your agency.")
            )
        [found] = self._noted(connection, [self._written(connection, letter[0], nudge)])
        return found, nudge

    def _noted_in(self, event: UUID) -> UUID:
        return self._context.names.registry_stream("letter", str(event))

    def _noted(self, connection: Connection, found: Sequence[CitizenLetter]) -> list[CitizenLetter]:
        """Return the letters with the records of who dealt with them."""
        noted: dict[UUID, list[LetterHandled]] = {}
        for entry in self._context.log.streams(connection, [self._noted_in(letter.event) for letter in found]):
            if isinstance(entry.fact, LetterHandled):
                noted.setdefault(entry.fact.letter, []).append(entry.fact)
        return [replace(letter, handled=tuple(noted.get(letter.event, ()))) for letter in found]

    def _written(self, connection: Connection, event: LifeEvent, nudge: Nudge) -> CitizenLetter:
        rulebook = self._context.library.rules().rulebook
        content: Mapping[str, Any] = rules_of(connection, self._context.log, rulebook, nudge.intent.version) or {}
        return CitizenLetter(
            event.stream,
            event.type,
            event.time,
            min(event.everybody),
            nudge.intent.trigger,
            content.get("title", {}),
            str(content.get("owner", "")),
            str(event.values.get("event.text", "")),
            retired=event.retired,
        )


def _letter_of(entry: Entry | None) -> tuple[LifeEvent, UUID] | None:
    """Return the event of a letter and the nudge that it is about; None if the entry is no letter."""
    event = None if entry is None else entry.fact
    if not isinstance(event, LifeEvent) or event.type not in WRITTEN or not concerns_agency(event):
        return None
    nudge = nudge_of(event)
    return None if nudge is None else (event, nudge)
