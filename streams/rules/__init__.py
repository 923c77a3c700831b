"""The rules in force: submit, approve, publish, pause, and read the rulebook.

Modules: `library` (the rules of now or of any past moment, read from the log), `in_force` (the result, `Rules`),
`aggregates` (eventsourcing's aggregates: packs, triggers, kill switches; their commands and invariants), `governed`
(the state of all of them), `approval` (submit, approve, refuse, publish), `ownership` (which agency may change what),
`publishing` (`Rulemaking`, which reads and saves the aggregates and wakes the persons concerned), `switches` (pause,
withdraw, kill switches), `drafts` (drafts being written, and the rules with a draft), `trigger_history` (who did what
to a trigger), `context` (what every writer of facts about a person needs).

Tables: `drafts`, `draft_saves`. Facts: all of domain/facts/governance.py.
"""
