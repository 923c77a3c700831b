"""A platform for tests: real SQLite, the shipped packs, a clock moved by hand, fakes that keep what they are given."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.clock import VirtualClock
from app.compose import Platform, compose, compose_engine
from app.settings import load_settings
from domain.national_id import with_check_digit
from notifiers.fake import FakeNotifier
from notifiers.port import Message, Outcome
from streams.cloudevents import Envelope, envelope_of
from streams.intake import Outcome as Taken
from streams.keys import Keyring
from streams.scheduler import Engine

KEYRING = Keyring(b"n" * 32, {1: b"w" * 32})
NOON = datetime(2025, 6, 2, 7, tzinfo=UTC)  # 12:00 in Almaty: nobody's quiet hours


def iin(number: int) -> str:
    """A valid national id: the number-th person of these tests."""
    for serial in range(number * 10, number * 10 + 10):
        if (found := with_check_digit(f"900101{3}{serial:04d}")) is not None:
            return found
    raise AssertionError("ten serial numbers in a row have no check digit")


def event(type_: str, subject: str | None, time: str, data: Mapping[str, Any], **more: Any) -> Envelope:  # noqa: ANN401
    """A CloudEvent; its id is made from type, subject and time unless given."""
    attributes = {
        "specversion": "1.0", "id": f"{type_}-{len(data)}-{time}", "source": "/test", "type": type_, "time": time,
        "subject": subject, "data": dict(data),
    }  # fmt: skip
    return envelope_of({name: value for name, value in (attributes | more).items() if value is not None})


def registered(person: str, born_on: str = "1990-01-01", *, language: str = "kk", **contact: str) -> list[Envelope]:
    """The events with which a citizen opens: registration, contact and language."""
    names = {"given_name": "Айгерім", "family_name": "Серікқызы", "sex": "female", "born_on": born_on}
    return [
        event("kz.citizen.registered", person, "2020-01-01T00:00:00+05:00", names, id=f"reg-{_tail(person)}"),
        event("citizen.contact_changed", person, "2020-01-02T00:00:00+05:00",
              {"phone": "+77701234567", "email": "a@example.org"} | contact, id=f"contact-{_tail(person)}"),
        event("citizen.preferences_changed", person, "2020-01-03T00:00:00+05:00", {"language": language},
              id=f"language-{_tail(person)}"),
    ]  # fmt: skip


def _tail(person: str) -> str:
    return person[6:11]


def card(
    person: str, expires_on: str, number: str = "N1", time: str = "2025-01-10T12:00:00+05:00", **more: Any
) -> Envelope:  # noqa: ANN401
    """An identity card was issued."""
    data = {"kind": "identity_card", "number": number, "issued_on": time[:10], "expires_on": expires_on}
    return event("kz.document.issued", person, time, data, **({"id": f"card-{number}-{_tail(person)}"} | more))


class World:
    """One platform on a file of its own, with fakes for all channels."""

    def __init__(
        self, folder: Path, *, now: datetime = NOON, script: Mapping[str, Iterable[Outcome]] | None = None
    ) -> None:
        self.clock = VirtualClock(now)
        self.sent: list[Message] = []
        settings = load_settings(database=f"sqlite:///{folder}/world.sqlite")
        self.platform: Platform = compose(settings, self.clock, KEYRING)
        scripts = script or {}
        self.notifiers = {
            channel: FakeNotifier(channel, self.sent, script=scripts.get(channel, ()))
            for channel in ("push", "sms", "email")
        }
        self.engine: Engine = compose_engine(self.platform, self.notifiers)

    def take(self, *envelopes: Envelope, ahead_from: datetime | None = None) -> list[Taken]:
        """Take events in."""
        return self.platform.intake.accept(list(envelopes), ahead_from)

    async def settle(self, now: str | datetime | None = None) -> list[Message]:
        """Move the clock, run until idle, and give the messages that went meanwhile."""
        if now is not None:
            self.clock.advance_to(datetime.fromisoformat(now) if isinstance(now, str) else now)
        before = len(self.sent)
        await self.engine.until_idle()
        return self.sent[before:]

    def close(self) -> None:
        """Let go of the file."""
        self.platform.database.close()
