"""The rules in force: submit, approve, publish, pause, and read the rulebook.

Modules: `library` (the rules of now or of any past moment, folded from the log), `in_force` (the result, `Rules`),
`governed` (the fold itself), `approval` (submit, approve, refuse, publish), `ownership` (which agency may change
what), `publishing` (append governance facts and wake the persons concerned), `switches` (pause, withdraw, kill
switches), `drafts` (drafts being written, and the rules with a draft), `trigger_history` (who did what to a trigger),
`context` (what every writer of facts about a person needs).

Tables: `drafts`. Facts: all of domain/facts/governance.py.
"""
