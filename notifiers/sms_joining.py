"""The parts of longer messages that people send: kept until the others are there, never more than a few."""

from dataclasses import dataclass, field
from typing import Final

_MOST: Final = 1000  # messages under way
_MISSING: Final = "…"

Key = tuple[str, str, int, int]
"""Sender, receiver, reference and number of parts: what the parts of one message have in common."""


@dataclass(slots=True)
class Pieces:
    """What has come of one message: number -> words, and the digests of all that came; when first, when last."""

    total: int
    since: float
    seen: float
    words: dict[int, str] = field(default_factory=dict)
    digests: set[bytes] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        """Whether all parts are there."""
        return len(self.words) == self.total

    @property
    def text(self) -> str:
        """The parts that are there, put together."""
        return "".join(self.words.get(number, _MISSING) for number in range(1, self.total + 1))


class Joining:
    """Puts messages together. A part that comes again replaces itself."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._pieces: dict[Key, Pieces] = {}

    def abandoned(self, key: Key, number: int, words: str, digest: bytes, now: float) -> str | None:
        """What is there of another message, if this part is of a new one: references of one byte come again.

        So it is if nothing has come for as long as we are patient, or if this part is there in other words.
        """
        pieces = self._pieces.get(key)
        if pieces is None or digest in pieces.digests:
            return None
        new = now >= pieces.seen + self._patience or pieces.words.get(number, words) != words
        return pieces.text if new else None

    def add(self, key: Key, number: int, words: str, digest: bytes, now: float) -> str | None:
        """The message's text if it is complete, or if it is older than we are patient.

        The pieces are kept until `forget`: the text may have to be kept anew. The oldest go when there are too many.
        """
        if key not in self._pieces and len(self._pieces) >= _MOST:
            del self._pieces[next(iter(self._pieces))]
        pieces = self._pieces.setdefault(key, Pieces(key[-1], now, now))
        pieces.seen = now
        pieces.words[number] = words
        pieces.digests.add(digest)
        ready = pieces.complete or now >= pieces.since + self._patience
        return pieces.text if ready else None

    def forget(self, key: Key) -> set[bytes]:
        """The text is kept: these are the digests of its parts."""
        return self._pieces.pop(key).digests
