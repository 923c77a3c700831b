"""Rehearse rules: the tests of triggers, and backtests on history. Nothing here can send.

Modules: `playing` (nudges on a virtual clock, the base of both). Tests: `case_model` (tests.yaml as data),
`case_reader` with `case_events` (read and check it), `stage` (one trigger with its rules), `rehearse` (plays a case),
`verdict` (compares with what was expected), `schemas` (JSON Schemas for editors). Backtests: `backtest` (the question
and its work), `backtest_play` (a few persons under other rules), `backtest_results` (what was found, counted).

Tables and facts: none.
"""
