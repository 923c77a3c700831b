"""Facts as the events of eventsourcing's aggregates; the log keeps the bytes of the fact alone.

An aggregate's event class is found by the fact's topic, under which `records` registers it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from eventsourcing.domain import AggregateEvent, event
from eventsourcing.utils import resolve_topic

from domain.facts.facts import Fact

if TYPE_CHECKING:  # what is below knows the database, and `habarshy lint` starts without it
    from streams.log.mapper import Entry

F = TypeVar("F", bound=Callable[..., None])


class FactEvent(AggregateEvent):
    """An event whose content is a fact; `position`: in the log, 0 until it is stored."""

    fact: Any
    position: int = 0


def records(kind: type[Fact]) -> Callable[[F], F]:
    """Return eventsourcing's `@event` with the name and the topic of a kind of fact."""
    return event(kind.__name__, topic=kind.TOPIC)


def event_of(entry: "Entry") -> FactEvent:
    """Return an entry of the log as the event of an aggregate.

    Raises:
        eventsourcing.utils.TopicError: no aggregate records facts of its topic.
    """
    fact: Any = entry.fact
    made: FactEvent = resolve_topic(fact.TOPIC)(
        entry.originator_id, entry.originator_version, fact.at, fact, entry.position
    )
    return made
