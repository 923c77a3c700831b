"""Other processes that do parts of a rebuild: as many as there are processors, each with a database of its own.

They end with the process that has them, however that ends: what they hear it by breaks off.
"""

import os
import signal
from collections.abc import Sequence
from contextlib import closing, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection

from app.clock import system_clock
from app.compose import Platform, compose
from app.settings import Settings
from app.tuning import calm_collector
from streams import shadow
from streams.rebuild_parts import Alone, Crew, Member, Part, Parts
from streams.residing import Residing

FEW = 100_000
"""Up to so many facts in the log, other processes are not worth their start."""


def crew_for(platform: Platform) -> Crew:
    """Who does parts beside this process."""
    few = (platform.log.facts.max_notification_id() or 0) <= FEW
    return Alone() if few else Processes(platform.settings, (os.cpu_count() or 1) - 1)


class Processes:
    """So many processes, started when they are first asked for."""

    def __init__(self, settings: Settings, many: int) -> None:
        self._settings, self._many = settings, many
        self._members: list[_Process] | None = None

    def ready(self) -> Sequence[Member]:
        """Those who have started, and live."""
        if self._members is None:
            self._members = [_Process(self._settings) for _ in range(self._many)]
        return [each for each in self._members if each.ready]

    def leave(self) -> None:
        """End them."""
        for each in self._members or []:
            each.end()
        self._members = []


class _Process:
    """One of them, at the other end of a pipe. It says that it is ready: at first, and after each part."""

    def __init__(self, settings: Settings) -> None:
        start = get_context("spawn")
        self._pipe, theirs = start.Pipe()
        self._process = start.Process(target=_serve, args=(theirs, settings), daemon=True)
        self._process.start()
        theirs.close()
        self._waits = self._gone = False

    @property
    def ready(self) -> bool:
        if not self._waits and not self._gone and self._pipe.poll():
            self.ended()
        return self._waits

    def begin(self, shadow: str, part: Part) -> None:
        self._waits = False
        with suppress(OSError):  # it died: `ended` sees it too
            self._pipe.send((shadow, part))

    def ended(self) -> None:
        try:
            self._pipe.recv()
        except (EOFError, OSError):
            self._gone = True
        self._waits = not self._gone

    def end(self) -> None:
        self._pipe.close()
        self._process.join()


def _serve(pipe: Connection, settings: Settings) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it pauses the job, which waits for this part
    calm_collector()
    platform = compose(settings, system_clock, make=False)
    catalogue = platform.library.rules().catalogue
    parts = Parts(platform.log, Residing(catalogue, platform.names))
    with closing(platform.database), suppress(EOFError, BrokenPipeError):
        pipe.send(None)
        while True:
            name, part = pipe.recv()
            _do(platform, parts, name, part)
            pipe.send(None)


def _do(platform: Platform, parts: Parts, name: str, part: Part) -> None:
    """What fails here is done by the process that asked: it meets the same trouble, and says so."""
    with suppress(Exception):
        if (views := shadow.opened(platform.database, name)) is not None:
            with closing(views):
                parts.do(views, name, part)
