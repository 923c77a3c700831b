"""Fold the log into the rows of a shadow, in three ways.

Facts in the order of the log become rows at once; life events are read without decrypting them. Nudges are folded
stream by stream, so that each is written once instead of once a fact. Rows that need several facts follow: the
persons of corrected events, later loads, and residences.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, select

from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.facts.access_facts import ACCOUNTING_FACTS, ContentRetired, PersonErased
from domain.facts.facts import NUDGE_FACTS, AheadMoved, Fact, NudgeSent
from domain.facts.governance import GOVERNANCE_FACTS
from domain.nudges.nudge import Nudge, evolve
from domain.persons.history import history_of
from projections import erased, governance, handed_over, history, nudges, residents, retired, tables, trail
from projections.bulk import among, chunked, driver_rows, insert_rows
from projections.erased import Erasure
from projections.history import Concerns
from projections.residents import Resident
from projections.statistics import Key
from projections.tables import history as rows
from projections.tables import micros, optional_micros, revisions
from streams.log.decoding import LIFE, entries_of, fact_of, life_of
from streams.log.loads import originals_as_loaded
from streams.log.log import Log
from streams.log.mapper import Entry, LifeState
from streams.log.recorder import page_of
from streams.log.row_codes import facts_by, genuine
from streams.planning.residences import ResidenceRows
from streams.replay import shadow
from streams.replay.follower import ViewAdditions, additions_of
from streams.storage.tables import log, log_rows, stream_of

GOVERNANCE = frozenset(kind.TOPIC for kind in GOVERNANCE_FACTS)
ACCOUNTING = frozenset(kind.TOPIC for kind in ACCOUNTING_FACTS)
READ_TOPICS = (LIFE, NudgeSent.TOPIC, ContentRetired.TOPIC, *sorted(GOVERNANCE | ACCOUNTING))


class PageRows(NamedTuple):
    """The rows that a page of the log makes; `streams`: of events that revise none, as the driver gives them."""

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
        """The streams of the page's events and of the originals that they revise."""
        return {stream_of(stream) for stream in self.streams}.union(row[0] for row in self.revisions)


def read_facts(connection: Connection, names: Names, after: int, upto: int, limit: int | None = None) -> PageRows:
    """Read the next page after a position. Its `last` is the position up to which it was read, at most `upto`."""
    rows = list(driver_rows(connection, page_of(after, limit, upto, READ_TOPICS)))
    found = PageRows(
        rows[-1][0] if len(rows) == limit else upto, len(rows), [], [], [], [], [], Counter(), [], [], [], [], []
    )
    for row in genuine(connection, rows):
        position, stream, topic = row[0], row[1], row[3]
        if topic == LIFE:
            _life(found, position, stream, life_of(row), names)
        elif topic in GOVERNANCE:
            found.rules.append((position, topic))
        elif isinstance(fact := fact_of(row), NudgeSent):
            found.sent.append((stream_of(stream), fact))
        elif isinstance(fact, ContentRetired):
            found.retired.append((position, fact))
        else:
            _accounting(found, position, fact)
    return found


def _accounting(found: PageRows, position: int, fact: Any) -> None:  # noqa: ANN401  (an accounting fact)
    if fact.person:
        found.steps.append((fact.person, position, fact.TOPIC))
    if isinstance(fact, PersonErased):
        found.rules.append((position, fact.TOPIC))
        found.erased.append((Erasure(fact.person, position, fact.key), fact.at))
        found.sent[:] = [sent for sent in found.sent if getattr(sent[1], "recipient", "") != fact.person]


def _life(
    found: PageRows,
    position: int,
    stream: UUID | bytes,
    event: LifeState,
    names: Names,
) -> None:
    time, recorded, type_ = micros(event.time), micros(event.recorded), event.type
    from_when = optional_micros(event.ahead_from)
    for person in event.everybody:
        found.history.append((person, position, time, type_, from_when, False, recorded, recorded, True))
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


def store_facts(views: Connection, facts: PageRows) -> None:
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
    handed_over.store(views, facts.sent)
    for position, topic in facts.rules:
        governance.note(views, position, topic)


TOPICS = tuple(sorted(kind.TOPIC for kind in NUDGE_FACTS))


class FoldedNudges(NamedTuple):
    """Folded nudges, their additions to trail and statistics, and the number of facts read."""

    nudges: list[Nudge]
    page: ViewAdditions
    facts: int


def read_nudges(connection: Connection, after: UUID | None, upto: UUID | None, last: int) -> FoldedNudges:
    """Fold the nudges after one id and up to another (None: no bound), from their facts up to position `last`."""
    query = log_rows.where(log.c.position <= last, among(log.c.topic, TOPICS))
    query = query if after is None else query.where(log.c.originator_id > after)
    query = query if upto is None else query.where(log.c.originator_id <= upto)
    rows = facts_by(connection, query.order_by(log.c.originator_id, log.c.originator_version))
    entries = entries_of(rows, {}, {})
    folded = [_folded(id_, facts) for id_, facts in groupby(entries, attrgetter("originator_id"))]
    return FoldedNudges(folded, additions_of(entries, {}), len(entries))


def store_nudges(views: Connection, folded: FoldedNudges) -> None:
    """Add the nudges to the views of the shadow."""
    nudges.add(views, folded.nudges, keyed=False)
    insert_rows(views, tables.trail, folded.page.steps)
    shadow.count(views, folded.page.counts)


def _folded(id_: UUID, entries: Iterable[Entry]) -> Nudge:
    nudge: Nudge | None = None
    for entry in entries:
        assert isinstance(entry.fact, NUDGE_FACTS)
        nudge = evolve(nudge, id_, entry.originator_version, entry.fact)
    assert nudge is not None
    return nudge


def originals_after(views: Connection, after: UUID | None, limit: int) -> list[UUID]:
    """Return the next originals that have a revision."""
    query = select(revisions.c.original).distinct().order_by(revisions.c.original).limit(limit)
    if after is not None:
        query = query.where(revisions.c.original > after)
    return list(views.execute(query).scalars())


def join_revisions(views: Connection, facts: Connection, log: Log, originals: Sequence[UUID]) -> set[str]:
    """Add every revision of an event to the history of everybody whom any revision names; return these persons."""
    revised = history.revisions_of(views, originals)
    streams = log.streams(facts, revised)
    loaded, recorded = originals_as_loaded(streams), {stream.position: stream.recorded for stream in streams}
    wanted = [position for some in revised.values() for position in some]
    found = {entry.position: entry for entry in log.read(facts, wanted)}
    recorded |= {position: entry.recorded for position, entry in found.items()}
    arrived = [original for original, (_, event) in loaded.items() if event.corrects is None]
    history.originals_arrived(views, arrived)
    added: list[Concerns] = []
    for original, positions in revised.items():
        members = [(at, event) for at in positions if isinstance(event := found[at].fact, LifeEvent)]
        members += [loaded[original]] if original in arrived else []
        added += _rows(members, {at: micros(when) for at, _ in members if (when := recorded[at]) is not None})
    insert_rows(views, rows, added, ignore=True)
    return {row.person for row in added}


def _rows(members: Sequence[tuple[int, LifeEvent]], recorded: Mapping[int, int]) -> list[Concerns]:
    """Return a row for each person and revision, recorded when both the revision and the person's name were known."""
    named = {
        person: [at for at, event in members if person in event.everybody]
        for _, member in members
        for person in member.everybody
    }
    since = {person: min(recorded[at] for at in positions) for person, positions in named.items()}
    return [
        Concerns(
            person,
            at,
            micros(event.time),
            event.type,
            optional_micros(event.ahead_from),
            planned=False,
            recorded=max(recorded[at], first),
            woken=max(recorded[at], first),
            replan=True,
        )
        for at, event in members
        for person, first in since.items()
    ]


def move_loads(views: Connection, facts: Connection, log: Log, entries: Iterable[Entry]) -> None:
    """Apply AheadMoved facts: the events came by an earlier load or live, and so they count for all persons named."""
    moved = [(entry.originator_id, entry.fact) for entry in entries if isinstance(entry.fact, AheadMoved)]
    streams = log.streams(facts, {stream for stream, _ in moved})
    first = {entry.originator_id: entry.position for entry in streams if entry.originator_version == 1}
    for stream, fact in moved:
        history.move_ahead(views, first[stream], optional_micros(fact.ahead_from), woken=micros(fact.at))


def store_residences(
    views: Connection, facts: Connection, log: Log, residing: ResidenceRows, persons: Sequence[str]
) -> None:
    """Update the shadow's residents for these persons."""
    found = [each for part in chunked(persons) for each in _telling(views, residing, among(rows.c.person, part))]
    residents.store(views, _residences(views, facts, log, residing, persons, found))


def residences_between(
    views: Connection, facts: Connection, log: Log, residing: ResidenceRows, after: str, upto: str | None
) -> dict[str, list[Resident]]:
    """Return the residences of persons after one pseudonym and up to another, from the shadow's history."""
    found = _telling(views, residing, rows.c.person > after, *(() if upto is None else (rows.c.person <= upto,)))
    return _residences(views, facts, log, residing, sorted({person for person, *_ in found}), found)


_IS_REVISION = exists(revisions.select().where(revisions.c.position == rows.c.position))


def _telling(views: Connection, residing: ResidenceRows, *whose: ColumnElement[bool]) -> list[tuple[str, int, bool]]:
    """Return the facts that tell where these persons live: person, position, and whether it is a revision."""
    telling = among(rows.c.type, sorted(residing.types)) | _IS_REVISION
    return list(driver_rows(views, select(rows.c.person, rows.c.position, _IS_REVISION).where(*whose, telling)))


def _residences(
    views: Connection,
    facts: Connection,
    log: Log,
    residing: ResidenceRows,
    persons: Sequence[str],
    found: Sequence[tuple[str, int, bool]],
) -> dict[str, list[Resident]]:
    """Return the residences of these persons; `found`: see `_telling`. Of those with revisions all facts are read."""
    revised = {person for person, _, is_revision in found if is_revision}
    places = [(person, position) for person, position, _ in found if person not in revised]
    everything = select(rows.c.person, rows.c.position)
    for part in chunked(sorted(revised)):
        places += driver_rows(views, everything.where(among(rows.c.person, part)))
    log.keys.load(facts, persons)  # cached for what follows: a fact decoded without its key is decoded twice
    events = {entry.position: entry.fact for entry in log.read(facts, [position for _, position in places])}
    theirs: dict[str, list[LifeEvent]] = {person: [] for person in persons}
    for person, position in places:
        event = events[position]
        assert isinstance(event, LifeEvent)
        theirs[person].append(event)
    return {
        person: residing.rows(person, history_of(person, events_, residing.catalogue).facts)
        for person, events_ in theirs.items()
    }
