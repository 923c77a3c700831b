"""Answers to questions of citizens, agencies and operators, read from log and views.

Modules: `explain` (why a nudge was planned and its outcome), `evidence` (the same with proofs from the chain),
`inbox` (a citizen's own messages and data), `inbox_cards` (what these messages are about), `correspondence` (letters
of citizens to an agency), `forecast` (the load of the next days), `health` (the state of the platform, and trends of
its backlogs), `held_back` (what each kill switch holds back), `provider_health` (the last hour of each provider),
`failed_attempts` (a search among them), `altered_jobs` (jobs that none of our processes wrote as they are).

Tables: `soundings`. Facts: LetterHandled, and PersonViewed by streams.privacy.
"""
