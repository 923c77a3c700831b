"""Replay: rebuild and verify views, repair and backfill plans; nothing here can send.

Modules: audit_job, backfill, follower, rebuild, rebuild_compare, rebuild_parallel, repair,
    retry_failed, shadow, unknown_outcomes, verify, walk.
"""
