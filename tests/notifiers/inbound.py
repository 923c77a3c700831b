"""Where what comes back goes, in tests."""

from collections.abc import Sequence

from notifiers.port.interface import Accepted, Incoming, Piece, Report


class Kept:
    """A platform that keeps what comes in; while it is `closed`, it raises OSError as one whose database is away."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.messages: list[Incoming] = []
        self.closed = False

    async def reported(self, reports: Sequence[Report]) -> None:
        """Keep them all, or none."""
        if self.closed:
            raise ConnectionRefusedError
        self.reports += reports

    async def accepted(self, name: str, taken: Accepted, *, reports: bool) -> None:
        """Nothing is late here."""

    async def received(self, message: Incoming) -> None:
        """Keep it."""
        if self.closed:
            raise ConnectionRefusedError
        self.messages.append(message)

    async def received_piece(self, piece: Piece) -> None:
        """Nobody writes at length here."""
