"""Deliveries over a recipient's cap, and the digest that takes each of them."""

from collections.abc import Callable, Container, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from domain.core.ids import Names
from domain.facts.facts import NudgeDigested, NudgeFact, NudgeGathered, NudgeWithheld
from domain.nudges.digest import MOST_MEMBERS, digest_id, digest_planned, due_on, has_room
from domain.nudges.nudge import Nudge
from domain.nudges.settle import Digest, NotSentReason, Settlement, is_digest_of_use
from domain.persons.hours import local_zone


class Overflow(Struct, frozen=True):
    """A delivery that goes with a digest; the digest is chosen when it is committed."""

    case: Settlement
    decision: Digest
    at: datetime


class DigestAllocator:
    """Finds room for overflow: in digests that `find` returns, or in new ones."""

    def __init__(self, names: Names, find: Callable[[UUID], Nudge | None]) -> None:
        self._names, self._find = names, find
        self._known: dict[UUID, Nudge | None] = {}
        self._places: dict[UUID, list[tuple[NudgeFact, NudgeGathered]]] = {}

    def place(self, overflow: Overflow) -> NudgeFact:
        """Return the nudge's own fact: its digest, or that none comes in time."""
        case, recipient = overflow.case, overflow.case.person.pseudonym
        day, zone = overflow.decision.day, local_zone(case.person, case.defaults)
        while not self._has_room(id_ := digest_id(self._names, recipient, day)):
            day += timedelta(days=1)
        digest = self._known[id_]
        due = due_on(day, zone) if digest is None else digest.to(recipient).due or due_on(day, zone)
        if not is_digest_of_use(case, due):
            return NudgeWithheld(overflow.at, recipient, NotSentReason.CAP.value)
        first = digest_planned(self._names, recipient, day, due, case.nudge.intent.id, overflow.at)
        self._places.setdefault(id_, []).append((first, NudgeGathered(overflow.at, recipient, case.nudge.intent.id)))
        return NudgeDigested(overflow.at, recipient, id_, due, overflow.decision.messages, overflow.decision.days)

    def _has_room(self, id_: UUID) -> bool:
        if id_ not in self._known:
            self._known[id_] = self._find(id_)
        digest = self._known[id_]
        there = 0 if digest is None else len(digest.members)
        return has_room(digest) and there + len(self._places.get(id_, ())) < MOST_MEMBERS

    def facts(self, kept: Container[UUID]) -> Iterator[tuple[UUID, NudgeFact]]:
        """Yield the digests' facts about the nudges in `kept`, which joined them."""
        for id_, joined in self._places.items():
            gathered = [(first, fact) for first, fact in joined if fact.nudge in kept]
            if gathered and self._known[id_] is None:
                yield id_, gathered[0][0]
            yield from ((id_, fact) for _, fact in gathered)
