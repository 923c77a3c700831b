"""Intake: check life events, replace national ids, append them."""
