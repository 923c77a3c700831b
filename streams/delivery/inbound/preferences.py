"""Preferences: a person's own choices about messages become life events of theirs."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from domain.core.events import PUBLIC
from domain.core.plain import PlainData
from domain.persons.history import History
from domain.persons.own_choices import event_of_person, time_after
from domain.persons.person import Person, person_as_of
from projections import nudges
from streams.delivery.inbound.own_limits import refuse_too_many
from streams.log.person_keys import PersonKey
from streams.planning import histories
from streams.rules.context import EventWriter
from streams.rules.in_force import Rules

SOURCE = "/habarshy/choice"
PREFERENCES, CONSENT, NO_CONSENT = "citizen.preferences_changed", "citizen.consent_given", "citizen.consent_withdrawn"
DISPUTED = "citizen.disputed"
ROLE = "citizen"
EventOf = Callable[[Person], tuple[str, Mapping[str, Any]]]
"""Makes the type and the fields of an event from the person as known; no fields: nothing changes."""


class PreferenceStore(EventWriter):
    """Shows and changes persons' preferences."""

    def person(self, pseudonym: str) -> Person:
        """Return the person as known now."""
        with self._database.reading() as connection:
            return self._person(connection, pseudonym, self._library.rules())[0]

    def prefer(self, pseudonym: str, wished: Mapping[str, Any]) -> bool:
        """Store preferences (the fields of `citizen.preferences_changed`); return False if none of them is new."""
        return self._choose(pseudonym, lambda person: (PREFERENCES, _changed(person, wished)))

    def consent(self, pseudonym: str, categories: Iterable[str]) -> bool:
        """Store consent to offers in these categories and no others; return False if nothing changes."""
        wished = sorted(categories)

        def event(person: Person) -> tuple[str, Mapping[str, Any]]:
            if sorted(person.get("consents") or ()) == wished:
                return CONSENT, {}
            return (CONSENT, {"categories": wished}) if wished else (NO_CONSENT, {"categories": []})

        return self._choose(pseudonym, event)

    def end_opt_out(self, pseudonym: str, category: str) -> bool:
        """End the opt-out of a category; return False if there is none."""

        def event(person: Person) -> tuple[str, Mapping[str, Any]]:
            left = sorted({*(person.get("opted_out") or ())} - {category})
            return PREFERENCES, _changed(person, {"opted_out": left})

        return self._choose(pseudonym, event)

    def _choose(self, pseudonym: str, event_of: EventOf) -> bool:
        rules = self._library.rules()
        return self._write(lambda connection: self._chosen(connection, pseudonym, event_of, rules))

    def _chosen(
        self, connection: Connection, pseudonym: str, event_of: EventOf, rules: Rules
    ) -> Mapping[str, PersonKey] | None:
        self._log.keys.hold(connection, [pseudonym])  # of two choices at once, neither is lost
        person, known = self._person(connection, pseudonym, rules)
        type_, data = event_of(person)
        if not data:
            return None
        refuse_too_many(connection, pseudonym, type_, self._clock())
        attributes = ["consents"] if type_ in (CONSENT, NO_CONSENT) else list(data)
        time = time_after(known.facts, attributes, rules.catalogue, self._clock())
        fields = {ROLE: {} if type_ == NO_CONSENT else dict(data)}
        id_ = f"{pseudonym}.{time.isoformat()}"
        return self._append(
            connection, [event_of_person(self._names, SOURCE, id_, type_, ROLE, pseudonym, fields, time)]
        )

    def _person(self, connection: Connection, pseudonym: str, rules: Rules) -> tuple[Person, History]:
        """Return the person as known now, with the facts that make them so."""
        known = histories.of_personal_types(connection, self._log, [pseudonym], rules.rulebook)[pseudonym]
        return person_as_of(pseudonym, known.facts, rules.catalogue), known

    def dispute(self, pseudonym: str, id_: UUID, text: str) -> bool:
        """Store that a person disputes what a nudge says; its agency is told.

        Return False if the same is stored already: in the same words, whatever their case, spaces and last stop; or
        if the nudge is from before an erasure of the person: of what they were told, nothing is stored again.
        """
        plain, as_written = (self._disputing(str(id_), pseudonym, words) for words in (_plain(text), text))
        fields = {PUBLIC: {"nudge": str(id_)}, ROLE: {"text": text} if text else {}}
        event = event_of_person(self._names, SOURCE, plain, DISPUTED, ROLE, pseudonym, fields, self._clock())
        earlier = self._names.stream(SOURCE, as_written)  # as it was named before words were compared so

        def work(connection: Connection) -> Mapping[str, PersonKey] | None:
            self._log.keys.hold(connection, [pseudonym])  # an erasure that came first has ended by now
            found = nudges.by_id(connection, [id_]).get(id_)
            if found is not None and nudges.is_from_before_erasure(connection, found, pseudonym):
                return None
            if self._log.streams(connection, [event.stream, earlier]):
                return None
            refuse_too_many(connection, pseudonym, DISPUTED, self._clock())
            return self._append(connection, [event])

        return self._write(work)

    def _disputing(self, nudge: str, pseudonym: str, text: str) -> str:
        return f"{nudge}.{pseudonym}.{self._names.digest(text.encode()).hex()}"


def _plain(text: str) -> str:
    """Return the words of a text to compare it by."""
    return " ".join(text.casefold().split()).rstrip(" .!")


def _changed(person: Person, wished: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wished.items() if _as_set(person.get(name)) != _as_set(value)}


def _as_set(value: PlainData) -> PlainData:
    """Return a value to compare: lists of choices have no order, and an empty one equals none."""
    return (frozenset(value) or None) if isinstance(value, list | tuple) else value
