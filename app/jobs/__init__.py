"""Long work as jobs: requested, counted, confirmed, resumed.

Modules: backtest_requests, endings, job_command_line, job_threads, kinds, progress, replay_jobs,
    requests, start.
"""
