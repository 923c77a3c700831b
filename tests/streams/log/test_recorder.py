import multiprocessing
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import IntegrityError, Notification, StoredEvent
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from projections.positions import position_of
from streams.log.mapper import encode
from streams.log.recorder import FactRecorder, NoSubscription, Row
from streams.storage.database import Database
from streams.storage.tables import log
from tests.services import postgres
from tests.streams.storing import (
    CODES,
    PATIENCE,
    Store,
    append_each,
    cancelled,
    save_position,
    second_process,
    stored,
    url_in,
)

WRITERS, FACTS_EACH, BATCH = 6, 60, 4


def rows(*events: StoredEvent) -> list[Row]:
    """The events as `append` takes them."""
    return [(UUID(str(one.originator_id)), one.originator_version, one.topic, one.state) for one in events]


def streams_of(notifications: Sequence[Notification]) -> list[int]:
    """The numbers of the streams."""
    return [UUID(str(one.originator_id)).int for one in notifications]


def notification(event: StoredEvent, position: int) -> Notification:
    """The event as it comes back from that position."""
    return Notification(event.originator_id, event.originator_version, event.topic, event.state, id=position)


class RecorderContract:
    """What every database must do for the log; a subclass says which database."""

    @pytest.fixture
    def url(self) -> Any:
        """Where an empty database is."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        """An empty log there."""
        made = Store(url)
        yield made
        made.database.close()

    @pytest.fixture
    def database(self, store: Store) -> Database:
        """Its database."""
        return store.database

    @pytest.fixture
    def recorder(self, store: Store) -> FactRecorder:
        """Its recorder."""
        return store.log.facts

    # appending

    def test_positions_follow_each_other(self, recorder: FactRecorder) -> None:
        """Facts get increasing positions, from 1, in the order in which they were given and committed."""
        assert list(recorder.insert_events([stored(1), stored(2)])) == [1, 2]
        assert list(recorder.insert_events([stored(3)])) == [3]
        assert streams_of(recorder.select_notifications(None, 10)) == [1, 2, 3]

    def test_append_gives_the_position_before(self, database: Database, recorder: FactRecorder) -> None:
        """In a transaction of the caller, append says after which position the facts are."""
        recorder.insert_events([stored(1)])

        assert database.write(lambda connection: recorder.append(connection, rows(stored(2), stored(3)))) == 1
        assert [one.id for one in recorder.select_notifications(2, 10)] == [2, 3]

    def test_two_appends_in_one_transaction_follow_each_other(
        self, database: Database, recorder: FactRecorder
    ) -> None:
        """The second append of a transaction comes after the first."""

        def work(connection: Connection) -> tuple[int, int]:
            return recorder.append(connection, rows(stored(1))), recorder.append(connection, rows(stored(2)))

        assert database.write(work) == (0, 1)

    def test_nothing_appended_is_nothing_stored(self, recorder: FactRecorder) -> None:
        """An empty batch is no error."""
        assert list(recorder.insert_events([])) == []
        assert recorder.max_notification_id() is None

    @pytest.mark.parametrize("state", [b"", bytes(range(256)), b"\xff" * 100_000], ids=["empty", "every", "large"])
    def test_bytes_come_back_as_they_were(self, recorder: FactRecorder, state: bytes) -> None:
        """The recorder gives back exactly what it was given, in every way of reading."""
        event = StoredEvent(UUID("00ff00ff-0000-4000-8000-00000000abcd"), 3, "topic/1", state)
        recorder.insert_events([event])

        assert recorder.select_events(event.originator_id) == [notification(event, 1)]
        assert recorder.select_notifications(1, 1) == [notification(event, 1)]

    @pytest.mark.parametrize(
        "batch",
        [[stored(2), stored(1, 1), stored(3)], [stored(2), stored(2)], [stored(1, 1)]],
        ids=["with an older fact", "within the batch", "alone"],
    )
    def test_a_version_is_taken_once(self, recorder: FactRecorder, batch: list[StoredEvent]) -> None:
        """A second fact of one version is an IntegrityError, and nothing of its batch is stored."""
        first = stored(1, 1, state=b"first")
        recorder.insert_events([first])

        with pytest.raises(IntegrityError):
            recorder.insert_events(batch)

        assert streams_of(recorder.select_notifications(None, 10)) == [1]
        assert recorder.select_events(UUID(int=1)) == [notification(first, 1)]

    def test_a_conflict_undoes_the_whole_transaction(self, database: Database, recorder: FactRecorder) -> None:
        """What the caller wrote before the append goes with it."""
        recorder.insert_events([stored(1)])

        def work(connection: Connection) -> None:
            save_position("view", 9)(connection)
            recorder.append(connection, rows(stored(1)))

        with pytest.raises(IntegrityError):
            database.write(work)
        with database.reading() as connection:
            assert position_of(connection, "view") == 0

    def test_a_conflict_names_no_content(self, recorder: FactRecorder) -> None:
        """The error's text holds nothing of the state."""
        recorder.insert_events([stored(1)])

        with pytest.raises(IntegrityError) as caught:
            recorder.insert_events([stored(1, state=b"something personal")])
        assert "personal" not in str(caught.value)

    def test_after_a_conflict_appending_goes_on(self, recorder: FactRecorder) -> None:
        """The next fact comes after all committed ones, gap or not."""
        recorder.insert_events([stored(1)])
        with pytest.raises(IntegrityError):
            recorder.insert_events([stored(1)])

        (position,) = recorder.insert_events([stored(2)])
        assert position > 1

    def test_after_a_rollback_appending_goes_on(self, database: Database, recorder: FactRecorder) -> None:
        """A fact of a transaction that was rolled back is never seen."""
        recorder.insert_events([stored(1)])

        def work(connection: Connection) -> None:
            recorder.append(connection, rows(stored(2)))
            raise LookupError

        with pytest.raises(LookupError):
            database.write(work)
        recorder.insert_events([stored(3)])
        assert streams_of(recorder.select_notifications(None, 10)) == [1, 3]

    # reading a stream

    @pytest.mark.parametrize(
        ("limits", "versions"),
        [
            ({}, [1, 2, 3, 4, 5]),
            ({"gt": 2}, [3, 4, 5]),
            ({"gt": 0}, [1, 2, 3, 4, 5]),
            ({"lte": 2}, [1, 2]),
            ({"lte": 0}, []),
            ({"gt": 1, "lte": 4}, [2, 3, 4]),
            ({"desc": True}, [5, 4, 3, 2, 1]),
            ({"limit": 2}, [1, 2]),
            ({"limit": 0}, []),
            ({"desc": True, "limit": 1}, [5]),
            ({"desc": True, "lte": 3, "limit": 2}, [3, 2]),
        ],
    )
    def test_a_stream_is_read_in_parts(
        self, recorder: FactRecorder, limits: dict[str, Any], versions: list[int]
    ) -> None:
        """`gt`, `lte`, `desc` and `limit` mean what eventsourcing says; order is by version, not by position."""
        recorder.insert_events([stored(1, version) for version in (3, 1, 5)])
        recorder.insert_events([stored(2, version) for version in (1, 2)])
        recorder.insert_events([stored(1, version) for version in (4, 2)])

        found = recorder.select_events(UUID(int=1), **limits)
        assert [one.originator_version for one in found] == versions
        assert {one.originator_id for one in found} <= {UUID(int=1)}

    def test_an_unknown_stream_is_empty(self, recorder: FactRecorder) -> None:
        """A stream without facts is no error."""
        assert recorder.select_events(UUID(int=9)) == []

    # reading the log

    @pytest.mark.parametrize(
        ("limits", "positions"),
        [
            ({"start": None, "limit": 10}, [1, 2, 3, 4, 5]),
            ({"start": 0, "limit": 10}, [1, 2, 3, 4, 5]),
            ({"start": 1, "limit": 2}, [1, 2]),
            ({"start": 3, "limit": 10}, [3, 4, 5]),
            ({"start": 3, "limit": 10, "inclusive_of_start": False}, [4, 5]),
            ({"start": None, "limit": 10, "inclusive_of_start": False}, [1, 2, 3, 4, 5]),
            ({"start": 2, "limit": 10, "stop": 4}, [2, 3, 4]),
            ({"start": 2, "limit": 2, "stop": 4}, [2, 3]),
            ({"start": 1, "limit": 10, "topics": ["even"]}, [2, 4]),
            ({"start": 1, "limit": 10, "topics": ["even", "odd"]}, [1, 2, 3, 4, 5]),
            ({"start": 1, "limit": 2, "topics": ["odd"]}, [1, 3]),
            ({"start": 1, "limit": 10, "topics": ["none"]}, []),
            ({"start": 6, "limit": 10}, []),
        ],
    )
    def test_the_log_is_read_in_parts(
        self, recorder: FactRecorder, limits: dict[str, Any], positions: list[int]
    ) -> None:
        """`start`, `stop`, `topics`, `limit` and `inclusive_of_start` mean what eventsourcing says."""
        recorder.insert_events([stored(at, topic="even" if at % 2 == 0 else "odd") for at in range(1, 6)])

        assert [one.id for one in recorder.select_notifications(**limits)] == positions

    def test_the_newest_position(self, recorder: FactRecorder) -> None:
        """None in an empty log, then the position of the newest fact."""
        assert recorder.max_notification_id() is None
        recorder.insert_events([stored(1), stored(2)])
        assert recorder.max_notification_id() == 2

    def test_gaps_are_harmless(self, store: Store) -> None:
        """Positions may have gaps: reading goes over them, and appending continues after the newest."""
        store.append(cancelled(1))
        store.database.write(lambda connection: leave_a_gap(connection, 1000))
        store.append(cancelled(3))

        assert [one.id for one in store.log.facts.select_notifications(2, 10)] == [1000, 1001]
        assert [entry.position for entry in store.scanned(page=1)] == [1, 1000, 1001]

    def test_nobody_can_subscribe(self, recorder: FactRecorder) -> None:
        """Subscribing is refused with the way that there is."""
        with pytest.raises(NoSubscription, match=r"followed by position"):
            recorder.subscribe()

    # many writers

    def test_many_threads_lose_nothing(self, recorder: FactRecorder) -> None:
        """Facts of many writers are all there, and each writer's in its order."""
        with ThreadPoolExecutor(WRITERS) as threads:
            list(threads.map(lambda writer: write_batches(recorder, writer), range(WRITERS)))

        found = streams_of(recorder.select_notifications(None, 10_000))
        for writer in range(WRITERS):
            own = [stream for stream in found if stream // 1000 == writer]
            assert own == [stream_of(writer, at) for at in range(FACTS_EACH)]
        assert len(found) == WRITERS * FACTS_EACH

    def test_positions_are_in_the_order_of_commits(self, recorder: FactRecorder) -> None:
        """Whatever is appended after something was committed has a later position."""
        newest, lock = [0], threading.Lock()

        def write(writer: int) -> list[tuple[int, int]]:
            pairs = []
            for at in range(FACTS_EACH // BATCH):
                with lock:
                    committed = newest[0]
                (position,) = recorder.insert_events([stored(stream_of(writer, at))])
                with lock:
                    newest[0] = max(newest[0], position)
                pairs.append((committed, position))
            return pairs

        with ThreadPoolExecutor(WRITERS) as threads:
            results = [pair for pairs in threads.map(write, range(WRITERS)) for pair in pairs]

        assert all(committed < position for committed, position in results)
        assert len({position for _, position in results}) == len(results)

    def test_a_tailing_reader_misses_nothing(self, recorder: FactRecorder) -> None:
        """Who reads on from the last position that it saw, while many write, sees every fact once, in order."""
        with tailing(recorder) as seen, ThreadPoolExecutor(WRITERS) as threads:
            list(threads.map(lambda writer: write_batches(recorder, writer), range(WRITERS)))

        assert seen == [one.id for one in recorder.select_notifications(None, 10_000)]
        assert len(seen) == WRITERS * FACTS_EACH

    def test_two_processes_write_into_one_log(self, url: str, store: Store) -> None:
        """Two processes append at once: nothing fails, nothing is lost, a tailing reader misses nothing."""
        together = multiprocessing.get_context("spawn").Barrier(2)
        with tailing(store.log.facts) as seen, second_process(append_each, url, 1000, 150, together):
            append_each(url, 2000, 150, together)

        found = store.log.facts.select_notifications(None, 10_000)
        assert [one.id for one in found] == seen
        assert [stream for stream in streams_of(found) if stream < 2000] == list(range(1000, 1150))
        assert [stream for stream in streams_of(found) if stream >= 2000] == list(range(2000, 2150))


def stream_of(writer: int, at: int) -> int:
    """The at-th stream of a writer."""
    return writer * 1000 + at


def write_batches(recorder: FactRecorder, writer: int) -> None:
    """One writer's facts, a few at once."""
    for start in range(0, FACTS_EACH, BATCH):
        recorder.insert_events([stored(stream_of(writer, at)) for at in range(start, start + BATCH)])


@contextmanager
def tailing(recorder: FactRecorder) -> Iterator[list[int]]:
    """The positions that a reader sees who always reads on from the last one, until the block has ended."""
    seen: list[int] = []
    ended = threading.Event()

    def read() -> None:
        last_look = False
        while not last_look:
            last_look = ended.is_set()
            while found := recorder.select_notifications(seen[-1] if seen else None, 7, inclusive_of_start=False):
                seen.extend(one.id for one in found)

    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(read)
        try:
            yield seen
        finally:
            ended.set()
        reading.result(PATIENCE)


def leave_a_gap(connection: Connection, position: int) -> None:
    """Put a fact far after the newest, as if all between had been rolled back."""
    entry = cancelled(2)
    row = (position, entry.originator_id, 1, entry.fact.TOPIC, encode(entry.fact))
    connection.execute(log.insert().values([*row, CODES.code(*row)]))


class TestSqlite(RecorderContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return url_in(tmp_path)


class TestPostgresql(RecorderContract):
    @pytest.fixture
    def url(self, server: URL) -> Iterator[str]:
        with postgres.fresh(server) as at:
            yield at.render_as_string(hide_password=False)
