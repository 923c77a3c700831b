"""Planning: read histories, plan, compare with the log and append the difference.

Modules: `planning` (the entry: plans persons who wait), `batches` (who is planned next), `person_plans` (what a plan
asks for), `areas` (plans area events for all residents), `histories` (reads histories and persons, a
few or all), `residences` (rows of the view `residents`), `wakeups` (which persons a page of the log wakes),
`quarantine` (dead letters for what cannot be planned), `reconciler` (plans persons who waited too long), `recompute`
(plans everybody without writing).

Tables: `reconciled`. The views that it writes (`history`, `nudges`, `due`, `residents`, `area_plans`) belong to
projections. Facts: NudgePlanned, NudgeRescheduled, NudgeCancelled and what else `diff` decides.
"""
