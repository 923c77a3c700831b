"""What exceeds a recipient's cap, and the digest in which there is room for it."""

from collections.abc import Callable, Container, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from domain.core.ids import Names
from domain.facts.facts import NudgeDigested, NudgeFact, NudgeGathered, NudgeWithheld
from domain.nudges.digest import FULL, digest_id, digest_planned, goes_on, has_room
from domain.nudges.nudge import Nudge
from domain.nudges.settle import Digest, Reason, Settlement, digest_comes
from domain.persons.hours import local_zone


class Overflow(Struct, frozen=True):
    """A delivery that is to go with a digest: with which, is decided when it is committed."""

    case: Settlement
    decision: Digest
    at: datetime


class Desk:
    """Finds room for overflow: in digests that `find` gives, or in new ones."""

    def __init__(self, names: Names, find: Callable[[UUID], Nudge | None]) -> None:
        self._names, self._find = names, find
        self._known: dict[UUID, Nudge | None] = {}
        self._places: dict[UUID, list[tuple[NudgeFact, NudgeGathered]]] = {}

    def place(self, one: Overflow) -> NudgeFact:
        """The nudge's own fact: with which digest it goes, or that none comes in time."""
        case, recipient = one.case, one.case.person.pseudonym
        day, zone = one.decision.day, local_zone(one.case.person, one.case.defaults)
        while not self._has_room(id_ := digest_id(self._names, recipient, day)):
            day += timedelta(days=1)
        digest = self._known[id_]
        due = goes_on(day, zone) if digest is None else digest.to(recipient).due or goes_on(day, zone)
        if not digest_comes(case, due):
            return NudgeWithheld(one.at, recipient, Reason.CAP.value)
        first = digest_planned(self._names, recipient, day, due, case.nudge.intent.id, one.at)
        self._places.setdefault(id_, []).append((first, NudgeGathered(one.at, recipient, case.nudge.intent.id)))
        return NudgeDigested(one.at, recipient, id_, due, one.decision.messages, one.decision.days)

    def _has_room(self, id_: UUID) -> bool:
        if id_ not in self._known:
            self._known[id_] = self._find(id_)
        digest = self._known[id_]
        there = 0 if digest is None else len(digest.members)
        return has_room(digest) and there + len(self._places.get(id_, ())) < FULL

    def facts(self, kept: Container[UUID]) -> Iterator[tuple[UUID, NudgeFact]]:
        """The digests' facts about what has really joined them."""
        for id_, joined in self._places.items():
            gathered = [(first, each) for first, each in joined if each.nudge in kept]
            if gathered and self._known[id_] is None:
                yield id_, gathered[0][0]
            yield from ((id_, each) for _, each in gathered)
