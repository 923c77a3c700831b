"""The fold of the governance facts: packs, publications, submissions and switches."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.facts.governance import (
    ControlSet,
    LogRestored,
    PackPublished,
    TriggerPaused,
    TriggerPublished,
    TriggerReachChanged,
    TriggerResumed,
    TriggerWithdrawn,
)
from domain.facts.submissions import Subject, Submission, submissions
from domain.nudges.settle import PAUSED
from domain.rules.compiling import compile_trigger
from domain.rules.event_types import Catalogue
from domain.rules.rulebook import Version

if TYPE_CHECKING:
    from streams.log.mapper import Entry


class Publication(Struct, frozen=True):
    """A published version with its position in the log; `withdrawn`: its trigger was withdrawn since.

    `fact` has the `reach` and `ahead_from` that hold now.
    """

    position: int
    fact: TriggerPublished
    withdrawn: bool = False

    def version(self, catalogue: Catalogue) -> Version:
        """Compile the version for the rulebook.

        Raises:
            BadTrigger: it does not work with these event types.
        """
        fact = self.fact
        trigger = compile_trigger(fact.trigger, fact.rules, catalogue)
        return Version(trigger, fact.hash, self.position, fact.reach, fact.ahead_from, self.withdrawn, fact.share)


class Governed(Struct, frozen=True):
    """The state of governance. `stopped`: switches as `Controls` has them, including paused triggers.

    `streams`: number of facts per governance stream; `doubt_until`: nudges due by then may have been sent although
    the restored log does not say so (None: the log was never restored).
    """

    packs: Mapping[str, PackPublished]
    publications: Sequence[Publication]
    stopped: frozenset[tuple[str, str]]
    submitted: Mapping[Subject, Sequence[Submission]]
    streams: Mapping[UUID, int]
    doubt_until: datetime | None = None

    @property
    def contents(self) -> list[Mapping[str, Any]]:
        """The packs' contents, without their triggers."""
        return [pack.content for pack in self.packs.values()]

    def of(self, trigger: str) -> list[Publication]:
        """Return the trigger's publications that are not withdrawn, the latest last."""
        return [
            publication
            for publication in self.publications
            if publication.fact.trigger == trigger and not publication.withdrawn
        ]

    def current(self, trigger: str) -> TriggerPublished | None:
        """Return the trigger's latest publication that is not withdrawn."""
        found = self.of(trigger)
        return found[-1].fact if found else None

    def hash_of(self, about: Subject) -> str | None:
        """Return the hash of the version that is published now."""
        pack = self.packs.get(about.name)
        trigger = self.current(about.name)
        latest = pack if about.kind == "pack" else trigger
        return None if latest is None else latest.hash


def governed(entries: Sequence["Entry"]) -> Governed:
    """Fold governance facts, given in the order of the log."""
    packs: dict[str, PackPublished] = {}
    publications: list[Publication] = []
    switches: dict[tuple[str, str], bool] = {}
    doubts: list[datetime] = []
    for entry in entries:
        match entry.fact:
            case PackPublished() as fact:
                packs[fact.pack] = fact
            case TriggerPublished() as fact:
                publications.append(Publication(entry.position, fact))
            case TriggerReachChanged() as fact:
                _move_reach(publications, fact, entry.position)
            case TriggerWithdrawn() as fact:
                publications = [_withdrawn(publication, fact.trigger) for publication in publications]
            case ControlSet() as fact:
                switches[fact.scope, fact.name] = fact.stopped
            case TriggerPaused() | TriggerResumed() as fact:
                switches[PAUSED, fact.trigger] = isinstance(fact, TriggerPaused)
            case LogRestored() as fact:
                doubts.append(fact.until)
    stopped = frozenset(switch for switch, is_stopped in switches.items() if is_stopped)
    streams = {entry.originator_id: entry.originator_version for entry in entries}
    return Governed(packs, publications, stopped, submissions(_facts(entries)), streams, max(doubts, default=None))


def _facts(entries: Iterable["Entry"]) -> Iterable[Any]:
    return (entry.fact for entry in entries)


def _withdrawn(publication: Publication, trigger: str) -> Publication:
    return replace(publication, withdrawn=True) if publication.fact.trigger == trigger else publication


def _move_reach(publications: list[Publication], moved: TriggerReachChanged, position: int) -> None:
    """Give the latest publication of that version another reach, or add one with it (`further`)."""
    for at in reversed(range(len(publications))):
        before = publications[at]
        if (before.fact.trigger, before.fact.hash) == (moved.trigger, moved.hash):
            fact = replace(before.fact, reach=moved.reach, ahead_from=moved.ahead_from)
            if moved.further:
                publications.append(replace(before, position=position, fact=replace(fact, at=moved.at, by=moved.by)))
            else:
                publications[at] = replace(before, fact=fact)
            return
