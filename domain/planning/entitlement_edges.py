"""The edges of a person's entitlements, as what triggers start on."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cached_property
from operator import itemgetter
from uuid import UUID

from msgspec.structs import replace

from domain.conditions.matching import Matcher
from domain.core.events import Effective
from domain.persons.history import History
from domain.persons.life_course import LifeCourse
from domain.planning.eligibility import BenefitCase, entitled_values
from domain.planning.starts import Start
from domain.rules.event_types import PERSON
from domain.rules.rulebook import Rulebook, Version
from domain.rules.triggers import EntitlementEdge


class EntitlementEdges:
    """The gains and losses of entitlements of one person.

    The history is folded, and each benefit judged, at most once, and only if a trigger asks.
    """

    def __init__(self, history: History, rulebook: Rulebook, events: Matcher) -> None:
        self._history, self._rulebook, self._events = history, rulebook, events
        self._cases: dict[tuple[str, UUID | None], BenefitCase] = {}

    @cached_property
    def course(self) -> LifeCourse:
        """Return the history, folded."""
        return LifeCourse(self._history, self._rulebook, self._events)

    def starts(self, start: Start, entitlement: EntitlementEdge) -> Iterator[tuple[int, Start]]:
        """Yield each gain (or loss) about the event of the start, with its values; numbered from 0."""
        case = self._case(start.fact, entitlement)
        for number, period, edge in case.edges(becomes=entitlement.becomes):
            yield number, replace(start, values=case.values(edge) | entitled_values(period, start.zone))

    def starts_of_person_alone(self) -> list[tuple[int, Start, Version]]:
        """Return the starts by each gain (or loss) of an entitlement that is about the person alone, in the order of
        these.

        The event that explains a gain or loss decides which versions apply: a date may change somebody's entitlement
        decades after it was reported, and a nudge that waits till then keeps its version.
        """
        found = [
            (number, edge, version)
            for version, types in self._rulebook.alone
            if version.trigger.entitlement is not None and self._may_apply(version, types)
            for number, edge in self._alone(version.trigger.entitlement)
            if self._applies(version, edge)
        ]
        return sorted(found, key=itemgetter(0))

    def _may_apply(self, version: Version, types: AbstractSet[str]) -> bool:
        """Return True if an event within the version's reach may explain a change of entitlement."""
        facts = self._history.facts
        return any(
            fact.event.time >= version.reach for at, fact in enumerate(facts) if not at or fact.event.type in types
        )

    def _applies(self, version: Version, edge: Start) -> bool:
        applying = self._rulebook.applying(PERSON, edge.fact.event.time, self._history.person)
        return any(each is version for each in applying)

    def _alone(self, entitlement: EntitlementEdge) -> Iterator[tuple[int, Start]]:
        case = self._case(None, entitlement)
        for number, period, edge in case.edges(becomes=entitlement.becomes):
            cause, values = case.cause(edge), case.values(edge) | case.entitled_values(period)
            yield number, Start(cause, values, case.course.zone(edge), cause.ahead_from)

    def _case(self, fact: Effective | None, entitlement: EntitlementEdge) -> BenefitCase:
        about = (entitlement.benefit.name, None if fact is None else fact.event.stream)
        if about not in self._cases:
            self._cases[about] = BenefitCase(entitlement.benefit, fact, self.course)
        return self._cases[about]
