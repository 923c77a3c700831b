"""Rebuilds every view from the log beside the live ones, compares, and swaps: nothing here can send."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import Connection, Table

from domain.event_types import Catalogue
from domain.events import LifeEvent
from domain.facts import NUDGE_FACTS, AheadMoved
from domain.governance import GOVERNANCE_FACTS
from domain.history import history_of
from domain.ids import Names
from domain.nudge import evolve
from projections import governance, history, nudges, positions, references, residents, statistics, tables, trail
from projections.tables import micros, optional_micros
from streams import reading
from streams.concerned import Concerned
from streams.database import Database
from streams.follower import READER, Follower
from streams.log import Log
from streams.mapper import Entry
from streams.planning import BATCH
from streams.residing import Residing
from streams.shadow import Beside, quiet, shadow_of
from streams.tables import log as log_table
from streams.views import Subject, page_of, unnamed

COMPARED: Mapping[Table, tuple[str, ...]] = {
    tables.history: ("person", "position", "time", "type", "ahead_from"),
    tables.revisions: ("original", "position", "arrived"),
    tables.area_facts: ("area", "position", "time"),
    tables.residents: ("person", "since", "home", "until", "only"),
    tables.nudges: ("nudge", "person", "version", "state", "folded"),
    tables.due: ("nudge", "recipient", "due_at", "rank", "attempted", "stopped"),
    tables.inbox: ("recipient", "nudge", "at", "channel", "state", "counted"),
    tables.handed_over: ("provider", "reference", "nudge", "recipient", "attempt"),
    tables.governance: ("position", "topic"),
    tables.trail: ("person", "position", "topic"),
    tables.statistics: ("day", "trigger", "what", "count"),
}
"""View -> the columns that the log alone decides: planned marks and leases are work in hand, not truth."""


class Rebuilt(Struct, frozen=True):
    """`position`: up to which fact; `differences`: view -> rows that only one of the two has."""

    position: int
    differences: Mapping[str, int]

    @property
    def equal(self) -> bool:
        """The rebuilt views say what the live ones said."""
        return not any(self.differences.values())


def rebuild(database: Database, log: Log, names: Names, catalogue: Catalogue, *, swap: bool) -> Rebuilt:
    """Fold the whole log into shadow tables, compare them with the live ones, and put them in their place if `swap`.

    Writers go on until the last step, which lets nobody write; readers always go on.

    Raises:
        AlreadyRebuilding: another process does the same.
        NoQuietMoment: others wrote all the time.
    """
    with shadow_of(database) as shadow:
        folding = _Folding(database, shadow, log, names, catalogue)
        folding.follow()
        with quiet(database, shadow, (*COMPARED, tables.positions, log_table)) as (live, of):
            return _finish(live, of, folding, swap=swap)


def _finish(live: Connection, of: Beside, folding: "_Folding", *, swap: bool) -> Rebuilt:
    Follower(folding.live, folding.log).catch_up(live)
    folding.follow()  # what came meanwhile; nothing more can come
    differences = {table.name: _difference(live, of, table, columns) for table, columns in COMPARED.items()}
    if swap:
        _swap(live, of)
    return Rebuilt(folding.position, differences)


def _difference(live: Connection, of: Beside, table: Table, columns: Sequence[str]) -> int:
    """How many rows only one of the two has.

    Where people live is known as of their last plan: of those who wait for one, the rebuilt view knows more.
    """
    waiting = f" WHERE person NOT IN (SELECT person FROM {of.live}.history WHERE NOT planned)"  # noqa: S608  (our own names)
    where = waiting if table is tables.residents else ""
    one, other = (f"SELECT {_listed(columns)} FROM {each}.{table.name}{where}" for each in of)  # noqa: S608  (our own names)
    only = [f"(SELECT count(*) FROM ({a} EXCEPT {b}) AS differ)" for a, b in ((one, other), (other, one))]  # noqa: S608  (our own names)
    return int(live.exec_driver_sql(f"SELECT {' + '.join(only)}").scalar_one())


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _swap(live: Connection, of: Beside) -> None:
    """By rows, not by names: who reads an older moment of the live tables goes on seeing it."""
    live.exec_driver_sql(
        f"UPDATE {of.shadow}.history AS s SET planned = m.planned, woken = m.woken "  # noqa: S608  (our own names)
        f"FROM {of.live}.history AS m WHERE m.person = s.person AND m.position = s.position"
    )
    for table in (*COMPARED, tables.positions):
        columns = _listed(table.columns.keys())
        live.exec_driver_sql(f"DELETE FROM {of.live}.{table.name}")  # noqa: S608  (our own names)
        live.exec_driver_sql(
            f"INSERT INTO {of.live}.{table.name} ({columns}) SELECT {columns} FROM {of.shadow}.{table.name}"  # noqa: S608  (our own names)
        )


class _Folding:
    """Applies the log, page by page, to the views of the shadow."""

    def __init__(
        self, live: Database, shadow: Database, log: Log, names: Names, catalogue: Catalogue
    ) -> None:  # fmt: skip
        self.live, self.shadow, self.log, self.names = live, shadow, log, names
        self.catalogue, self.residing = catalogue, Residing(catalogue, names)
        self.position = 0

    def follow(self) -> None:
        for entries in self.log.scan(self.position):
            with self.live.reading() as facts:
                self.shadow.write(lambda views: self._apply(views, facts, entries))  # noqa: B023  (runs at once)
            self.position = entries[-1].position

    def _apply(self, views: Connection, facts: Connection, entries: Sequence[Entry]) -> None:
        self._histories(views, facts, entries)
        self._residents(views, facts)
        self._nudges(views, entries)
        subjects = {
            id_: Subject(nudge.intent.person, nudge.intent.trigger)
            for id_, nudge in nudges.by_id(views, unnamed(entries)).items()
        }
        page = page_of(entries, subjects)
        trail.add(views, page.steps)
        statistics.add(views, page.counts)
        positions.save(views, READER, entries[-1].position)
        for entry in entries:
            if isinstance(entry.fact, GOVERNANCE_FACTS):
                governance.note(views, entry.position, entry.fact.TOPIC)

    def _histories(self, views: Connection, facts: Connection, entries: Sequence[Entry]) -> None:
        concerned = Concerned(views, facts, self.log, self.names)
        for entry in entries:
            if isinstance(entry.fact, LifeEvent) and entry.recorded is not None:
                concerned.note([(entry.position, entry.fact)], micros(entry.recorded))
            elif isinstance(entry.fact, AheadMoved):
                original = self.log.streams(facts, [entry.originator_id])[0]
                history.move_ahead(
                    views, original.position, optional_micros(entry.fact.ahead_from), woken=micros(entry.fact.at)
                )

    def _residents(self, views: Connection, facts: Connection) -> None:
        """Where those live whose histories have moved: in the shadow, to be planned means no more than that."""
        while persons := history.unplanned(views, BATCH):
            recorded = reading.recorded_elsewhere(views, facts, self.log, persons)
            residents.store(views, {
                person: self.residing.rows(person, history_of(person, events, self.catalogue).facts)
                for person, events in recorded.items()
            })  # fmt: skip
            history.mark_planned(views, history.marks(views, persons))

    @staticmethod
    def _nudges(views: Connection, entries: Sequence[Entry]) -> None:
        facts = [(entry, entry.fact) for entry in entries if isinstance(entry.fact, NUDGE_FACTS)]
        after = nudges.by_id(views, {entry.originator_id for entry, _ in facts})
        before = dict(after)
        for entry, fact in facts:
            id_ = entry.originator_id
            after[id_] = evolve(after.get(id_), id_, entry.originator_version, fact)
        nudges.store(views, list(after.values()), before)
        references.store(views, ((entry.originator_id, fact) for entry, fact in facts))
