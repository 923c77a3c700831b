"""Rehearse rules: tests of triggers, and backtests on history; nothing here can send."""
