"""Cleanup: deletes data whose time is over."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from streams.delivery.inbound import sms_parts
from streams.delivery.outcomes import conversations, early_receipts, references
from streams.queues import guess_counts, idempotency, webhook_outbox
from streams.storage.database import Database, Priority

UNSENT_WEBHOOKS_KEPT = timedelta(days=30)
"""An answer waits this long for a process that sends webhooks to its agency."""


def run(database: Database, now: datetime) -> None:
    """Delete expired conversations, unmatched receipts, idempotency keys, guesses, parts of SMS and webhooks."""

    def work(connection: Connection) -> None:
        conversations.tidy(connection, now)
        early_receipts.tidy(connection, now)
        idempotency.tidy(connection, now)
        guess_counts.tidy(connection, now)
        sms_parts.tidy(connection, now)
        references.tidy_parts(connection, now)
        webhook_outbox.tidy(connection, now - UNSENT_WEBHOOKS_KEPT)

    database.write(work, Priority.INTAKE)
