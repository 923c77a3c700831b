"""What the SMS tests send, from where, and what was taken in from there."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from notifiers.port.interface import Accepted, Incoming, Message, Notifier, Outcome, Piece, Report
from notifiers.port.kinds import Tools
from notifiers.sms.smpp.config import SmppOptions
from notifiers.sms.smpp.notifier import SmppNotifier

AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
KAZAKH = "Мерзімі аяқталады: жеке куәлігіңізді ауыстырыңыз. "
PATIENT = {"connect": 20.0, "response": 20.0, "begin": 20.0, "enquire": 30.0, "rest": 0.01, "longest_rest": 0.05}


class KeptInbound:
    """Keeps what comes in; as often as `failures` says, it fails first."""

    def __init__(self, failures: Sequence[Exception] = ()) -> None:
        self.reports: list[Report] = []
        self.batches: list[int] = []
        self.messages: list[Incoming] = []
        self.pieces: list[Piece] = []
        self.late: list[tuple[str, Accepted]] = []
        self._failures = list(failures)

    async def reported(self, reports: Sequence[Report]) -> None:
        """Keep these."""
        self._fail()
        self.reports += reports
        self.batches.append(len(reports))

    async def accepted(self, name: str, taken: Accepted, *, reports: bool) -> None:
        """Keep that it was taken over late."""
        self._fail()
        assert reports
        self.late.append((name, taken))

    async def received(self, message: Incoming) -> None:
        """Keep this."""
        self._fail()
        self.messages.append(message)

    async def received_piece(self, piece: Piece) -> None:
        """Keep this."""
        self._fail()
        self.pieces.append(piece)

    def fail(self, failures: Sequence[Exception]) -> None:
        """Fail with these first, from now on."""
        self._failures = list(failures)

    def _fail(self) -> None:
        if self._failures:
            raise self._failures.pop(0)


def number(index: int) -> str:
    """A good telephone number for each index."""
    return f"+770{1 + index // 10_000_000}{index % 10_000_000:07d}"


def sms(address: str = number(2345678), /, **parts: object) -> Message:
    """A message for this number, with other parts where they matter."""
    settings: dict[str, Any] = {
        "nudge": UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff"),
        "attempt": 1,
        "channel": "sms",
        "recipient": f"pseudonym of {address}",
        "address": address,
        "language": "kk",
        "text": "Мерзімі аяқталады.",
        **parts,
    }
    return Message(**settings)


def options(port: int, /, **others: Any) -> SmppOptions:
    """Settings for a centre on this port of loopback, patient except for the `limits` given."""
    limits = PATIENT | others.pop("limits", {})
    settings = {"host": "127.0.0.1", "port": port, "system_id": "habarshy", "password": "secret", "sender": "1414"}
    return SmppOptions.model_validate(settings | others | {"limits": limits})


async def until_taken(notifier: Notifier, message: Message) -> None:
    """Send it until it is accepted: on a busy machine the limits may be too short for a provider that is well."""
    outcome: Outcome | None = None
    while not isinstance(outcome, Accepted):
        (outcome,) = await notifier.send([message])
        await asyncio.sleep(0)  # what is refused at once gives nobody else a turn


@asynccontextmanager
async def sms_to(port: int, /, inbound: KeptInbound | None = None, **others: Any) -> AsyncIterator[SmppNotifier]:
    """A notifier for the centre on this port, closed at the end; its clock stands still."""
    notifier = SmppNotifier(options(port, **others), Tools(lambda: AT, inbound or KeptInbound()))
    try:
        yield notifier
    finally:
        await notifier.aclose()
