"""Privacy: erasure, retention, the access log, tokens of assistants.

Modules:
    erasure: `Erasing`, which destroys a person's keys and ends their nudges, and certifies it.
    bulk_erasure: `BulkErasure`, the job that erases everybody in a list.
    retention: `Retiring`, which destroys the keys of periods whose retention limit is over.
    access_log: `note_viewing`, `Views`, `accounts`: reading somebody's data is a fact, written before.
    discard: discarding dead letters, recorded in the log. tokens: the end of a citizen's tokens.

Tables: none of its own; erasure deletes a person's rows in all tables.
Facts: `PersonErased`, `ContentRetired`, `PersonViewed`, `LettersDropped`, `TokensEnded`, and the ends of nudges.

Six modules: each is a right or a duty of its own.
"""
