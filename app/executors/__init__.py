"""Executors: other processes that do parts of long work, on this machine or on a Dask cluster.

Modules:
    executor: `workers_of`, the executor that the settings name, `JobWorkers`, and `results`, what came of the parts.
    task: what another process needs to open the platform. kept: what it keeps open from part to part.
    cluster: the executor of a Dask cluster, and what must hold before it is used.
    local: the executor of this machine's processes.
    errors: `NoCluster`.

Both are a `concurrent.futures.Executor`. A task is a function of a module, with arguments that name what to do: it
reads the database itself. Keys and the database's address are in no task that leaves this machine.
Few modules, because the work itself stands in the packages that ask for it.
"""
