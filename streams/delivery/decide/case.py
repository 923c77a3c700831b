"""A delivery to decide on, with everything that was read for the decision."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.core.ids import Position
from domain.facts.facts import NudgeDeferred
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import Due
from domain.nudges.nudge import Nudge
from domain.nudges.settle import (
    Decision,
    Defer,
    NotSentReason,
    Settlement,
    Withhold,
    decision_to_leave_digest,
    settle,
    was_no_guardian,
)
from domain.persons.history import History
from domain.persons.person import Person


class Case(Struct, frozen=True):
    """One delivery and the decision on it.

    `about`: the person whom the nudge concerns; `cause`: the life event behind it; `history`: of that person,
    whole where the words can read all of it (else see `histories.of_personal_types`). The `members` of a digest go
    with it; those in `leaving` leave it, each by its own decision. `concerned`: the persons whose facts the decision
    rests on, as of position `as_of` of the log.
    """

    settlement: Settlement
    about: Person
    cause: LifeEvent | None
    decision: Decision
    history: History
    members: tuple["Case", ...] = ()
    leaving: tuple["Case", ...] = ()
    concerned: frozenset[str] = frozenset()
    as_of: Position = Position(0)

    @property
    def nudge(self) -> Nudge:
        """Return the nudge that is delivered."""
        return self.settlement.nudge

    @property
    def key(self) -> Due:
        """Return the delivery as it is claimed."""
        return key_of(self.settlement)

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
        bound = self.nudge.to(self.recipient.pseudonym).bound_provider
        return bound is not None and not CLASS_RULES[self.nudge.intent.klass].repeats


def key_of(settlement: Settlement) -> Due:
    """Return the delivery as it is claimed."""
    return Due(settlement.nudge.intent.id, settlement.person.pseudonym)


def new_deliveries(cases: Iterable[Case], now: datetime) -> list[tuple[Nudge, NudgeDeferred]]:
    """Return facts that give a delivery, due at once, to those to whom a nudge goes by now without having one.

    `cases`: what is recorded in the same transaction. Whoever became a guardian after the nudge was due is told with
    the others. Whoever has a delivery is told, or not, by that, unless it ended because they were no guardian.
    """
    by_nudge: dict[UUID, list[Case]] = {}
    for case in cases:
        by_nudge.setdefault(case.nudge.intent.id, []).append(case)
    return [(same[0].nudge, fact) for same in by_nudge.values() for fact in _new_deliveries(same, now)]


def _new_deliveries(same: Sequence[Case], now: datetime) -> Iterator[NudgeDeferred]:
    first = same[0]
    recipients = {one.recipient for one in first.nudge.deliveries if not was_no_guardian(one)}
    recipients.update(case.recipient.pseudonym for case in same)
    due = first.nudge.to(first.recipient.pseudonym).due or now
    for each in first.settlement.goes_to:
        if each not in recipients:
            yield NudgeDeferred(now, each, min(due, now), NotSentReason.ADDED.value)


def decide_digest(
    digest: Settlement,
    travelling: Iterable[Settlement],
    now: datetime,
    case_of: Callable[[Settlement, Decision], Case],
    awaiting: Mapping[UUID, datetime] = {},
) -> Case:
    """Return the case of a digest, with the members that go with it now and those that leave it.

    `awaiting`: members that leave it because they wait for a plan, with the next look at each.
    """

    def leaves(member: Settlement) -> Decision | None:
        again = awaiting.get(member.nudge.intent.id)
        return decision_to_leave_digest(member, now) if again is None else Defer(again, NotSentReason.CAP)

    left = [(member, leaves(member)) for member in travelling]
    going = [member for member, reason in left if reason is None]
    decision = settle(digest, now) if going else Withhold(NotSentReason.NOTHING_LEFT)
    return replace(
        case_of(digest, decision),
        members=tuple(case_of(member, decision) for member in going),
        leaving=tuple(case_of(member, reason) for member, reason in left if reason is not None),
    )
