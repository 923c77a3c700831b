"""Plans everybody again by several processes, or a cluster's workers, a share of the persons at a time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import chain

from app.compose import Platform
from app.executors.executor import results, workers_for
from app.executors.task import run_part, task_of
from domain.planning.plan import Intent
from domain.rules.rulebook import Rulebook
from streams.planning.histories import EVERYBODY, Selection
from streams.planning.recompute import intents_of
from streams.rules.governed import Governed
from streams.rules.in_force import rulebook_of

FACTS = 20_000
"""About as many facts has a share: its intents are in memory at once."""


def all_intents(platform: Platform) -> Iterator[Sequence[Intent]]:
    """Yield the intents of all persons by the rules in force, a share at a time, in any order.

    Raises:
        NoCluster: the cluster that the settings name cannot do the work.
    """
    rules = platform.rules.library.rules()
    here = partial(_planned, platform, rules.rulebook)
    shares = EVERYBODY.shares(1 + (platform.log.facts.max_notification_id() or 0) // FACTS)
    if (workers := workers_for(platform)) is None:
        yield from map(here, shares)
        return
    task = task_of(platform, platform.clock(), rules.governed)
    with closing(workers):
        yield from results(workers.begun(), partial(run_part, _planning, task), here, shares)


def _planning(platform: Platform, rules: Governed) -> Callable[[Selection], Sequence[Intent]]:
    return partial(_planned, platform, rulebook_of(rules, platform.identity.names))


def _planned(on: Platform, rulebook: Rulebook, selection: Selection) -> Sequence[Intent]:
    return list(chain.from_iterable(intents_of(on.database, on.log, rulebook, selection)))
