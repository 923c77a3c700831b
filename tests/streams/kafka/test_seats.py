"""The seats by which Kafka knows workers over their restarts."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from streams.kafka.seats import Seat, SeatTaken
from streams.storage.database import Database
from tests.services import postgres


@pytest.fixture
def processes(server: URL) -> Iterator[list[Database]]:
    """The databases of three processes on it."""
    with postgres.empty(server) as at:
        made = [Database(at.render_as_string(hide_password=False)) for _ in range(3)]
        yield made
        for each in made:
            each.close()


def cut_off(by: Database) -> None:
    """End the sessions of all others, as a restart of the server does."""
    others = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
    )
    with by.engine.connect() as connection:
        connection.execute(text(f"{others} current_database()"))


def test_who_starts_takes_the_lowest_free_seat(processes: list[Database]) -> None:
    """The seat of a process that ended is the next one's, and each role has seats of its own."""
    with ExitStack() as seats:
        first, second = (Seat(each, "worker") for each in processes[:2])
        other = seats.enter_context(closing(Seat(processes[2], "intake")))
        seats.enter_context(closing(second))
        assert (first.name, second.name, other.name) == ("worker-0", "worker-1", "intake-0")
        first.close()
        assert seats.enter_context(closing(Seat(processes[2], "worker"))).name == "worker-0"


def test_a_seat_that_was_lost_with_the_connection_is_taken_again(processes: list[Database]) -> None:
    """After a restart of the server a worker has its seat again, unless another took it: then it ends."""
    with closing(Seat(processes[0], "worker")) as seat:
        cut_off(processes[1])
        seat.keep()
        with closing(Seat(processes[1], "worker")) as other:
            assert other.name == "worker-1"
        cut_off(processes[1])
        with closing(Seat(processes[2], "worker")) as taken:
            assert taken.name == "worker-0"
            with pytest.raises(SeatTaken, match="took seat 0"):
                seat.keep()
