"""Pause and resume, withdraw, and kill switches; each takes effect at the next send."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from domain.core.ids import Names
from domain.core.translatable import Words
from domain.facts.governance import ControlSet, TriggerPaused, TriggerResumed
from domain.facts.principals import Principal
from domain.persons.channels import ADDRESS_OF
from projections import governance
from streams.log.log import Log
from streams.rules.aggregates import ActiveStop, GovernedTrigger
from streams.rules.governed import Governed, governed
from streams.rules.publishing import Rulemaking, govern, read_governed
from streams.storage.database import Database, Priority
from templates.reading.findings import hint

SCOPES = ("all", "channel", "agency", "trigger")
SWITCHING = (ControlSet.TOPIC, TriggerPaused.TOPIC, TriggerResumed.TOPIC)


class UnknownName(LookupError):
    """Raised for a name that cannot be switched because nothing has it."""

    def __init__(self, what: str, name: str, known: list[str]) -> None:
        told = {"what": what, "name": name, "hint": hint(name, known), "known": ", ".join(known)}
        if what.endswith("trigger"):
            super().__init__(
                Words("No {what} is called {name!r}{hint}. `habarshy rules` lists what is published.", **told)
            )
        else:
            super().__init__(Words("No {what} is called {name!r}{hint}. There are: {known}.", **told))


class Switches:
    """Lets principals stop what they have a right to stop."""

    def __init__(self, database: Database, log: Log, names: Names, clock: Callable[[], datetime]) -> None:
        self._database, self._log, self._names, self._clock = database, log, names, clock

    def pause(self, trigger: str, who: Principal, reason: str = "") -> bool:
        """Pause sending for the trigger until it is resumed; return True if that was new. The log keeps the reason.

        Raises:
            NotAllowed: it belongs to another agency.
            UnknownName: nothing of that name is published.
        """
        return self._govern(lambda rules: published(rules, trigger, who).pause(who, reason, self._clock()))

    def resume(self, trigger: str, who: Principal, reason: str = "") -> bool:
        """Resume sending, including what waited; return True if that was new. Raises as `pause` does."""
        return self._govern(lambda rules: published(rules, trigger, who).resume(who, reason, self._clock()))

    def withdraw(self, trigger: str, who: Principal, reason: str = "") -> bool:
        """Stop planning and sending until a version is published again; return True if that was new.

        The log keeps the reason.

        Raises:
            NotAllowed: it belongs to another agency.
            UnknownName: nothing of that name was published.
        """
        return self._govern(lambda rules: published(rules, trigger, who).withdraw(who, self._clock(), reason))

    def control(self, scope: str, name: str, who: Principal, *, stopped: bool, reason: str) -> bool:
        """Set or clear a kill switch (see ControlSet); return True if that was new.

        Raises:
            NotAllowed: the principal is no operator.
            UnknownName: nothing of that scope has that name.
        """

        def control(rules: Rulemaking) -> bool:
            switch = rules.switch(scope, name)
            was_on = switch.stop is not None
            new = switch.set(who, self._clock(), reason, stopped=stopped)
            if not was_on and name not in (known := _names_of(rules.before, scope)):
                raise UnknownName(scope, name, known)
            return new

        return self._govern(control)

    def active_stops(self) -> Sequence[ActiveStop]:
        """Return all that is stopped, the latest first."""
        with self._database.reading() as connection:
            return read_active_stops(connection, self._log)

    def names(self) -> dict[str, list[str]]:
        """Return scope -> the names that a kill switch of that scope may have."""
        with self._database.reading() as connection:
            before = read_governed(connection, self._log)
        return {scope: _names_of(before, scope) for scope in SCOPES}

    def _govern(self, work: Callable[[Rulemaking], bool]) -> bool:
        return govern(self._database, self._log, self._names, work, Priority.DISPATCH)


def read_active_stops(connection: Connection, log: Log) -> Sequence[ActiveStop]:
    """Return all that is stopped by kill switches and pauses, the latest first."""
    return governed(log.read(connection, governance.positions(connection, SWITCHING))).stops


def published(rules: Rulemaking, trigger: str, who: Principal) -> GovernedTrigger:
    """Return the trigger, of which a version was published; raises UnknownName as `owner_of`."""
    found = rules.trigger(trigger)
    if found.owner is None:
        owner_of(rules.before, trigger, who)
    return found


def owner_of(before: Governed, trigger: str, who: Principal) -> str:
    """Return the owner of the published trigger.

    Raises:
        UnknownName: none of that name was ever published. A similar name that the principal may read is suggested.
    """
    owners = before.owners
    if trigger not in owners:
        raise UnknownName(
            "published trigger", trigger, [name for name, owner in owners.items() if who.may_read(owner)]
        )
    return owners[trigger]


def _names_of(before: Governed, scope: str) -> list[str]:
    """Return the names that a kill switch of that scope may have."""
    match scope:
        case "trigger":
            return sorted({publication.fact.trigger for publication in before.publications})
        case "agency":
            return sorted({name for content in before.contents for name in content.get("agencies") or ()})
        case "channel":
            return list(ADDRESS_OF)
        case _:
            return [""]
