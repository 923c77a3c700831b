"""Replay: follow the log, rebuild and verify views, repair and backfill plans. Nothing here can send.

Modules: `follower` (keeps trail and statistics), `hourly` (counts by hour for charts), `rebuild` (views from the
log, and its parts `shadow`, `rebuild_fold`, `rebuild_parallel`, `rebuild_compare`), `verify` (compares views and
plans, with a digest), `sample` (verifies some persons each night), `repair` (plans what is missing), `backfill` (a
trigger looks further back), `retry_failed` (deliveries that an outage ended), `unknown_outcomes` (what an operator
decides about them), `audit_job` (the audit of the log as a job), `walk` (jobs that go through persons or nudges in
order).

Tables: those of a shadow (`shadow`). Facts: TriggerReachChanged, NudgeRenewed, NudgeResolved, and those of planning.
"""
