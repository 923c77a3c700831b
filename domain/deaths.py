"""Whose deaths a history tells of, and what they end."""

from datetime import datetime

from domain.events import LifeEvent
from domain.history import History
from domain.rulebook import Rulebook
from domain.triggers import Trigger

HEIRS = frozenset({"heir", "heirs"})
"""The roles whose triggers a death starts rather than ends."""


class Deaths:
    """Of the person and of others in their life: pseudonym -> when."""

    def __init__(self, history: History, rulebook: Rulebook) -> None:
        self._person, self._types = history.person, rulebook.catalogue.types
        self.times: dict[str, datetime] = {}
        for fact in history.facts:
            if (role := rulebook.mortal.get(fact.event.type)) is not None:
                for deceased in fact.event.persons.get(role, ()):
                    self.times.setdefault(deceased, fact.event.time)

    def cut_short(self, event: LifeEvent, trigger: Trigger, due: datetime) -> bool:
        """A death ends what its person would hear, and what others would hear about them, unless they are heirs."""
        return any(due >= self.times[each] for each in self._dead(event, trigger))

    def mourned(self, event: LifeEvent | None, trigger: Trigger) -> bool:
        """Whether a death, whenever it was, ends what has yet to go, though it may have been due while they lived."""
        return bool(self.times and self._dead(event, trigger))

    def _dead(self, event: LifeEvent | None, trigger: Trigger) -> list[str]:
        concerned, type_ = [self._person], self._types.get(trigger.on)
        if event is not None and type_ is not None and type_.subject is not None and HEIRS.isdisjoint(trigger.to):
            concerned += event.persons.get(type_.subject, ())
        return [each for each in concerned if each in self.times]
