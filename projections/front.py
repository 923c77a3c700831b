"""Where one process's next claim of due deliveries begins."""

LOOK = 20


class Front:
    """The due time from which on a process claims, so that it need not step over all that was taken before it.

    On PostgreSQL rows that are gone lie at the front of the table until they are vacuumed. What comes in behind the
    front is found at the latest by every LOOK-th claim, and by each that found less than it might have.
    """

    def __init__(self) -> None:
        self.at: int | None = None
        self._claims = 0

    def move(self, first: int | None, *, full: bool) -> None:
        """A claim found this as the first due time, and as many deliveries as it wanted, or not."""
        self._claims = (self._claims + 1) % LOOK if full else 0
        self.at = first if self._claims else None
