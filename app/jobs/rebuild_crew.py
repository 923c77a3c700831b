"""Other processes that do parts of a rebuild: as many as there are processors, each with a database of its own."""

import os
from collections.abc import Sequence

from msgspec.structs import replace

from app.child_process import Beside, Gone
from app.compose import Platform
from app.jobs.rebuild_member import serve
from app.settings import Settings
from domain.rules.event_types import Catalogue
from streams.replay.rebuild_parallel import Crew, Member, NoCrew, Part

FEW = 100_000
"""Up to so many facts in the log, other processes are not worth their start."""


def crew_for(platform: Platform, catalogue: Catalogue) -> Crew:
    """Return the processes that help with parts of a rebuild; none for a small log."""
    few = (platform.log.facts.max_notification_id() or 0) <= FEW
    others = (os.cpu_count() or 1) - 1
    return NoCrew() if few else Processes(platform.settings, catalogue, others)


class Processes:
    """A number of processes, started at the first use.

    They get what the catalogue says of event types: its law cannot be handed over, and no view needs it.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue, many: int) -> None:
        self._settings, self._many = settings, many
        self._catalogue = replace(catalogue, parameters={}, benefits={})
        self._members: list[_Process] | None = None

    def ready(self) -> Sequence[Member]:
        """Return the processes that have started and live."""
        if self._members is None:
            self._members = [_Process(self._settings, self._catalogue) for _ in range(self._many)]
        return [each for each in self._members if each.ready]

    def leave(self) -> None:
        """End them."""
        for each in self._members or []:
            each.end()
        self._members = []


class _Process:
    """A process of the crew. It reports that it is ready: at first, and after each part."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self._beside = Beside(serve, settings, catalogue)
        self._waits = self._gone = False

    @property
    def ready(self) -> bool:
        if not self._waits and not self._gone and self._beside.has_told:
            self.ended()
        return self._waits

    def begin(self, shadow: str, part: Part) -> None:
        self._waits = False
        self._beside.tell((shadow, part))

    def ended(self) -> None:
        try:
            self._beside.hear()
        except Gone:
            self._gone = True
        self._waits = not self._gone

    def end(self) -> None:
        self._beside.end()
