"""Durable queues on the database: jobs, dead letters, webhooks, idempotency keys.

Modules:
    jobs: `Job`, `Work` and their errors; job_store: `Jobs`, which keeps, confirms and runs them;
        job_runner, job_rows: used by it.
    dead_letters: `DeadLetters`, items that could not be handled, kept until they are retried or discarded.
    webhook_outbox: the webhooks still to be sent. idempotency: `IdempotencyKeys`, the answers to repeated requests.
    guess_counts: `GuessCounts`, the guesses at secrets of each caller.
    refused_events: the counts of refused events from Kafka.

Tables: jobs, dead_letters, webhooks, repeats, guesses, dead_events.
Facts: none.
"""
