"""Rows of a shadow's views from facts in the order of the log. Life events are read without decrypting them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from domain.core.ids import Names
from domain.facts.access_facts import ACCOUNTING_FACTS, ContentRetired, PersonErased
from domain.facts.facts import Fact, NudgeSent
from domain.facts.governance import GOVERNANCE_FACTS
from projections import erased, governance, references, retired, tables, trail
from projections.bulk import driver_rows, insert_rows
from projections.erased import Erasure
from projections.statistics import Key
from projections.tables import micros
from streams.log.decoding import LIFE, fact_of, head_of
from streams.log.mapper import LifeHead
from streams.log.recorder import page_of
from streams.log.row_codes import genuine
from streams.storage.tables import stream_of

GOVERNANCE = frozenset(each.TOPIC for each in GOVERNANCE_FACTS)
ACCOUNTING = frozenset(each.TOPIC for each in ACCOUNTING_FACTS)
READ = (LIFE, NudgeSent.TOPIC, ContentRetired.TOPIC, *sorted(GOVERNANCE | ACCOUNTING))


class Facts(NamedTuple):
    """The rows that a page of the log makes; `streams`: of events that correct none, as the driver gives them."""

    last: int
    read: int
    history: list[tuple[Any, ...]]
    revisions: list[tuple[Any, ...]]
    areas: list[tuple[Any, ...]]
    area_plans: list[tuple[Any, ...]]
    steps: list[trail.Step]
    counts: Counter[Key]
    sent: list[tuple[UUID, Fact]]
    rules: list[tuple[int, str]]
    streams: list[UUID | bytes]
    erased: list[tuple[Erasure, datetime]]
    retired: list[tuple[int, ContentRetired]]

    @property
    def originals(self) -> set[UUID]:
        """The streams of the page's events and of the originals that they correct."""
        return {stream_of(each) for each in self.streams}.union(row[0] for row in self.revisions)


def read(connection: Connection, names: Names, after: int, upto: int, limit: int | None = None) -> Facts:
    """Read the next page after a position. Its `last` is the position up to which it was read, at most `upto`."""
    rows = list(driver_rows(connection, page_of(after, limit, upto, READ)))
    found = Facts(
        rows[-1][0] if len(rows) == limit else upto, len(rows), [], [], [], [], [], Counter(), [], [], [], [], []
    )
    _sort(genuine(connection, rows), names, found)
    return found


def _sort(rows: Iterable[Sequence[Any]], names: Names, found: Facts) -> None:
    ahead = _kept(lambda when: None if when is None else micros(when))
    for row in rows:
        position, stream, topic = row[0], row[1], row[3]
        if topic == LIFE:
            _life(found, position, stream, head_of(row), names, ahead)
        elif topic in GOVERNANCE:
            found.rules.append((position, topic))
        elif isinstance(fact := fact_of(row), NudgeSent):
            found.sent.append((stream_of(stream), fact))
        elif isinstance(fact, ContentRetired):
            found.retired.append((position, fact))
        else:
            _accounting(found, position, fact)


def _accounting(found: Facts, position: int, fact: Any) -> None:  # noqa: ANN401  (an accounting fact)
    if fact.person:
        found.steps.append((fact.person, position, fact.TOPIC))
    if isinstance(fact, PersonErased):
        found.rules.append((position, fact.TOPIC))
        found.erased.append((Erasure(fact.person, position, fact.key), fact.at))
        found.sent[:] = [each for each in found.sent if getattr(each[1], "recipient", "") != fact.person]


def _kept(work: Callable[[datetime | None], int | None]) -> Callable[[datetime | None], int | None]:
    """Return the function with a cache: a load has the same moment in all its events."""
    known: dict[datetime | None, int | None] = {None: None}

    def of(when: datetime | None) -> int | None:
        if when not in known:
            known[when] = work(when)
        return known[when]

    return of


def _life(
    found: Facts,
    position: int,
    stream: UUID | bytes,
    event: LifeHead,
    names: Names,
    ahead: Callable[[datetime | None], int | None],
) -> None:
    time, recorded, type_ = micros(event.time), ahead(event.recorded), event.type
    from_when = ahead(event.ahead_from)
    for person in event.everybody:
        found.history.append((person, position, time, type_, from_when, False, recorded, recorded))
        found.steps.append((person, position, LIFE))
    found.counts[(event.time.date(), "", type_)] += 1
    if event.corrects is None:
        found.streams.append(stream)
    else:
        found.revisions.append((names.stream(event.source, event.corrects), position, False))
    if event.area is not None:
        original = stream_of(stream) if event.corrects is None else found.revisions[-1][0]
        found.areas.append((event.area, position, time))
        found.area_plans.append((original, position, True, "", ""))


def store(views: Connection, facts: Facts) -> None:
    """Add the rows to the views of the shadow, except the statistics."""
    insert_rows(views, tables.history, facts.history)
    insert_rows(views, tables.revisions, facts.revisions)
    insert_rows(views, tables.area_facts, facts.areas)
    insert_rows(views, tables.area_plans, facts.area_plans, ignore=True)
    insert_rows(views, tables.trail, facts.steps)
    for one, at in facts.erased:
        erased.note(views, one, at)
        erased.forget_sent(views, one.person)
    for position, fact in facts.retired:
        retired.note(views, fact.keys, position, fact.at)
    references.store(views, facts.sent)
    for position, topic in facts.rules:
        governance.note(views, position, topic)
