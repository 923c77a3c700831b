from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import Connection

from app.clock import VirtualClock
from streams.log.person_keys import PersonKeys
from streams.queues.dead_letters import (
    DeadLetterQueue,
    DeadLetters,
    Letter,
    LetterFilter,
    LetterKind,
    Retried,
    StillDead,
)
from streams.storage.tables import dead_letters
from tests.streams.storing import AIDA, BOLAT, DANA, KEYRING, NAMES, NOW, Store, life

SECRET = "Айгерім 900101300017".encode()
RECORD = Letter("record", "events/3/14", "not_json", SECRET)
OTHER = Letter("record", "events/3/15", "no_time", SECRET)


class Handler:
    """Handles letters, or does what it is told instead."""

    def __init__(self) -> None:
        self.handled: list[bytes] = []
        self.instead: Callable[[], None] = lambda: None

    def __call__(self, content: bytes) -> None:
        self.instead()
        self.handled.append(content)


@pytest.fixture
def handler() -> Handler:
    """Who handles records."""
    return Handler()


@pytest.fixture
def letters(store: Store, handler: Handler) -> DeadLetters:
    """The letters of a new database."""
    kinds = {"record": LetterKind(handler, lambda content: f"{len(content)} bytes")}
    return DeadLetters(store.database, queue_of(store), kinds)


def queue_of(store: Store) -> DeadLetterQueue:
    """The queue that takes the letters in."""
    return DeadLetterQueue(store.keys, NAMES, VirtualClock(NOW))


def put(store: Store, *letters: Letter) -> None:
    """Keep the letters."""
    for letter in letters:
        store.database.write(partial(queue_of(store).put, letter=letter))


def stop() -> None:
    """A handler that says why not."""
    raise StillDead("no_type")


def fail() -> None:
    """A handler with a defect, whose words hold data."""
    raise ValueError(SECRET.decode())


def test_letters_are_grouped_by_cause(store: Store, letters: DeadLetters) -> None:
    """What failed for one reason is one group, the largest first; the same letter again is no second one."""
    put(store, OTHER, RECORD, Letter("record", "events/3/16", "not_json", b""), RECORD)

    assert [(each.kind, each.cause, each.count) for each in letters.groups()] == [
        ("record", "not_json", 2),
        ("record", "no_time", 1),
    ]
    assert sorted(each.attempts for each in letters.letters(LetterFilter(cause="not_json"))) == [1, 2]


def test_a_letter_is_kept_with_what_it_belongs_to(store: Store, letters: DeadLetters) -> None:
    """A letter whose transaction is rolled back was never written, and the next one can be read all the same."""

    def roll_back(connection: Connection) -> None:
        queue_of(store).put(connection, RECORD)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.database.write(roll_back)
    assert letters.groups() == []
    put(store, OTHER)
    assert [each.told for each in letters.letters(LetterFilter())] == [f"{len(SECRET)} bytes"]


def test_a_letter_goes_only_after_success(store: Store, letters: DeadLetters, handler: Handler) -> None:
    """A letter that fails again stays, with its new cause and one more attempt; what is handled is gone."""
    put(store, RECORD, OTHER)
    handler.instead = stop
    assert letters.retry(LetterFilter(cause="not_json")) == Retried(handled=0, failed=1, unknown=0)
    assert [(each.cause, each.attempts) for each in letters.letters(LetterFilter(cause="no_type"))] == [
        ("no_type", 2)
    ]

    handler.instead = lambda: None
    assert letters.retry(LetterFilter()) == Retried(handled=2, failed=0, unknown=0)
    assert handler.handled == [SECRET, SECRET]
    assert letters.count(LetterFilter()) == 0


def test_a_letter_that_came_again_stays(store: Store, letters: DeadLetters, handler: Handler) -> None:
    """What fails once more while it is retried is not taken for handled."""
    put(store, RECORD)
    handler.instead = lambda: put(store, RECORD)

    letters.retry(LetterFilter())

    assert [each.attempts for each in letters.letters(LetterFilter())] == [2]


def test_a_defect_of_one_letter_stops_no_other(store: Store, letters: DeadLetters, handler: Handler) -> None:
    """Of an unexpected failure only the name is kept: its words may hold data."""
    put(store, RECORD, OTHER)
    handler.instead = fail

    assert letters.retry(LetterFilter()).failed == 2
    assert {each.cause for each in letters.groups()} == {"ValueError"}


def test_nobody_handles_it(store: Store, letters: DeadLetters) -> None:
    """A letter of a kind that nobody handles is counted and kept."""
    put(store, Letter("webhook", "1", "gone", b"x"))

    assert letters.retry(LetterFilter()) == Retried(handled=0, failed=0, unknown=1)
    assert letters.letters(LetterFilter())[0].told == "nobody here handles this kind"


def test_nothing_of_anybody_is_in_clear(store: Store) -> None:
    """No column of a letter holds what its content says."""
    put(store, RECORD)

    with store.database.reading() as connection:
        (row,) = connection.execute(dead_letters.select())
    assert SECRET not in row.sealed
    assert not any(isinstance(value, str) and "900101300017" in value for value in row)


def test_an_erasure_takes_the_letter_along(store: Store, letters: DeadLetters, handler: Handler) -> None:
    """What was about a person nobody can read once they are erased, nor handle."""
    store.take(life())
    put(store, Letter("record", "1", "late", SECRET, AIDA), Letter("record", "2", "late", SECRET, "f" * 32))

    store.database.write(lambda connection: PersonKeys(KEYRING).destroy(connection, AIDA))

    assert sorted(each.told for each in letters.letters(LetterFilter())) == [
        f"{len(SECRET)} bytes",
        "whom it was about was erased",
    ]
    assert letters.retry(LetterFilter()) == Retried(handled=1, failed=1, unknown=0)
    assert len(handler.handled) == 1


def test_another_process_reads_them(store: Store) -> None:
    """Letters outlive the process that put them."""
    put(store, RECORD)
    put(store, OTHER)
    kinds = {"record": LetterKind(Handler(), lambda content: content.decode())}
    later = DeadLetters(store.database, DeadLetterQueue(PersonKeys(KEYRING), NAMES, VirtualClock(NOW)), kinds)

    assert {each.told for each in later.letters(LetterFilter())} == {SECRET.decode()}


def test_letters_about_persons_are_found_and_settled(store: Store, letters: DeadLetters) -> None:
    """Who has a letter of a kind is known, and what is done after all has none any more; other kinds stay."""
    both = [Letter("plan", person, "KeyError", b"", person) for person in (AIDA, BOLAT)]
    put(store, *both, Letter("record", "1", "late", SECRET, AIDA))

    with store.database.reading() as connection:
        assert queue_of(store).about(connection, "plan", [AIDA, DANA]) == {AIDA}
    store.database.write(partial(queue_of(store).settle, kind="plan", persons=[AIDA, DANA]))
    assert {(each.kind, each.count) for each in letters.groups()} == {("plan", 1), ("record", 1)}
