"""Pause and resume, withdraw, and kill switches; each takes effect at the next send."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.ids import Names
from domain.facts.governance import ControlSet, TriggerPaused, TriggerResumed, TriggerWithdrawn
from domain.facts.principals import NotAllowed, Principal
from domain.facts.submissions import check_acting, check_stopping
from domain.nudges.settle import PAUSED
from domain.persons.channels import ADDRESS_OF
from projections import governance
from streams.log.log import Log
from streams.rules.governed import Governed
from streams.rules.publishing import append_governance, govern, read_governed
from streams.storage.database import Database, Priority
from templates.reading.findings import closest

SCOPES = ("all", "channel", "agency", "trigger")
SWITCHING = (ControlSet.TOPIC, TriggerPaused.TOPIC, TriggerResumed.TOPIC)


class UnknownName(LookupError):
    """Raised for a name that cannot be switched because nothing has it."""

    def __init__(self, what: str, name: str, known: list[str]) -> None:
        meant = closest(name, known)
        hint = f" (did you mean {meant!r}?)" if meant else ""
        published = what.endswith("trigger")
        there = "`habarshy rules` lists what is published" if published else f"There are: {', '.join(known)}"
        super().__init__(f"No {what} is called {name!r}{hint}. {there}.")


class ActiveStop(Struct, frozen=True):
    """A kill switch that is on (as in ControlSet) or a paused trigger (`scope` is "paused")."""

    scope: str
    name: str
    since: datetime
    by: str
    reason: str


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
        return self._set_paused(trigger, who, reason, paused=True)

    def resume(self, trigger: str, who: Principal, reason: str = "") -> bool:
        """Resume sending, including what waited; return True if that was new. Raises as `pause` does."""
        return self._set_paused(trigger, who, reason, paused=False)

    def _set_paused(self, trigger: str, who: Principal, reason: str, *, paused: bool) -> bool:
        def fact(before: Governed, now: datetime) -> Any:  # noqa: ANN401  (a governance fact, or nothing new)
            check_stopping(who, owner_of(before, trigger, who), trigger)
            kind = TriggerPaused if paused else TriggerResumed
            same = ((PAUSED, trigger) in before.stopped) == paused
            return None if same else kind(now, who.name, trigger, reason)

        return self._append(fact)

    def withdraw(self, trigger: str, who: Principal) -> bool:
        """Stop planning and sending until a version is published again; return True if that was new.

        Raises:
            NotAllowed: it belongs to another agency.
            UnknownName: nothing of that name was published.
        """

        def fact(before: Governed, now: datetime) -> Any:  # noqa: ANN401  (a governance fact, or nothing new)
            check_acting(who, owner_of(before, trigger, who), trigger)
            return TriggerWithdrawn(now, who.name, trigger) if before.of(trigger) else None

        return self._append(fact)

    def control(self, scope: str, name: str, who: Principal, *, stopped: bool, reason: str) -> bool:
        """Set or clear a kill switch (see ControlSet); return True if that was new.

        Raises:
            NotAllowed: the principal is no operator.
            UnknownName: nothing of that scope has that name.
        """

        def fact(before: Governed, now: datetime) -> Any:  # noqa: ANN401  (a governance fact, or nothing new)
            if not who.operator:
                raise NotAllowed(f"only an operator sets kill switches; {who.name} may pause what is their agency's")
            known = _names_of(before, scope)
            if name not in known and (scope, name) not in before.stopped:
                raise UnknownName(scope, name, known)
            same = ((scope, name) in before.stopped) == stopped
            return None if same else ControlSet(now, who.name, scope, name, stopped, reason)

        return self._append(fact)

    def off(self) -> list[ActiveStop]:
        """Return all that is stopped, the latest first."""
        with self._database.reading() as connection:
            return read_off(connection, self._log)

    def names(self) -> dict[str, list[str]]:
        """Return scope -> the names that a kill switch of that scope may have."""
        with self._database.reading() as connection:
            before = read_governed(connection, self._log)
        return {scope: _names_of(before, scope) for scope in SCOPES}

    def _append(self, decide: Callable[[Governed, datetime], Any]) -> bool:
        def work(connection: Connection) -> bool:
            before, now = read_governed(connection, self._log), self._clock()
            fact = decide(before, now)
            append_governance(connection, self._log, self._names, [] if fact is None else [fact], before, now)
            return fact is not None

        return govern(self._database, self._log, self._names, work, Priority.DISPATCH)


def read_off(connection: Connection, log: Log) -> list[ActiveStop]:
    """Return all that is stopped by kill switches and pauses, the latest first."""
    found: dict[tuple[str, str], ActiveStop | None] = {}
    for entry in log.read(connection, governance.positions(connection, SWITCHING)):
        match entry.fact:
            case ControlSet(at, by, scope, name, stopped, reason):
                found[scope, name] = ActiveStop(scope, name, at, by, reason) if stopped else None
            case TriggerPaused(at, by, trigger, reason):
                found[PAUSED, trigger] = ActiveStop(PAUSED, trigger, at, by, reason)
            case TriggerResumed(_, _, trigger):
                found[PAUSED, trigger] = None
    return sorted((switch for switch in found.values() if switch is not None), key=lambda each: each.since)[::-1]


def owner_of(before: Governed, trigger: str, who: Principal) -> str:
    """Return the owner of the published trigger.

    Raises:
        UnknownName: none of that name was ever published. A similar name that the principal may read is suggested.
    """
    owners = {publication.fact.trigger: str(publication.fact.rules["owner"]) for publication in before.publications}
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
