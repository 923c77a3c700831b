"""Conditions: their language, what they may cost, and look-ups for comparisons of events.

Modules: cost, language, matching, pattern_cost.
"""
