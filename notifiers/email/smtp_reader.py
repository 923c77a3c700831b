"""Splits what a mail server sends into replies (RFC 5321, section 4.2), however it comes in pieces."""

import re
from collections.abc import Iterator

_LINE = re.compile(rb"(\d{3})(?:([ -])([^\n]*)|\r)?\n")
_LONGEST = 2048  # octets of a line: four times what section 4.5.3.1.5 allows
_MOST_LINES = 200


class NoReplyError(Exception):
    """Raised for bytes that are no SMTP reply. Nobody knows what the next bytes answer, so the conversation ends."""

    def __init__(self) -> None:
        super().__init__("The bytes received are no SMTP reply; the conversation ends.")


class Replies:
    """The replies of one conversation; keeps little, whatever the server sends."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self._begun: tuple[int, bytes] | None = None
        self._lines = 0

    @property
    def more(self) -> bool:
        """Return True if bytes came after the reply that was given last."""
        return self._at < len(self._buffer)

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Code and first line of every reply that is complete with this data. Raises NoReplyError."""
        self._buffer, self._at = self._buffer[self._at :] + data, 0
        while line := _LINE.match(self._buffer, self._at):
            self._at, code, words = line.end(), int(line[1]), line[3] or b""
            if line[2] != b"-" and self._begun is None:
                yield code, words
            elif reply := self._added(code, line[2] == b"-", words):
                yield reply
        if len(self._buffer) - self._at > _LONGEST or self._buffer.find(b"\n", self._at) >= 0:
            raise NoReplyError

    def _added(self, code: int, goes_on: bool, words: bytes) -> tuple[int, bytes] | None:  # noqa: FBT001  (of a line)
        begun = self._begun or (code, words)
        self._lines += 1
        if begun[0] != code or self._lines > _MOST_LINES:
            raise NoReplyError
        if goes_on:
            self._begun = begun
            return None
        self._begun, self._lines = None, 0
        return begun
