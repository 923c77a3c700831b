"""A delivery to decide on, with everything that was read for the decision."""

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.core.ids import Position
from domain.facts.facts import NudgeDeferred
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import Delivery, State
from domain.nudges.nudge import Nudge
from domain.nudges.settle import Decision, NotSentReason, Settlement, Withhold, leaves_digest, settle
from domain.persons.history import History
from domain.persons.person import Person


class Case(Struct, frozen=True):
    """One delivery and the decision on it.

    `about`: the person whom the nudge concerns; `cause`: the life event behind it; `history`: of that person,
    whole where the words can read all of it (else see `histories.of_personal_types`). The `members` of a digest go
    with it; those in `leaving` leave it, each by its own decision. `concerned`: the persons whose facts the decision
    rests on, as of position `upto` of the log.
    """

    settlement: Settlement
    about: Person
    cause: LifeEvent | None
    decision: Decision
    history: History
    members: tuple["Case", ...] = ()
    leaving: tuple["Case", ...] = ()
    concerned: frozenset[str] = frozenset()
    upto: Position = Position(0)

    @property
    def nudge(self) -> Nudge:
        """Return the nudge that is delivered."""
        return self.settlement.nudge

    @property
    def recipient(self) -> Person:
        """Return the person who gets it."""
        return self.settlement.person

    @property
    def rests_on(self) -> frozenset[str]:
        """Return the persons whose facts it rests on, by its members as well."""
        return self.concerned.union(*(member.concerned for member in self.members))

    @property
    def is_bound(self) -> bool:
        """Return True if only the provider that may already have it may get it, and its class does not repeat."""
        bound = self.nudge.to(self.recipient.pseudonym).bound
        return bound is not None and not CLASS_RULES[self.nudge.intent.klass].repeats

    def passed_on(self, now: datetime) -> list[NudgeDeferred]:
        """Return the facts by which those are looked at next to whom the nudge goes by now instead of the recipient.

        Whoever has a delivery of the nudge already is told, or not, by that, unless it was passed on itself.
        """
        known = {one.recipient for one in self.nudge.deliveries if not _was_passed_on(one)}
        others = [each for each in self.settlement.instead or () if each not in known]
        return [NudgeDeferred(now, each, now, NotSentReason.PASSED_ON.value) for each in others]


def _was_passed_on(delivery: Delivery) -> bool:
    return delivery.state is State.WITHHELD and delivery.reason == NotSentReason.PASSED_ON


def decide_digest(
    digest: Settlement,
    travelling: Iterable[Settlement],
    now: datetime,
    case_of: Callable[[Settlement, Decision], Case],
) -> Case:
    """Return the case of a digest, with the members that go with it now and those that leave it."""
    left = [(member, leaves_digest(member, now)) for member in travelling]
    going = [member for member, reason in left if reason is None]
    decision = settle(digest, now) if going else Withhold(NotSentReason.NOTHING_LEFT)
    return replace(
        case_of(digest, decision),
        members=tuple(case_of(member, decision) for member in going),
        leaving=tuple(case_of(member, reason) for member, reason in left if reason is not None),
    )
