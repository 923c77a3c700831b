"""Event types, triggers, benefits and the rulebook, compiled from plain data."""
