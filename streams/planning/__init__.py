"""Planning: read histories, plan, diff and append; areas, wake-ups and quarantine.

Modules: areas, bulk_reading, histories, planning, quarantine, recompute, reconciler, residences,
    wakeups.
"""
