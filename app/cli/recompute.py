"""Plans everybody again by several processes, or a cluster's workers, a share of the persons at a time."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import chain
from typing import NamedTuple

from app.compose import Platform
from app.executors.executor import results, workers_for
from app.executors.kept import kept
from app.executors.task import opened, task_of
from domain.planning.plan import Intent
from domain.rules.rulebook import Rulebook
from streams.planning.histories import EVERYBODY, Selection
from streams.planning.recompute import intents_of, rulebook_of
from streams.rules.governed import Governed

FACTS = 20_000
"""About as many facts has a share: its intents are in memory at once."""


class Planner(NamedTuple):
    """A platform, and the rules by which persons are planned."""

    platform: Platform
    rulebook: Rulebook

    def intents(self, selection: Selection) -> Sequence[Intent]:
        """Return the intents of the selected persons."""
        on = self.platform
        return list(chain.from_iterable(intents_of(on.database, on.log, self.rulebook, selection)))


def all_intents(platform: Platform, facts: int = FACTS) -> Iterator[Sequence[Intent]]:
    """Yield the intents of all persons by the rules in force, a share of about so many facts at a time, in any order.

    Raises:
        NoCluster: the cluster that the settings name cannot do the work.
    """
    rules = platform.rules.library.rules()
    here = Planner(platform, rules.rulebook)
    shares = EVERYBODY.shares(1 + (platform.log.facts.max_notification_id() or 0) // facts)
    if (workers := workers_for(platform)) is None:
        yield from map(here.intents, shares)
        return
    task = task_of(platform, platform.clock(), rules.governed)
    with closing(workers):
        yield from results(workers.begun(), partial(intents, task), here.intents, shares)


def intents(task: bytes, selection: Selection) -> Sequence[Intent]:
    """Return the intents of a share, in another process."""
    with kept(_planner, task) as planner:
        return planner.intents(selection)


@contextmanager
def _planner(task: bytes) -> Iterator[Planner]:
    with opened(task) as (platform, asked):
        assert isinstance(asked, Governed)
        yield Planner(platform, rulebook_of(asked, platform.identity.names))
