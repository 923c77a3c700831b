"""The library: the rules in force, folded from the governance facts of the log and never read from disk."""

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from domain.core.ids import Names
from domain.core.national_id import SCHEMES
from domain.facts.governance import APPROVAL_FACTS, GOVERNANCE_FACTS, GovernanceFact
from domain.facts.submissions import subject_of
from domain.nudges.settle import Controls
from projections import governance
from streams.intake.validation import Checker
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.log.recorder import FactRecorder
from streams.rules.governed import governed
from streams.rules.in_force import Rules, renderers_of, rulebook_of
from streams.storage.database import Database
from templates.reading.catalogue import national_id_of

_TOPICS = sorted(kind.TOPIC for kind in GOVERNANCE_FACTS)


class NothingPublished(Exception):
    """Raised when the log has no published pack."""

    def __init__(self) -> None:
        super().__init__(
            "No pack is published in this log, so no event type is known. Begin with: habarshy submit templates/kz."
        )


class Library:
    """Gives the rules in force; folds them again after a governance fact was appended or their view was repaired."""

    def __init__(self, database: Database, log: Log, names: Names) -> None:
        self._database, self._log, self.names = database, log, names
        self._rules: Rules | None = None
        self._version = governance.RulesVersion(0, 0, 0)
        self._logged, self._upto = list[int](), 0
        self._rules_of_log: Rules | None = None
        self._lock = threading.Lock()

    def rules(self) -> Rules:
        """Return the rules in force now. Raises NothingPublished where the log has no pack."""
        with self._lock, self._database.reading() as connection:
            version = governance.version(connection)
            if self._rules is None or self._version != version:
                entries = self._log.read(connection, governance.positions(connection))
                self._rules, self._version = self._folded(entries, version.latest), version
            return self._rules

    def rules_of_log(self, connection: Connection) -> Rules:
        """Return the rules in force as of the connection's snapshot, from the log alone, without the governance view.

        The first call scans the whole log, later calls only the new part.

        Raises:
            NothingPublished: the log has no pack.
        """
        with self._lock:
            last = FactRecorder.last_position(connection)
            new = self._log.facts.within(connection).select_notifications(
                self._upto, sys.maxsize, last, _TOPICS, inclusive_of_start=False
            )
            if new or self._rules_of_log is None:
                self._logged += [one.id for one in new]
                entries = self._log.read(connection, self._logged)
                self._rules_of_log = self._folded(entries, _position(entries))
            self._upto = max(self._upto, last)
            return self._rules_of_log

    def rules_at(self, moment: datetime) -> Rules:
        """Return the rules that were in force at that moment: from all facts recorded until then.

        Raises:
            NothingPublished: nothing was published by then.
        """
        with self._database.reading() as connection:
            entries = self._log.read(connection, governance.positions(connection))
        known = [entry for entry in entries if isinstance(entry.fact, GOVERNANCE_FACTS) and entry.fact.at <= moment]
        return self._folded(known, _position(known))

    def rules_with(self, fact: GovernanceFact) -> Rules:
        """Return the rules that would be in force with one more fact, without writing anything.

        Raises:
            NothingPublished: the log has no pack.
        """
        with self._database.reading() as connection:
            latest = governance.latest(connection)
            entries = self._log.read(connection, governance.positions(connection))
        about = subject_of(fact)
        more = Entry(self.names.registry_stream(about.kind, about.name), 0, fact, latest + 1)
        return self._folded([*entries, more], latest)

    def _folded(self, entries: Sequence[Entry], position: int) -> Rules:
        found = governed(entries)
        if not found.packs:
            raise NothingPublished
        rulebook = rulebook_of(found, self.names)
        catalogue, defaults = rulebook.catalogue, rulebook.defaults
        facts = [publication.fact for publication in found.publications]
        withdrawn = frozenset(fact.trigger for fact in facts if not rulebook.has(fact.trigger))
        return Rules(
            position=position,
            catalogue=catalogue,
            defaults=defaults,
            rulebook=rulebook,
            controls=Controls(found.stopped, withdrawn),
            checker=Checker(catalogue, self.names, _valid_id(found.contents)),
            renderers=renderers_of(facts, catalogue, defaults),
            governed=found,
        )


def _position(entries: Sequence[Entry]) -> int:
    """Return the position of the latest fact that changes the rules in force, or 0."""
    return max((entry.position for entry in entries if not isinstance(entry.fact, APPROVAL_FACTS)), default=0)


def _valid_id(contents: Sequence[Mapping[str, Any]]) -> Callable[[str], bool]:
    schemes = [SCHEMES[name] for name in {*map(national_id_of, contents)} if name is not None]
    if len(schemes) == 1:  # each id of each event is asked
        return schemes[0]
    return lambda national_id: any(valid(national_id) for valid in schemes)
