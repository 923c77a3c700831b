"""What a device tells of a push message: shown, opened, once, and only about its own."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from notifiers.port.interface import Message
from tests.app.http.wire import client_of, served
from tests.world import LONG_AGO, World, card, iin, registered

DUE = "2025-06-20T09:00+05:00"


@pytest.fixture
async def world(tmp_path: Path) -> World:
    """Aigerim has an app; her card is announced by push, and next by SMS after ten minutes."""
    made = World(tmp_path)
    made.take(*registered(iin(1), LONG_AGO, push="a-device"), card(iin(1), "2025-07-20"))
    await made.settle(DUE)
    return made


@pytest.fixture
def client(world: World) -> TestClient:
    """Speaks to the platform over HTTP."""
    return client_of(served(world.platform))


def pushed(world: World) -> str:
    """Where the device of the only push message tells what it shows."""
    [message] = world.sent
    assert isinstance(message, Message)
    assert (message.channel, message.seen_url is None) == ("push", False)
    return urlsplit(str(message.seen_url)).path


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ("", "delivered"),
        ("?what=displayed", "delivered"),
        ("?what=opened", "opened"),
    ],
)
async def test_what_a_device_tells_is_a_receipt(client: TestClient, world: World, what: str, state: str) -> None:
    """Shown is delivered, opened is opened; told twice it is one fact."""
    for _ in range(2):
        assert client.post(pushed(world) + what).status_code == 204
    assert world.delivery("month").state == state
    assert len(world.facts(world.nudge("month").intent.id)) == 4


async def test_shown_after_opened_takes_nothing_back(client: TestClient, world: World) -> None:
    """In any order: opened stays opened."""
    client.post(pushed(world) + "?what=opened")
    client.post(pushed(world))
    assert world.delivery("month").state == "opened"


@pytest.mark.parametrize(
    "change", [lambda path: path[:-4] + "AAAA", lambda _: "/seen/nonsense", lambda _: "/seen/%00"]
)
async def test_another_link_tells_nothing(client: TestClient, world: World, change: object) -> None:
    """A damaged link is a problem, and nothing changes; to look at it changes nothing either."""
    assert callable(change)
    assert client.post(change(pushed(world))).status_code == 404
    assert client.get(pushed(world)).status_code == 405
    assert client.post(pushed(world) + "?what=eaten").status_code == 422
    assert world.delivery("month").state == "sent"


async def test_the_other_links_of_a_message_are_no_such_link(client: TestClient, world: World) -> None:
    """A link to stop or to answer says nothing about what a device shows."""
    [message] = world.sent
    token = world.platform.identity.links.token(message.nudge, message.recipient)
    assert client.post(f"/seen/{token}").status_code == 404
