"""Long work as jobs, requested from the command line, the console or the API.

A job is counted first, then confirmed; it can be paused, resumed and cancelled.

Modules:
    requests, backtest_requests: the parsers of what is requested, shared by all three.
    kinds: the work of each kind of job. replay_jobs: that of rebuilds, replays and audits. erasure_job: of erasures.
    start: runs a job in the foreground. job_threads: runs jobs in the server. job_command_line: a job as a command.
    progress, job_results: what a command prints while a job runs, and at its end. pace: rates and times in words.

Inside: rebuild_executor and rebuild_task share a rebuild among processes, verify_executor a verification.
"""
