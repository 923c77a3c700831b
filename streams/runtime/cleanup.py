"""Cleanup: deletes data whose time is over."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from streams.delivery.inbound import sms_parts
from streams.delivery.outcomes import conversations, early_receipts, references
from streams.queues import guess_counts, idempotency, webhook_outbox
from streams.storage.database import Database, Priority

UNTOLD = timedelta(days=30)
"""An answer waits this long for a process that sends webhooks to its agency."""


class Cleanup:
    """Deletes expired conversations, unmatched receipts, idempotency keys, guesses, parts of SMS and webhooks."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def run(self) -> None:
        """Delete them, in one transaction."""
        self._database.write(self._tidy, Priority.INTAKE)

    def _tidy(self, connection: Connection) -> None:
        conversations.tidy(connection, self._clock())
        early_receipts.tidy(connection, self._clock())
        idempotency.tidy(connection, self._clock())
        guess_counts.tidy(connection, self._clock())
        sms_parts.tidy(connection, self._clock())
        references.tidy_parts(connection, self._clock())
        webhook_outbox.tidy(connection, self._clock() - UNTOLD)
