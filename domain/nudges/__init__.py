"""Nudges: their states, the diff that makes facts of a plan, and settle, which decides when one is due.

Modules:
    nudge, delivery: the state of a nudge and of each of its deliveries, folded from facts.
    diff: the facts by which the planned nudges follow a plan. later_completion: completions after sending.
    settle, cap, digest, class_rules: the decision to send, and what limits it.
    fact_names: what people call the facts of a nudge.
    calendar_days: the days of a message for a calendar. reply_meaning: what a citizen's text means.
    retryable: failures of an outage. unreached, guardians_tried: an emergency that reached no guardian.
    forecast: what goes when.

Inside: catch_up, the nearest step for somebody who joins late.
"""
