"""Answers for people: why, evidence, inbox, health, forecast.

Modules: correspondence, evidence, explain, forecast, health, inbox, provider_health.
"""
