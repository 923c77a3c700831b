"""Persons as the platform sees them: attributes, history, residence, channels and hours."""
