"""The runtime: background work of the processes.

Modules:
    timetable: `Timetable`, which runs timed tasks. scheduler: `Engine`, those of `run` and of the dispatchers.
    schedule: `Schedule`, jobs by cron expressions. cron: these expressions. schedule_metrics: their metrics.
    upkeep: `Upkeep`, those that one process does for all. cleanup: deletes expired data.
    processes: `Processes`, the list of what runs.
    faults: `Faults`, which reports each failure once. restore: `Restoring`, which declares a restored database.

Tables: `scheduled`, `processes`.
Facts: `LogRestored`.
"""
