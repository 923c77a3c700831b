"""Backtests: run in parts, reported in the order in which people ask.

Modules: chart, job, order, page, report, run.
"""
