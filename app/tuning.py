"""Tuning of this process's memory and exit: set once, by the command line."""

import gc

ALLOCATIONS_A_ROUND = 50_000
INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, as shells have it."""


def calm_collector() -> None:
    """Look for reference cycles a hundred times less often than by default, and not among what is there already.

    Pages of facts are many small objects without cycles: with the default (700 allocations) the collector takes
    a third of the time of a scan (docs/decisions/0004). What modules are made of is a hundred thousand objects that
    stay, with a few dozen in cycles: called before they are imported, it saves a sixth of a start, and once they are
    there, they are not looked at again.
    """
    gc.freeze()
    gc.set_threshold(ALLOCATIONS_A_ROUND, 20, 20)
