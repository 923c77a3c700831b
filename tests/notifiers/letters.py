"""What the email tests send, and from where."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from notifiers.email import EmailNotifier
from notifiers.email_config import EmailConfig, Limits, Security
from notifiers.port import Message

AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
NUDGE = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")


def config(port: int, /, **options: object) -> EmailConfig:
    """Settings for a server on this port of loopback, patient except for the `limits` given."""
    settings: dict[str, Any] = {"sender": "habarshy@gov.test", "security": Security.NONE, "limits": {}, **options}
    patient = {"connect": 5.0, "envelope": 5.0, "final": 5.0, "begin": 5.0}
    return EmailConfig("127.0.0.1", port, **settings | {"limits": Limits(**patient | settings["limits"])})


def letter(address: str = "aigerim@mail.test", /, **parts: object) -> Message:
    """A message for this address, with other parts where they matter."""
    settings: dict[str, Any] = {
        "nudge": NUDGE,
        "attempt": 1,
        "channel": "email",
        "recipient": f"pseudonym of {address}",
        "address": address,
        "language": "en",
        "title": "Identity card",
        "text": "It expires soon.",
        **parts,
    }
    return Message(**settings)


@asynccontextmanager
async def email_to(port: int, /, **settings: object) -> AsyncIterator[EmailNotifier]:
    """A notifier for the server on this port, closed at the end; its clock stands still."""
    notifier = EmailNotifier(config(port, **settings), lambda: AT)
    try:
        yield notifier
    finally:
        await notifier.aclose()
