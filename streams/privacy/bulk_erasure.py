"""Erase many persons as a job: one after another, each in a transaction of its own."""

from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from domain.core.translatable import Counted, Joined, Words
from domain.facts.principals import Principal
from streams.privacy.erasure import Certificate, Erasing, NobodyKnown
from streams.queues.jobs import HoldsNothing, NothingToDo, Plan, Save, Step

FEW = 20
"""Persons of a step: some seconds."""
USUAL_RATE = 10.0


class BulkRequest(Struct, frozen=True):
    """The arguments of a job: pseudonyms, the reason, and who asked."""

    persons: tuple[str, ...]
    why: str
    by: str
    agency: str


class Progress(Struct, frozen=True):
    """The progress: persons looked at, those erased (or to be erased), and those of whom nothing is known."""

    looked: int = 0
    erased: int = 0
    unknown: int = 0


class BulkErasure(HoldsNothing):
    """The work. `keep` keeps each certificate before the next person is erased; see app/identity/erased_list.py."""

    def __init__(self, erasing: Erasing, request: BulkRequest, keep: Callable[[Certificate], None]) -> None:
        self._erasing, self._request, self._keep = erasing, request, keep

    def count(self, cursor: str) -> Step | Plan:
        """Count the persons of whom something is left to erase."""
        at = _read(cursor)
        if at.looked == len(self._request.persons):
            return _plan(at)
        for person in self._next(at):
            try:
                scope = self._erasing.scope(person)
            except NobodyKnown:
                at = replace(at, unknown=at.unknown + 1)
            else:
                at = replace(at, erased=at.erased + bool(scope.key or scope.sealed or scope.ending))
            at = replace(at, looked=at.looked + 1)
        return self._step(at, at.looked)

    def step(self, cursor: str, save: Save) -> Step:  # noqa: ARG002  (an erasure is its own transaction, and repeated does nothing)
        """Erase the next persons."""
        at = _read(cursor)
        who = Principal(self._request.by, self._request.agency, frozenset())
        for person in self._next(at):
            at = replace(at, looked=at.looked + 1)
            try:
                self._keep(self._erasing.erase(person, who, self._request.why))
            except NobodyKnown:
                at = replace(at, unknown=at.unknown + 1)
            else:
                at = replace(at, erased=at.erased + 1)
        return self._step(at, at.erased)

    def _next(self, at: Progress) -> Sequence[str]:
        return self._request.persons[at.looked : at.looked + FEW]

    def _step(self, at: Progress, done: int) -> Step:
        finished = at.looked == len(self._request.persons)
        words = (
            Joined([Words("{persons} erased", persons=_persons(at.erased)), *_unknown(at)], "; ") if finished else ""
        )
        return Step(msgspec.json.encode(at).decode(), done, finished=finished, words=words, unit="persons")


def _read(cursor: str) -> Progress:
    return msgspec.json.decode(cursor, type=Progress) if cursor else Progress()


def _plan(at: Progress) -> Plan:
    if not at.erased:
        raise NothingToDo(_persons(at.looked))
    before = at.looked - at.erased - at.unknown
    what = Words("erase {persons} for ever", persons=_persons(at.erased))
    again = [Words("{persons} erased before", persons=_persons(before))] if before else []
    return Plan(Joined([what, *again, *_unknown(at)], "; "), at.erased, "persons", USUAL_RATE)


def _persons(many: int) -> Counted:
    return Counted("{count} person", "{count} persons", many)


def _unknown(at: Progress) -> Iterator[Words]:
    if at.unknown:
        yield Words("nothing is known about {persons}", persons=_persons(at.unknown))
