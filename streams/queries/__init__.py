"""Answers for people: why, evidence, inbox, health, forecast."""
