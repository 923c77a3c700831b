"""What came while a shadow was filled: taken in page by page, as by then its tables have their keys."""

from collections.abc import Sequence

from sqlalchemy import Connection

from domain.facts import NUDGE_FACTS, AheadMoved
from domain.ids import Names
from domain.nudge import evolve
from projections import erased, nudges, statistics, trail
from streams import rebuild_facts, rebuild_people
from streams.log import Log
from streams.mapper import Entry
from streams.rebuild_nudges import TOPICS
from streams.residing import Residing
from streams.views import Subject, page_of, unnamed
from streams.ways import attempts_before


class Tail:
    """Applies facts to the views of a shadow; `of_life`, `of_nudges`: those that it is to have."""

    def __init__(self, log: Log, names: Names, residing: Residing, *, of_life: bool, of_nudges: bool) -> None:
        self._log, self._names, self._residing = log, names, residing
        self._of_life, self._of_nudges = of_life, of_nudges

    def take(self, views: Connection, facts: Connection, after: int, upto: int) -> None:
        """The facts behind `after`, up to `upto`."""
        if self._of_life:
            self._life(views, facts, after, upto)
        if self._of_nudges:
            self._nudges(views, facts, self._log.page(facts, after, upto, TOPICS))
            erased.forget(views)

    def _life(self, views: Connection, facts: Connection, after: int, upto: int) -> None:
        found = rebuild_facts.read(facts, self._names, after, upto)
        rebuild_facts.store(views, found)
        statistics.add(views, found.counts)
        concerned = {row[0] for row in found.history}
        concerned |= rebuild_people.join(views, facts, self._log, sorted(found.originals))
        rebuild_people.move(views, facts, self._log, self._log.page(facts, after, upto, (AheadMoved.TOPIC,)))
        erased.forget(views)
        concerned |= {one.person for one, _ in found.erased}
        rebuild_people.house(views, facts, self._log, self._residing, sorted(concerned))

    def _nudges(self, views: Connection, facts: Connection, entries: Sequence[Entry]) -> None:
        told = [(entry, entry.fact) for entry in entries if isinstance(entry.fact, NUDGE_FACTS)]
        after = nudges.by_id(views, {entry.originator_id for entry, _ in told})
        before = dict(after)
        for entry, fact in told:
            id_ = entry.originator_id
            after[id_] = evolve(after.get(id_), id_, entry.originator_version, fact)
        nudges.store(views, list(after.values()), before)
        subjects = {id_: Subject(each.intent.person, each.intent.trigger) for id_, each in before.items()}
        known = {id_: subjects[id_] for id_ in unnamed(entries)}
        page = page_of(entries, known, attempts_before(facts, self._log, entries))
        trail.add(views, page.steps)
        statistics.add(views, page.counts)
