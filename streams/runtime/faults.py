"""Failures of the parts of a process: each is reported once, stops no other part, and the part is tried again."""

import logging

from streams.log.damaged import DamagedFact
from streams.log.watermark import OlderLog
from streams.storage.errors import UNAVAILABLE_ERRORS, permanent_error, summary

log = logging.getLogger("habarshy")


class Faults:
    """Remembers the latest reported failure of each part."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def report(self, part: str, error: Exception) -> Exception | None:
        """Report a failure, unless it was reported last time; return the error to end with, or None to try again."""
        if isinstance(error, OlderLog):
            return error
        away = isinstance(error, UNAVAILABLE_ERRORS)
        if away and (refused := permanent_error(error)) is not None:
            return refused
        # Of other errors only the class: their text or traceback may hold personal data.
        words = summary(error) if away or isinstance(error, DamagedFact) else type(error).__name__
        if self._told.get(part) != words:
            self._told[part] = words
            log.log(
                logging.WARNING if away else logging.ERROR, "%s failed: %s; trying again", part, words.rstrip(".")
            )
        return None

    def report_recovered(self, part: str) -> None:
        """Report that the part works again, if it had failed."""
        if self._told.pop(part, None) is not None:
            log.warning("%s goes on", part)
