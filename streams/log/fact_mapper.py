"""The events of eventsourcing's aggregates as rows of the log, and back."""

from typing import Any
from uuid import UUID

from eventsourcing.persistence import Mapper, Notification, StoredEvent

from streams.log.decoding import entries_of
from streams.log.fact_events import FactEvent, event_of
from streams.log.mapper import encode


class FactMapper(Mapper[UUID]):
    """Maps the events of aggregates to stored facts and back, without a transcoder."""

    def __init__(self) -> None:
        """Make the mapper; it needs nothing."""

    def to_stored_event(self, domain_event: Any) -> StoredEvent:  # noqa: ANN401  (a FactEvent)
        """Return the event as the fact that the log keeps."""
        fact = domain_event.fact
        return StoredEvent(domain_event.originator_id, domain_event.originator_version, fact.TOPIC, encode(fact))

    def to_domain_event(self, stored_event: StoredEvent) -> FactEvent:
        """Return the event that was stored. Raises DamagedFact where its fact cannot be read."""
        position = stored_event.id if isinstance(stored_event, Notification) else 0
        row = position, stored_event.originator_id, stored_event.originator_version
        [entry] = entries_of([(*row, stored_event.topic, stored_event.state)], {}, {})
        return event_of(entry)
