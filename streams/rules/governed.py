"""The state of the rules, read from the governance facts: packs, publications, submissions and switches."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct

from domain.facts.governance import GOVERNANCE_FACTS, PackPublished, TriggerPublished
from domain.facts.submissions import Subject, Submission, subject_of
from streams.log.fact_events import event_of
from streams.rules.aggregates import (
    AGGREGATES,
    ActiveStop,
    GovernedPack,
    GovernedTrigger,
    Publication,
    RestoredLog,
    RuleAggregate,
    Versioned,
)

if TYPE_CHECKING:  # it knows the database, and `habarshy lint` starts without it
    from streams.log.mapper import Entry


class Governed(Struct, frozen=True):
    """The state of governance.

    `subjects`: every pack and trigger; `packs`: in the order of their first publication; `publications`: in the order
    of the log; `stops`: switches and pauses that hold, the latest first; `doubt_until`: nudges due by then may have
    been sent although the restored log does not say so (None: the log was never restored).
    """

    subjects: Mapping[Subject, Versioned]
    packs: Mapping[str, PackPublished]
    publications: Sequence[Publication]
    stops: Sequence[ActiveStop]
    doubt_until: datetime | None = None

    @property
    def contents(self) -> list[Mapping[str, Any]]:
        """The packs' contents, without their triggers."""
        return [pack.content for pack in self.packs.values()]

    @property
    def stopped(self) -> frozenset[tuple[str, str]]:
        """The scopes and names of what is stopped, as `Controls` has them."""
        return frozenset((stop.scope, stop.name) for stop in self.stops)

    @property
    def submitted(self) -> dict[Subject, list[Submission]]:
        """The submissions by subject, each version once, the latest submitted last."""
        return {about: [*one.submissions.values()] for about, one in self.subjects.items() if one.submissions}

    @property
    def owners(self) -> dict[str, str]:
        """The agency that owns each trigger that was ever published, by the trigger's name."""
        return {each.fact.trigger: str(each.fact.rules["owner"]) for each in self.publications}

    def trigger(self, name: str) -> GovernedTrigger:
        """Return the trigger; one of that name without any fact if there is none."""
        found = self.subjects.get(Subject("trigger", name))
        return found if isinstance(found, GovernedTrigger) else GovernedTrigger.empty(UUID(int=0), name)

    def publications_of(self, trigger: str) -> list[Publication]:
        """Return the trigger's publications that are not withdrawn, the latest last."""
        return self.trigger(trigger).live

    def current(self, trigger: str) -> TriggerPublished | None:
        """Return the trigger's latest publication that is not withdrawn."""
        return self.trigger(trigger).current

    def hash_of(self, about: Subject) -> str | None:
        """Return the hash of the version that is published now."""
        found = self.subjects.get(about)
        return None if found is None else found.hash


def governed(entries: "Iterable[Entry]") -> Governed:
    """Return the state after these facts, given in the order of the log; facts about anything else are ignored."""
    found: dict[Subject, RuleAggregate] = {}
    for entry in entries:
        if not isinstance(entry.fact, GOVERNANCE_FACTS):
            continue
        about = subject_of(entry.fact)
        if (one := found.get(about)) is None:
            one = found[about] = AGGREGATES[about.kind].empty(entry.originator_id, about.name)
        one.take(event_of(entry))
    packs = sorted((one for one in found.values() if isinstance(one, GovernedPack)), key=lambda pack: pack.position)
    triggers = [one for one in found.values() if isinstance(one, GovernedTrigger)]
    every = [publication for trigger in triggers for publication in trigger.publications]
    stops = [stop for one in found.values() if (stop := getattr(one, "stop", None)) is not None]
    doubts = [one.doubt_until for one in found.values() if isinstance(one, RestoredLog) and one.doubt_until]
    return Governed(
        {about: one for about, one in found.items() if isinstance(one, Versioned)},
        {pack.name: pack.published for pack in packs if pack.published is not None},
        sorted(every, key=lambda publication: publication.position),
        sorted(stops, key=lambda stop: stop.since)[::-1],
        max(doubts, default=None),
    )
