"""Backtests: play a draft on the history of the log and report what it would have sent; nothing is sent.

Modules:
    order: what to play, from when to when. run: plays an order in parts, by one process, several or a cluster.
    job: the same as a job, with counts only. report: the result as lines.

Fewer than six modules, because what plays a history is in `streams.rehearsal`, and its charts are in `app.pages`.
"""
