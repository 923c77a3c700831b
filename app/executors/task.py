"""A task for another process: what was asked, and how the process opens the platform to do it."""

import pickle
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from msgspec import Struct

from app.clock import fixed
from app.compose import Platform, compose
from app.settings import Settings, load_settings


class Task(Struct, frozen=True):
    """Everything that another process needs to do parts of what was asked, at the time `now`.

    `settings`: None where it has settings of its own, so that no key and no address leaves this machine.
    """

    settings: Settings | None
    now: datetime
    asked: Any = None


def task_of(platform: Platform, now: datetime, asked: object = None) -> bytes:
    """Return the task as it goes to another process."""
    return pickle.dumps(Task(None if platform.settings.cluster else platform.settings, now, asked))


@contextmanager
def opened(task: bytes) -> Iterator[tuple[Platform, Any]]:
    """Yield a platform of this process's own, and what was asked."""
    given: Task = pickle.loads(task)  # noqa: S301  (made by who asked, who may run anything here)
    platform = compose(given.settings or load_settings(), fixed(given.now), make=False)
    with closing(platform.database):
        yield platform, given.asked
