"""Admission: the decision that a provider may get a delivery now.

`Admission.send` asks in this order, and each question is one module:
    exclusive_links: has another process the only link to the provider?
    fair_ordering: where rates apply, who goes first?
    concurrency: has the provider room for another open attempt?
    routing: which provider gets it, and which rates apply?
    rate_limits: from when on may it go, by the messages a second of its agency and provider?
Modules:
    admission: asks them all; begin here.
    routing, rate_limits, concurrency: as above, also for the calls in which attempts are handed over.
    task_group: tasks that outlive a failure.
Tables: paces.
Facts: none.
"""
