"""Batches: who is planned next, in transactions of limited size, and who cannot be planned."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from random import Random

from projections import history
from projections.bulk import chunked
from projections.history import News
from projections.tables import micros
from streams.storage.database import Database
from streams.storage.errors import SYSTEM_ERRORS
from streams.storage.measures import planning_delay

BATCH_SIZE, AT_LEISURE_SIZE, WOKEN_SIZE = 1500, 500, 250
"""Persons in one transaction: of all who wait, of those planned at leisure, and of those woken by records.

A person whose history or nudges change meanwhile is planned again. A transaction of a thousand took so long that most
had changed, and events waited for half a minute.
"""
BATCHES_LOOKED_AT = 8
"""So many batches of persons at leisure are looked at for one of them."""
PORTION_FACTS = 4000
"""Facts read for the persons in one transaction: about half a second's work."""
FACTS_PER_NEW_EVENT = 8
"""Facts that planning usually reads of a person for one new event, however many they have."""


class Batches:
    """Finds persons to plan, and plans them by `plan`, a portion at a time.

    `portion`: the limit of facts in a portion; `probe`: runs everything that planning does without any person, to
    raise errors that are no person's fault.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        portion: int,
        plan: Callable[[Mapping[str, News]], int],
        probe: Callable[[], None],
    ) -> None:
        self._database, self._clock, self._portion = database, clock, portion
        self._plan, self._probe = plan, probe
        self._unplannable: dict[str, str] = {}
        self._random = Random()  # noqa: S311  (who is planned first is no secret)
        self.planned_after = planning_delay()

    def waiting(self, limit: int) -> list[str]:
        """Return persons with facts that are not planned yet, without those who cannot be planned."""
        with self._database.reading() as connection:
            found = history.unplanned(connection, limit + len(self._unplannable), history.AT_LEISURE)
        return [person for person in found if person not in self._unplannable][:limit]

    def persons_at_leisure(self, limit: int) -> list[str]:
        """Return persons who may wait at leisure, without those who cannot be planned.

        On PostgreSQL several processes ask. Of the longest waiting each gets some at random, mostly other ones: who
        is planned twice at once is planned by one of them.
        """
        with self._database.reading() as connection:
            found = history.unplanned_at_leisure(connection, BATCHES_LOOKED_AT * limit + len(self._unplannable))
        waiting = [person for person in found if person not in self._unplannable]
        first = 0 if self._database.sqlite else self._random.randrange(max(1, len(waiting) // limit)) * limit
        return waiting[first : first + limit]

    def plan_woken(self, persons: Sequence[str]) -> dict[str, str]:
        """Plan those of these persons who wait, until none does, as `Planning.plan_woken` says."""
        for person in persons:
            self._unplannable.pop(person, None)
        left = persons
        while left:
            left = [person for some in chunked(left, WOKEN_SIZE) for person in self._plan_one_portion(some)]
        return self.unplannable_among(persons)

    def _plan_one_portion(self, persons: Sequence[str]) -> list[str]:
        """Plan one portion of those of the persons who wait; return who may still wait.

        What waits is looked up right before it is planned, so that few have changed when their plans are committed.
        """
        waiting = self._waiting_among(persons)
        if not waiting:
            return []
        portion = next(self._portions(waiting))
        done = self._plan_portion(portion)
        self._observe(portion.values())
        somebody_changed = done < len(portion)
        return list(waiting) if somebody_changed else [person for person in waiting if person not in portion]

    def unplannable_among(self, persons: Iterable[str]) -> dict[str, str]:
        """Return person -> cause, of those of the persons who cannot be planned."""
        return {person: self._unplannable[person] for person in persons if person in self._unplannable}

    def news(self, persons: Sequence[str]) -> dict[str, News]:
        """Return person -> what waits of them; persons without a history are left out."""
        with self._database.reading() as connection:
            return history.news(connection, persons)

    def _waiting_among(self, persons: Sequence[str]) -> dict[str, News]:
        """Return those of the persons who wait (not at leisure) -> their news."""
        return {
            person: one
            for person, one in self.news(persons).items()
            if one.since is not None and person not in self._unplannable
        }

    def _observe(self, news: Iterable[News]) -> None:
        now = micros(self._clock())
        for one in news:
            if one.since is not None:
                self.planned_after.observe(max(0.0, (now - one.since) / 1_000_000))

    def plan(self, persons: Sequence[str]) -> int:
        """Plan a batch in portions, persons with few facts first, so that nobody waits for one with thousands."""
        return sum(self._plan_portion(portion) for portion in self._portions(self.news(persons)))

    def _portions(self, news: Mapping[str, News]) -> Iterator[dict[str, News]]:
        """Yield portions of limited facts: the persons with their news, those with the fewest facts to read first."""
        portion: dict[str, News] = {}
        total = 0
        for facts, person in sorted((_read_for(one), person) for person, one in news.items()):
            if portion and total + facts > self._portion:
                yield portion
                portion, total = {}, 0
            portion[person] = news[person]
            total += facts
        if portion:
            yield portion

    def _plan_portion(self, news: Mapping[str, News]) -> int:
        """Plan these persons together; if that fails, in ever smaller parts, so that one person stops nobody else.

        A person who cannot be planned stays unplanned, and this process does not try again. An error that also occurs
        without any person is raised.
        """
        try:
            return self._plan(news)
        except SYSTEM_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  (whatever a defect about one person's facts raises)
            if len(news) == 1:
                self._probe()
                self._unplannable.update(dict.fromkeys(news, type(error).__name__))
                return 0
        persons = iter(news.items())
        half = dict(islice(persons, len(news) // 2))
        return self._plan_portion(half) + self._plan_portion(dict(persons))


def _read_for(news: News) -> int:
    rows = news.version.rows
    return rows if news.replan else min(rows, FACTS_PER_NEW_EVENT * news.version.waiting)
