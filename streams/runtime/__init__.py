"""The runtime: background work of the processes.

Modules:
    timetable: `Timetable`, which runs timed tasks. scheduler: `Engine`, those of `run` and of the dispatchers.
    upkeep: `Upkeep`, those that one process does for all. cleanup: `Cleanup`, which deletes expired data.
    faults: `Faults`, which reports each failure once. restore: `Restoring`, which declares a restored database.

Tables: none of its own.
Facts: `LogRestored`.
"""
