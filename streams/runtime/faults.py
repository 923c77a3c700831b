"""What the parts of a process fail with: each is told once, stops no other part, and the part is tried again."""

import logging

from streams.log.damaged import DamagedFact
from streams.log.watermark import OlderLog
from streams.storage.errors import UNAVAILABLE_ERRORS, permanent_error, summary

log = logging.getLogger("habarshy")


class Faults:
    """Remembers what was told of which part."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def met(self, part: str, error: Exception) -> Exception | None:
        """Tell it, unless the same was told the time before; returns what to end with where no trying heals it."""
        if isinstance(error, OlderLog):
            return error
        away = isinstance(error, UNAVAILABLE_ERRORS)
        if away and (refused := permanent_error(error)) is not None:
            return refused
        words = (
            summary(error) if away or isinstance(error, DamagedFact) else type(error).__name__
        )  # a traceback, or its own words, may hold data
        if self._told.get(part) != words:
            self._told[part] = words
            log.error("%s failed: %s; trying again", part, words)
        return None

    def over(self, part: str) -> None:
        """It has done its work."""
        if self._told.pop(part, None) is not None:
            log.warning("%s goes on", part)
