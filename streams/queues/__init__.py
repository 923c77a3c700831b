"""Queues in the database: jobs, dead letters, the webhook outbox, idempotency keys."""
