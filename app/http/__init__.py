"""The HTTP API and the pages: what registries and citizens reach over the network.

Modules: access, admission, assisting, backtest_calls, bodies, citizens, cursors, drafting, events,
    gateways, governing, head, health, heavy, job_calls, limits, openapi, problems, receipts,
    repeating, role, seen, served, trails.
"""
