"""Kafka: carries records between the roles when the platform runs as several processes; the log stays the truth.

Modules:
    topics, brokers: the topics, their settings, and how clients sign in. errors: `KafkaFailure` and its kinds.
    producer: `Record`, `Sender`. relay: `Relay`, from the log to the workers; republish: a job that sends it again.
    worker: `Worker`, which runs a `Handler` by Faust; seats: its name over restarts.
    consume_intake, consume_wakeups: the handlers of events and of wake-ups.
    lag: the lag of the relay and of the workers.

Only this package imports Kafka's clients and Faust.
Tables: none (the relay's position is in `positions`). Facts: none.
"""
