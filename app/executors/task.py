"""A task for another process: what was asked, and how the process opens the platform to do it."""

import pickle
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.clock import fixed
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.compose import Platform


def task_of(platform: "Platform", now: datetime, asked: object = None) -> bytes:
    """Return all that another process needs to do parts of what was asked, at the time `now`.

    A worker of a cluster has settings of its own, so that no key and no address leaves this machine.
    """
    return pickle.dumps((None if platform.settings.cluster else platform.settings, now, asked))


def read(task: bytes) -> tuple[Settings, datetime, Any]:
    """Return the settings by which this process does the task, its time, and what was asked."""
    settings, now, asked = pickle.loads(task)  # noqa: S301  (made by who asked, who may run anything here)
    return settings or load_settings(), now, asked


@contextmanager
def opened(task: bytes) -> Iterator[tuple["Platform", Any]]:
    """Yield a platform of this process's own, and what was asked."""
    from app.compose import compose  # noqa: PLC0415  (imports that a part of a rebuild does not need)

    settings, now, asked = read(task)
    platform = compose(settings, fixed(now), make=False)
    with closing(platform.database):
        yield platform, asked
