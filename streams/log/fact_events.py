"""Facts as the events of eventsourcing's aggregates; the log keeps the bytes of the fact alone.

An aggregate's event class is found by the fact's topic, under which `records` registers it.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.domain import AggregateEvent, event
from eventsourcing.persistence import Mapper, Notification, StoredEvent
from eventsourcing.utils import resolve_topic

from domain.facts.facts import Fact
from streams.log.decoding import entries_of
from streams.log.mapper import Entry, encode

F = TypeVar("F", bound=Callable[..., None])


class FactEvent(AggregateEvent):
    """An event whose content is a fact; `position`: in the log, 0 until it is stored."""

    fact: Any
    position: int = 0


def records(kind: type[Fact]) -> Callable[[F], F]:
    """Return eventsourcing's `@event` with the name and the topic of a kind of fact."""
    return event(kind.__name__, topic=kind.TOPIC)


def event_of(entry: Entry) -> FactEvent:
    """Return an entry of the log as the event of an aggregate.

    Raises:
        eventsourcing.utils.TopicError: no aggregate records facts of its topic.
    """
    fact: Any = entry.fact
    made: FactEvent = resolve_topic(fact.TOPIC)(
        entry.originator_id, entry.originator_version, fact.at, fact, entry.position
    )
    return made


class FactMapper(Mapper[UUID]):
    """Maps the events of aggregates to stored facts and back, without a transcoder."""

    def __init__(self) -> None:
        """Make the mapper; it needs nothing."""

    def to_stored_event(self, domain_event: Any) -> StoredEvent:  # noqa: ANN401  (a FactEvent)
        """Return the event as the fact that the log keeps."""
        fact = domain_event.fact
        return StoredEvent(domain_event.originator_id, domain_event.originator_version, fact.TOPIC, encode(fact))

    def to_domain_event(self, stored_event: StoredEvent) -> FactEvent:
        """Return the event that was stored.

        Raises:
            DamagedFact: its fact cannot be read.
        """
        position = stored_event.id if isinstance(stored_event, Notification) else 0
        row = position, stored_event.originator_id, stored_event.originator_version
        [entry] = entries_of([(*row, stored_event.topic, stored_event.state)], {}, {})
        return event_of(entry)
