"""Turns: of several processes one at a time does a kind of long work; a turn ends with the process that has it."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from streams.database import Database
from streams.one_active import JOBS, OneActive
from streams.sqlite_file import OWNER_ONLY


class Lane(StrEnum):
    """What gets in each other's way: two jobs of one lane never run at once."""

    VIEWS = "views"
    KAFKA = "kafka"
    NUDGES = "nudges"
    BACKTEST = "backtest"
    AUDIT = "audit"


TRIES, PAUSE_S = 5, 0.02
"""Whoever only looks who has the turn has it for a moment."""


@contextmanager
def turn(database: Database, lane: Lane, tries: int = 1) -> Iterator[bool]:
    """Whether it is ours: if so, nobody else's until the block has ended, or the process."""
    pause = threading.Event()
    for left in range(tries)[::-1]:
        with _tried(database, lane) as ours:
            if ours or not left:
                yield ours
                return
        pause.wait(PAUSE_S)


@contextmanager
def _tried(database: Database, lane: Lane) -> Iterator[bool]:
    if database.sqlite:
        with _locked_file(Path(f"{database.engine.url.database}.{lane}")) as ours:
            yield ours
        return
    active = OneActive(database, JOBS + list(Lane).index(lane))
    try:
        yield active.take() is not None
    finally:
        active.give_up()


@contextmanager
def _locked_file(path: Path) -> Iterator[bool]:
    """A lock that goes with the process; its file goes with the block."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        if not _still_there(path, file.fileno()):  # whoever had it took the file away in the moment of our opening it
            yield False
            return
        try:
            yield True
        finally:
            path.unlink()


def _still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
