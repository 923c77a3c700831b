"""Decide what becomes of a due nudge: settle it, render it, digest it.

Modules: case, digesting, overflow, rendering, restore_doubt, settling.
"""
