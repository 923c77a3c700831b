from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import IntegrityError
from msgspec.structs import replace
from sqlalchemy import event

from app.identity.log_codes import codes_by
from domain.core.events import LifeEvent
from domain.facts.facts import Fact, NudgeAttempted, NudgeCancelled, NudgeExpired
from projections.bulk import CHUNK
from streams.log.log import Log, rows_of_streams
from streams.log.mapper import Entry
from streams.log.person_keys import PersonKeys
from streams.storage.tables import log
from tests.streams.storing import (
    AIDA,
    BOLAT,
    DANA,
    KEYRING,
    NOW,
    Store,
    cancelled,
    counted,
    life,
    only_sqlite,
    planned,
    url_in,
)


def positions(entries: list[Entry]) -> list[int]:
    """Where the entries are."""
    return [entry.position for entry in entries]


def at(position: int, entry: Entry) -> Entry:
    """The entry as it is read from that position."""
    return replace(entry, position=position)


def test_append_gives_the_position_before_the_first(store: Store) -> None:
    """The caller knows where its facts are: right after the position that it is given."""
    assert store.append(cancelled(1), cancelled(2)) == 0
    assert store.append(cancelled(3)) == 2
    assert store.scanned() == [at(1, cancelled(1)), at(2, cancelled(2)), at(3, cancelled(3))]


def test_appending_nothing_changes_nothing(store: Store) -> None:
    """No entries, no facts."""
    store.append(cancelled(1))

    assert store.append() == 1
    assert counted(store.database, log) == 1


def test_who_comes_second_gets_a_conflict(store: Store) -> None:
    """Two facts cannot have one version of one stream; of the second batch nothing is there."""
    store.append(cancelled(1))

    with pytest.raises(IntegrityError):
        store.append(cancelled(2), cancelled(1), cancelled(3))
    assert positions(store.scanned()) == [1]


def test_entries_are_read_by_position(store: Store) -> None:
    """In the order of the log, each once, whatever the order asked for; positions without a fact are left out."""
    store.append(*(cancelled(stream) for stream in range(1, 6)))

    assert store.read(4, 2, 4, 99, 0) == [at(2, cancelled(2)), at(4, cancelled(4))]
    assert store.read() == []


def test_entries_are_read_by_stream(store: Store) -> None:
    """All facts of the streams asked for, in the order of the log."""
    store.append(cancelled(9), cancelled(5), cancelled(7), cancelled(5, 2), cancelled(9, 2))

    with store.database.reading() as connection:
        found = store.log.streams(connection, [UUID(int=9), UUID(int=5), UUID(int=9), UUID(int=404)])
        assert positions(found) == [1, 2, 4, 5]
        assert found[1] == at(2, cancelled(5))
        assert store.log.streams(connection, []) == []


def test_more_than_a_statement_takes_is_read_in_order(store: Store) -> None:
    """Positions and streams in any number are read, still in the order of the log."""
    many = CHUNK + 1
    store.append(*(cancelled(many - at) for at in range(many)))

    assert positions(store.read(*range(many, 0, -1))) == list(range(1, many + 1))
    with store.database.reading() as connection:
        found = store.log.streams(connection, [UUID(int=stream) for stream in range(1, many + 1)])
    assert positions(found) == list(range(1, many + 1))


@pytest.mark.parametrize("page", [1, 2, 3, 5, 6, 100])
def test_the_log_is_scanned_in_pages(store: Store, page: int) -> None:
    """Every fact once, in order, in pages that are full but for the last, and no empty page."""
    store.append(*(cancelled(stream) for stream in range(1, 6)))

    pages = list(store.log.scan(page=page))
    assert [position for each in pages for position in positions(each)] == [1, 2, 3, 4, 5]
    assert all(len(each) == page for each in pages[:-1])
    assert all(pages)


def test_an_empty_log_has_no_pages(store: Store) -> None:
    """Scanning nothing gives nothing."""
    assert list(store.log.scan()) == []


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"after": 2}, [3, 4, 5, 6]),
        ({"upto": 2}, [1, 2]),
        ({"after": 1, "upto": 4, "page": 2}, [2, 3, 4]),
        ({"after": 6}, []),
        ({"topics": [NudgeExpired.TOPIC]}, [2, 5]),
        ({"topics": [NudgeExpired.TOPIC, NudgeCancelled.TOPIC], "page": 1}, [1, 2, 3, 4, 5, 6]),
        ({"topics": [NudgeExpired.TOPIC], "after": 2, "page": 1}, [5]),
        ({"topics": ["none/1"]}, []),
    ],
)
def test_a_part_of_the_log_is_scanned(store: Store, limits: dict[str, int | list[str]], expected: list[int]) -> None:
    """After a position, up to one, or some topics only."""
    kinds = (NudgeCancelled(NOW), NudgeExpired(NOW, AIDA), NudgeCancelled(NOW))
    store.append(*(Entry(UUID(int=stream), 1, kinds[(stream - 1) % 3]) for stream in range(1, 7)))

    assert positions(store.scanned(**limits)) == expected


def test_a_scan_sees_what_came_meanwhile(store: Store) -> None:
    """Facts appended behind the page being read are in a later page of the same scan."""
    store.append(cancelled(1), cancelled(2))
    scan = store.log.scan(page=2)

    assert positions(next(scan)) == [1, 2]
    store.append(cancelled(3))
    assert positions(next(scan)) == [3]
    assert next(scan, None) is None


@only_sqlite
def test_a_scan_at_rest_holds_nothing(store: Store) -> None:
    """Between two pages no transaction is open, so a slow reader keeps nobody from tidying up."""
    store.append(cancelled(1), cancelled(2))
    scan = store.log.scan(page=1)
    next(scan)

    with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    assert busy == 0


def test_a_life_event_says_when_it_was_recorded(store: Store) -> None:
    """Life events carry the time of recording beside the event; other facts say it themselves."""
    event = life()
    store.take(event)
    store.append(cancelled(2))

    assert store.scanned() == [Entry(event.stream, 1, event, 1, NOW), at(2, cancelled(2))]


def test_a_page_may_mix_all_kinds_of_facts(store: Store) -> None:
    """Each row is read as its topic says, next to whatever it stands."""
    first, second = life("1"), life("2", persons={"child": (BOLAT,)}, fields={"child": {"given_name": "Болат"}})
    store.append(Entry(UUID(int=1), 1, planned()))
    store.take(first)
    store.append(cancelled(1, 2))
    store.take(second)

    given: list[Fact] = [planned(), first, NudgeCancelled(NOW), second]
    assert [entry.fact for entry in store.scanned()] == given


def test_another_process_reads_the_same(store: Store) -> None:
    """What one process stored, another reads with the keys from the database."""
    event = life()
    store.take(event)

    other = Log(store.database, PersonKeys(KEYRING), lambda: NOW, codes_by(KEYRING))
    assert [entry.fact for page in other.scan() for entry in page] == [event]


def test_an_erased_persons_part_is_absent_everywhere(store: Store) -> None:
    """After a key is destroyed, every way of reading gives the event without that part, and never an exception."""
    event = life()
    store.take(event)
    store.database.write(lambda connection: store.keys.destroy(connection, DANA))

    left = replace(event, fields={"child": {"given_name": "Айда"}, "public": {"area": "75"}})
    with store.database.reading() as connection:
        by_stream = store.log.streams(connection, [event.stream])
    for (entry,) in (store.scanned(), store.read(1), by_stream):
        assert entry.fact == left


def test_erasing_one_leaves_the_others_readable(store: Store) -> None:
    """Persons named in the same event keep their parts, and counts do not change."""
    store.take(life("1"), life("2", persons={"child": (BOLAT,), "mother": (DANA,)}))
    store.database.write(lambda connection: store.keys.destroy(connection, AIDA))

    first, second = (entry.fact for entry in store.scanned())
    assert isinstance(first, LifeEvent)
    assert isinstance(second, LifeEvent)
    assert set(first.fields) == {"mother", "public"}
    assert set(second.fields) == {"child", "mother", "public"}


def test_a_closed_log_is_there_after_a_restart(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What was committed is read by the next process that opens the file, and its positions go on."""
    folder = tmp_path_factory.mktemp("restart")
    event = life()
    first = Store(url_in(folder))
    first.take(event)
    first.database.close()

    second = Store(url_in(folder))
    assert second.append(cancelled(2)) == 1
    assert second.scanned() == [Entry(event.stream, 1, event, 1, NOW), at(2, cancelled(2))]
    second.database.close()
    assert store.scanned() == [], "and another file knows nothing of it"


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_few_streams_are_not_looked_for_among_all_attempts(store: Store) -> None:
    """Streams are found by their index, also while the statistics of PostgreSQL know of no attempt yet."""
    store.append(*map(cancelled, range(3000)))
    with store.database.altering() as connection:
        connection.exec_driver_sql("ANALYZE")
    store.append(*(Entry(UUID(int=each), 2, ATTEMPTED) for each in range(3000)))
    with store.database.reading() as connection:
        event.listen(connection, "before_cursor_execute", _explain, retval=True)
        plan = str(
            connection.execute(rows_of_streams([UUID(int=each) for each in range(100)], [ATTEMPTED.TOPIC])).all()
        )
    assert "log_originator_id_originator_version_key" in plan
    assert "log_of_attempts" not in plan


ATTEMPTED = NudgeAttempted(NOW, AIDA, 1, "sms", "sms", NOW)


def _explain(*given: Any) -> tuple[str, Any]:
    _, _, statement, parameters, *_ = given
    return f"EXPLAIN {statement}", parameters
