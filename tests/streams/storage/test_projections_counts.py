from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from projections import governance, positions, statistics, trail
from projections.bulk import CHUNK, chunked, insert_rows
from projections.tables import micros, moment, optional_micros, optional_moment, revisions
from projections.tables import statistics as statistics_table
from projections.tables import trail as trail_table
from streams.queries.health import DISPATCH_AGE, PLANNING_AGE, BacklogSamples
from streams.replay import hourly
from streams.storage.database import Database
from streams.storage.tables import soundings
from tests.streams.storing import AIDA, BOLAT, NOW, counted, modest

T = TypeVar("T")
MONDAY, TUESDAY = date(2025, 6, 2), date(2025, 6, 3)


def ask(database: Database, question: Callable[[Connection], T]) -> T:
    """What the view answers."""
    with database.reading() as connection:
        return question(connection)


# trail


def test_a_trail_is_in_the_order_of_the_log(database: Database) -> None:
    """A person's facts by position, whatever the order in which they were noted; nobody else's."""
    steps = [(AIDA, 7, "b/1"), (BOLAT, 5, "a/1"), (AIDA, 2, "a/1")]
    database.write(lambda connection: trail.add(connection, steps))

    assert ask(database, lambda connection: trail.positions(connection, AIDA)) == [2, 7]
    assert ask(database, lambda connection: trail.positions(connection, BOLAT)) == [5]
    assert ask(database, lambda connection: trail.positions(connection, "nobody")) == []


def test_a_trail_is_read_in_pages(database: Database) -> None:
    """So many positions after a position."""
    database.write(lambda connection: trail.add(connection, [(AIDA, at, "a/1") for at in range(1, 8)]))

    def page(after: int) -> list[int]:
        return list(ask(database, lambda connection: trail.positions(connection, AIDA, after=after, limit=3)))

    assert [page(after) for after in (0, 3, 6, 7)] == [[1, 2, 3], [4, 5, 6], [7], []]


# statistics


def test_statistics_add_up(database: Database) -> None:
    """What is added is added to what was there, by day, trigger and kind; totals are over all days."""

    def work(connection: Connection) -> None:
        statistics.add(connection, {(MONDAY, "card", "sent"): 2, (MONDAY, "", "kz.a"): 1})
        statistics.add(connection, {(MONDAY, "card", "sent"): 3, (TUESDAY, "card", "sent"): 10})
        statistics.add(connection, {(MONDAY, "fine", "sent"): 100, (MONDAY, "card", "failed"): 1000})

    database.write(work)

    assert ask(database, statistics.totals) == {
        ("card", "sent"): 15,
        ("", "kz.a"): 1,
        ("fine", "sent"): 100,
        ("card", "failed"): 1000,
    }
    assert counted(database, statistics_table) == 5


def test_adding_nothing_counts_nothing(database: Database) -> None:
    """An empty page leaves no row."""
    database.write(lambda connection: statistics.add(connection, {}))

    assert ask(database, statistics.totals) == {}


KEYS = st.tuples(
    st.sampled_from([MONDAY, TUESDAY]), st.sampled_from(["", "card"]), st.sampled_from(["sent", "failed"])
)


def test_any_split_into_pages_counts_the_same(database: Database) -> None:
    """It does not matter how the log was cut into pages: the totals are those of the whole."""

    @modest
    @given(st.lists(st.dictionaries(KEYS, st.integers(1, 9)), max_size=4))
    def check(pages: list[dict[tuple[date, str, str], int]]) -> None:
        database.write(lambda connection: connection.execute(statistics_table.delete()))
        for page in pages:
            database.write(partial(statistics.add, counts=page))
        whole: Counter[tuple[str, str]] = Counter()
        for page in pages:
            for (_, trigger, what), count in page.items():
                whole[trigger, what] += count
        assert ask(database, statistics.totals) == whole

    check()


# positions


def test_each_reader_has_a_position(database: Database) -> None:
    """A reader that never read is at 0; saving moves that reader and no other."""
    assert ask(database, lambda connection: positions.position_of(connection, "views")) == 0
    database.write(lambda connection: positions.save(connection, "views", 7))
    database.write(lambda connection: positions.save(connection, "relay", 3))
    database.write(lambda connection: positions.save(connection, "views", 9))

    assert ask(database, lambda connection: positions.position_of(connection, "views")) == 9
    assert ask(database, lambda connection: positions.position_of(connection, "relay")) == 3


def test_a_position_goes_with_what_was_made_of_it(database: Database) -> None:
    """A page that fails moves neither the view nor the position."""

    def work(connection: Connection) -> None:
        positions.save(connection, "views", 7)
        trail.add(connection, [(AIDA, 7, "a/1")])
        raise LookupError

    with pytest.raises(LookupError):
        database.write(work)
    assert ask(database, lambda connection: positions.position_of(connection, "views")) == 0
    assert counted(database, trail_table) == 0


# governance


def test_the_rules_are_found_in_the_order_of_the_log(database: Database) -> None:
    """Where the governance facts are, by position; the latest tells whether the rules have changed."""
    assert ask(database, governance.latest) == 0
    assert ask(database, governance.positions) == []

    for position in (3, 40, 5):
        database.write(partial(governance.note, position=position, topic="pack-published/1"))

    assert ask(database, governance.positions) == [3, 5, 40]
    assert ask(database, governance.latest) == 40


# rows and times


def test_rows_are_inserted_or_refused(database: Database) -> None:
    """Without `ignore`, a row that is there is an error and nothing of the batch is stored; with it, skipped."""
    rows = [(UUID(int=1), 1, False), (UUID(int=2), 2, True)]
    database.write(lambda connection: insert_rows(connection, revisions, rows[:1]))

    with pytest.raises(IntegrityError):
        database.write(lambda connection: insert_rows(connection, revisions, rows[::-1]))
    assert counted(database, revisions) == 1

    database.write(lambda connection: insert_rows(connection, revisions, rows, ignore=True))
    found = ask(
        database, lambda connection: connection.execute(revisions.select().order_by(revisions.c.position)).all()
    )
    assert [tuple(row) for row in found] == rows


def test_bulk_rows_are_what_other_statements_read(database: Database) -> None:
    """An id put in by the fast way is found by an ordinary query, leading zeros and all."""
    small, large = UUID(int=1), UUID(int=2**128 - 1)
    database.write(lambda connection: insert_rows(connection, revisions, [(small, 1, False), (large, 2, False)]))

    with database.reading() as connection:
        for id_, position in ((small, 1), (large, 2)):
            row = connection.execute(revisions.select().where(revisions.c.original == id_)).one()
            assert tuple(row) == (id_, position, False)


def test_chunks_hold_everything_once() -> None:
    """The items in their order, never more at once than allowed."""
    items = list(range(2 * CHUNK + 1))
    chunks = list(chunked(items))

    assert [item for chunk in chunks for item in chunk] == items
    assert [len(chunk) for chunk in chunks] == [CHUNK, CHUNK, 1]
    assert list(chunked([])) == []


@modest
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001  (zoned by `timezones`)
def test_times_are_kept_to_the_microsecond(when: datetime) -> None:
    """A moment comes back as it was, before 1970 too."""
    assert moment(micros(when)) == when
    assert optional_moment(optional_micros(when)) == when


def test_times_sort_as_numbers() -> None:
    """The same instant is one number whatever the zone, the epoch is 0, and no time stays no time."""
    local = datetime.fromisoformat("2025-06-02T12:00:00+05:00")

    assert micros(local) == micros(NOW) == 1_748_847_600_000_000
    assert micros(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert optional_micros(None) is None
    assert optional_moment(None) is None


# hourly counts, and samples of the backlogs


def test_hourly_counts_add_up_and_the_old_ones_go(database: Database) -> None:
    """The same hour is added to, what has a price is told by trigger, and what is a week older goes."""
    old, now = 1, hourly.KEPT + 1
    for counts in (
        {(old, "", hourly.ARRIVED): 5, (now - 1, "", hourly.ARRIVED): 1},
        {(now, "fine", hourly.PRICED): 2, (now, "card", hourly.PRICED): 3, (now, "", hourly.ARRIVED): 4},
        {(now, "fine", hourly.PRICED): 1, (old, "", hourly.ARRIVED): 9},
    ):
        database.write(partial(hourly.add, counts=counts))

    assert ask(database, lambda connection: hourly.by_hour(connection, 0, now)) == {
        hourly.ARRIVED: {now - 1: 1, now: 4},
        hourly.PRICED: {now: 6},
    }
    assert ask(database, lambda connection: hourly.priced(connection, now, now)) == {
        (now, "fine"): 3,
        (now, "card"): 3,
    }


def test_the_highest_age_of_each_hour_is_told(database: Database) -> None:
    """Samples are grouped by hour on either database; other samples are none of it."""
    times = (NOW, NOW + timedelta(minutes=10), NOW + timedelta(hours=1))
    for at, age in zip(times, (7, 9, 3), strict=True):
        row = {"at": micros(at), "name": PLANNING_AGE, "count": age}
        database.write(lambda connection: connection.execute(soundings.insert(), [row, row | {"name": "x"}]))  # noqa: B023
    ages = BacklogSamples(database, lambda: NOW).ages_by_hour(NOW)
    assert ages == {PLANNING_AGE: {hourly.hour_of(NOW): 9, hourly.hour_of(times[2]): 3}, DISPATCH_AGE: {}}
