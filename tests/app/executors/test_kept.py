"""What a process keeps open from part to part of a run."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.executors.kept import close_kept, kept_open

opened, closed = list[bytes](), list[bytes]()


@contextmanager
def opening(task: bytes) -> Iterator[bytes]:
    """Open something for a task."""
    opened.append(task)
    yield task
    closed.append(task)


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Begin and end with nothing open."""
    close_kept()
    opened.clear()
    closed.clear()
    yield
    close_kept()


def used(task: bytes) -> bytes:
    """Do a part of the task."""
    with kept_open(opening, task) as found:
        return found


def test_parts_of_a_run_share_what_was_opened_until_its_end() -> None:
    """It is opened once for all parts, and closed at the end of the run, or when another run begins."""
    assert [used(b"one"), used(b"one")] == [b"one", b"one"]
    assert (opened, closed) == ([b"one"], [])
    used(b"two")
    assert (opened, closed) == ([b"one", b"two"], [b"one"])
    close_kept()
    assert closed == [b"one", b"two"]
    used(b"two")
    assert opened == [b"one", b"two", b"two"]


def test_what_a_part_uses_is_closed_when_the_part_ends() -> None:
    """The end of one run takes nothing away from a part of another that is under way."""
    with kept_open(opening, b"one"):
        close_kept()
        with kept_open(opening, b"two"):
            assert closed == []
        close_kept()
        assert closed == [b"two"]
    assert closed == [b"two", b"one"]


def test_what_could_not_be_opened_is_opened_anew() -> None:
    """A part that fails to open its platform leaves nothing behind."""

    @contextmanager
    def failing(task: bytes) -> Iterator[bytes]:
        if task:
            raise LookupError
        yield task

    for _ in range(2):
        with pytest.raises(LookupError), kept_open(failing, b"one"):
            pass
    assert used(b"one") == b"one"
