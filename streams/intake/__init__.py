"""Intake: events of registries become facts, each once.

Modules:
    cloudevents: reading CloudEvents 1.0; `Refused`. strict_json: JSON with one meaning only.
    validation: `Checker`, which checks an event against its type and replaces national ids by pseudonyms.
    intake: `Intake`, which stores events and wakes the persons that they name.
    shared_commit: `SharedCommit`, which stores single events that arrive together in one transaction.
    affected: `AffectedPersons`, the rows of the history view.

Tables: none of its own; it writes the log, the history view and the webhook outbox.
Facts: life events, `AheadMoved`.
"""
