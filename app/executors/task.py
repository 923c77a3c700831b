"""A task for another process: what was asked, and how the process opens the platform to do it."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from app.clock import fixed
from app.executors.kept import kept_open
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.compose import Platform

T = TypeVar("T")
P = TypeVar("P")
Making = Callable[["Platform", Any], Callable[[P], T]]
"""Makes what does the parts of a task, of the process's platform and of what was asked."""


def task_of(platform: "Platform", now: datetime, asked: object = None) -> bytes:
    """Return all that another process needs to do parts of what was asked, at the time `now`.

    A worker of a cluster has settings of its own, so that no key and no address leaves this machine.
    """
    return pickle.dumps((None if platform.settings.cluster else platform.settings, now, asked))


def read_task(task: bytes) -> tuple[Settings, datetime, Any]:
    """Return the settings by which this process does the task, its time, and what was asked."""
    settings, now, asked = pickle.loads(task)  # noqa: S301  (made by who asked, who may run anything here)
    return settings or load_settings(), now, asked


def run_part(make: Making[P, T], task: bytes, part: P) -> T:
    """Do a part in this process, with a platform of its own; `make`: a function of a module."""
    with kept_open(_opening(make), task) as do:
        found: T = do(part)
        return found


@cache
def _opening(make: Making[P, T]) -> Callable[[bytes], AbstractContextManager[Callable[[P], T]]]:
    @contextmanager
    def opening(task: bytes) -> Iterator[Callable[[P], T]]:
        from app.compose import compose  # noqa: PLC0415  (imports that a part of a rebuild does not need)

        settings, now, asked = read_task(task)
        platform = compose(settings, fixed(now), make=False)
        with closing(platform.database):
            yield make(platform, asked)

    return opening
