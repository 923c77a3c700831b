"""Rehearse rules: tests of triggers, and backtests on history; nothing here can send.

Modules: backtest, backtest_results, case_model, case_reader, rehearsal_stage, rehearse, verdict.
"""
