"""Nudges: their states, the diff that makes facts, and settle, which decides when one is due.

Modules: cap, class_overrides, delivery, diff, digest, forecast, later_completion, nudge,
    reply_meaning, retryable, settle.
"""
