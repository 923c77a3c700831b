"""Conditions: their language, what they may cost, and look-ups for comparisons of events."""
