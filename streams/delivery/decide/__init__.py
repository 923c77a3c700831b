"""Decide what becomes of a due nudge: settle it, render it, digest it."""
