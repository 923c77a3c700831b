"""The time of a campaign, in a file: processes that live while it moves see it move."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

_EPOCH, _MICROSECOND = datetime.fromtimestamp(0, UTC), timedelta(microseconds=1)
_SIZE = 8


class SharedClock:
    """A clock that is moved by hand, and never back; whoever opens the file reads the same moment."""

    def __init__(self, file: Path, start: datetime | None = None) -> None:
        self._file = os.open(file, os.O_RDWR | os.O_CREAT)
        if start is not None:
            self._show(start)

    def __call__(self) -> datetime:
        """Return the moment it shows."""
        return _EPOCH + int.from_bytes(os.pread(self._file, _SIZE, 0)) * _MICROSECOND

    def advance_to(self, moment: datetime) -> None:
        """Move the clock to that moment, unless it is later already."""
        self._show(max(self(), moment))

    def _show(self, moment: datetime) -> None:
        os.pwrite(self._file, ((moment - _EPOCH) // _MICROSECOND).to_bytes(_SIZE), 0)
