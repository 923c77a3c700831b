"""The runtime: background work of the processes.

Modules:
    scheduler: `Engine`, the interval jobs of the embedded platform and of the dispatchers.
    upkeep: `Upkeep`, the work that one worker does for all. cleanup: `Cleanup`, which deletes expired data.
    faults: `Faults`, which reports each failure once. restore: `Restoring`, which declares a restored database.

Tables: none of its own.
Facts: `LogRestored`.

Five modules: the roles themselves are in app/roles.
"""
