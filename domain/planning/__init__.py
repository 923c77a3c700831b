"""Plan: what a person should be told, from their history and the rulebook; no clock, no I/O.

Modules:
    plan: the intents of a history, a pure function. relevant_types: the event types that can change one.
    affected: the part of the rulebook that new events can change.
    eligibility, entitlement_answers, law: entitlements by the law of a day, and their values for words.
    deaths: the nudges that a death ends. area_plan_sharing: one plan for all who are alike for an area's event.

Inside: starts, completion, entitlement_edges and retired, the steps of a plan.
"""
