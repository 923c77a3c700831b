"""The due time at which a process's next claim begins."""

LOOK = 20


class Front:
    """The due time from which on a process claims, so that it need not step over rows claimed before.

    PostgreSQL keeps deleted rows at the front of the table until they are vacuumed. Deliveries that become due before
    the front are found by every LOOK-th claim, and by the claim after one that found fewer than it wanted.

    `found_all`: the last claim began before all of them and found fewer than it wanted: it left nothing that was due.
    """

    def __init__(self) -> None:
        self.at: int | None = None
        self.found_all = False
        self._claims = 0

    def move(self, first: int | None, *, full: bool) -> None:
        """Record the first due time that a claim found; `full`: it found as many deliveries as it wanted."""
        self.found_all = not full and self.at is None
        self._claims = (self._claims + 1) % LOOK if full else 0
        self.at = first if self._claims else None
