"""What the governance facts add up to: packs, publications and switches, as of any position of the log."""

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
    """A published version, where in the log, and whether its trigger was withdrawn since.

    The reach and the look ahead of `fact` are those that hold now.
    """

    position: int
    fact: TriggerPublished
    withdrawn: bool = False

    def version(self, catalogue: Catalogue) -> Version:
        """As the rulebook has it.

        Raises:
            BadTrigger: it does not work with these event types.
        """
        fact = self.fact
        trigger = compile_trigger(fact.trigger, fact.rules, catalogue)
        return Version(trigger, fact.hash, self.position, fact.reach, fact.ahead_from, self.withdrawn, fact.share)


class Governed(Struct, frozen=True):
    """All of it. `stopped`: switches as `Controls` has them, paused triggers among them.

    `streams`: how many facts each stream of theirs has; `doubt_until`: what was due by then may have been sent,
    although a restored log does not say so (None: it was never restored).
    """

    packs: Mapping[str, PackPublished]
    publications: Sequence[Publication]
    stopped: frozenset[tuple[str, str]]
    submitted: Mapping[Subject, Sequence[Submission]]
    streams: Mapping[UUID, int]
    doubt_until: datetime | None = None

    @property
    def contents(self) -> list[Mapping[str, Any]]:
        """What the packs say besides their triggers."""
        return [pack.content for pack in self.packs.values()]

    def of(self, trigger: str) -> list[Publication]:
        """The publications of a trigger that are in force, the latest last."""
        return [each for each in self.publications if each.fact.trigger == trigger and not each.withdrawn]

    def current(self, trigger: str) -> TriggerPublished | None:
        """The latest publication of a trigger that was not withdrawn."""
        found = self.of(trigger)
        return found[-1].fact if found else None

    def hash_of(self, about: Subject) -> str | None:
        """What is published now under that name."""
        pack = self.packs.get(about.name)
        trigger = self.current(about.name)
        latest = pack if about.kind == "pack" else trigger
        return None if latest is None else latest.hash


def governed(entries: Sequence["Entry"]) -> Governed:
    """What these governance facts, in the order of the log, add up to."""
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
                publications = [_withdrawn(each, fact.trigger) for each in publications]
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
    """The latest publication of that version has another reach from now on, or another beside it."""
    for at in reversed(range(len(publications))):
        before = publications[at]
        if (before.fact.trigger, before.fact.hash) == (moved.trigger, moved.hash):
            fact = replace(before.fact, reach=moved.reach, ahead_from=moved.ahead_from)
            if moved.further:
                publications.append(replace(before, position=position, fact=replace(fact, at=moved.at, by=moved.by)))
            else:
                publications[at] = replace(before, fact=fact)
            return
