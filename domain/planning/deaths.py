"""The deaths in a history, and the nudges that they end."""

from collections.abc import Mapping
from datetime import datetime

from domain.core.events import LifeEvent
from domain.persons.history import History
from domain.rules.event_types import EventType
from domain.rules.rulebook import Rulebook
from domain.rules.triggers import Trigger

HEIRS = frozenset({"heir", "heirs"})
"""The roles whose triggers a death starts rather than ends."""


def spoken_of(event: LifeEvent | None, trigger: Trigger, types: Mapping[str, EventType]) -> tuple[str, ...]:
    """Return the persons of whom a message speaks by its event: the subject; nobody where heirs are told.

    Their own history knows best whether they live: a report of a death need not name those who are told.
    """
    type_ = types.get(trigger.on)
    if event is None or type_ is None or type_.subject is None or not HEIRS.isdisjoint(trigger.to):
        return ()
    return event.persons.get(type_.subject, ())


class Deaths:
    """The deaths of the person and of others in their life: pseudonym -> time."""

    def __init__(self, history: History, rulebook: Rulebook) -> None:
        self._person, self._types = history.person, rulebook.catalogue.types
        self.times: dict[str, datetime] = {}
        for fact in history.facts:
            if (role := rulebook.mortal.get(fact.event.type)) is not None:
                for deceased in fact.event.persons.get(role, ()):
                    self.times.setdefault(deceased, fact.event.time)

    def is_cut_short(self, event: LifeEvent, trigger: Trigger, due: datetime) -> bool:
        """Return True if a death ends it: what the dead would hear, or others but heirs would hear about them."""
        return any(due >= self.times[each] for each in self._dead(event, trigger))

    def is_mourned(self, event: LifeEvent | None, trigger: Trigger) -> bool:
        """Return True if a death at any time ends the unsent nudges, even those due during the person's life."""
        return bool(self.times and self._dead(event, trigger))

    def _dead(self, event: LifeEvent | None, trigger: Trigger) -> list[str]:
        concerned = (self._person, *spoken_of(event, trigger, self._types))
        return [each for each in concerned if each in self.times]
