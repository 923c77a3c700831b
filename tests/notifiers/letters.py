"""What the email tests send, and from where."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from notifiers.email.config import Limits, Security, SmtpOptions
from notifiers.email.notifier import EmailNotifier
from notifiers.port.interface import Message

AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
PATIENCE = 20.0
NUDGE = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")


def config(port: int, /, **options: object) -> SmtpOptions:
    """Options for a server on this port of loopback."""
    settings = {"host": "127.0.0.1", "port": port, "sender": "habarshy@gov.test", "security": Security.NONE}
    return SmtpOptions.model_validate(settings | options)


def patient(**limits: float) -> Limits:
    """As much patience for each step, except for those given."""
    return Limits(**dict.fromkeys(("connect", "envelope", "final", "begin"), PATIENCE) | limits)


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
async def email_to(
    port: int, /, *, limits: Mapping[str, float] | None = None, **options: object
) -> AsyncIterator[EmailNotifier]:
    """A notifier for the server on this port, closed at the end. Its clock stands still."""
    notifier = EmailNotifier(config(port, **options), lambda: AT, patient(**limits or {}))
    try:
        yield notifier
    finally:
        await notifier.aclose()
