"""A dispatcher on a machine whose clock is an hour ahead meets one that is in the middle of a call."""

from datetime import timedelta
from pathlib import Path

from app.clock import VirtualClock
from app.compose import compose
from app.compose_sending import compose_dispatcher
from app.settings import load_settings
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from notifiers.port.routes import single_routes
from tests.beginnings import KEYRING
from tests.streams.dispatching import AIGERIM, DUE, MINUTE
from tests.templates.packs import RULES, write_town
from tests.world import World, event

LEGAL = (
    (RULES, "class: reminder", "class: legal"),
    (RULES, " && citizen.age >= 18", ""),
    (RULES, "expires: event.valid_until\n", ""),
)
CONTACT = event("citizen.contact_changed", AIGERIM, "2025-01-01T00:00:00Z", {"phone": "+77011234567"})
METER = event(
    "town.meter.installed", AIGERIM, "2025-01-02T00:00:00Z", {"number": "M1", "valid_until": "2025-07-20", "fee": 7}
)


async def test_who_is_an_hour_ahead_doubles_nothing(tmp_path: Path, url: str) -> None:
    """It takes the attempt for lost, and the notice goes again only if no outcome came; one does, so it goes once."""
    sent: list[Message] = []

    async def meanwhile(message: Message) -> None:
        sent.append(message)
        await ahead.drain()

    notifiers = {"sms": FakeNotifier("sms", meanwhile)}
    world = World(tmp_path, url=url, packs=[write_town(tmp_path / "town", *LEGAL)], notifiers=notifiers)
    world.take(CONTACT, METER)
    world.plan()
    clock = VirtualClock(DUE + timedelta(hours=1))
    other = compose(load_settings(database=url, key_file=tmp_path / "key"), clock, KEYRING)
    ahead = compose_dispatcher(other, single_routes(world.notifiers), holder="ahead")

    await world.settle(DUE)
    clock.advance_to(clock() + MINUTE)
    await ahead.drain()

    assert ([message.attempt for message in sent], world.delivery("month").state) == ([1], "sent")
    other.database.close()
    world.close()
