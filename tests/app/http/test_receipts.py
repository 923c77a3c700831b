"""Receipts by HTTP: signed ones count, once, in any order; everything else is refused and changes nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from app.providers import ProviderSettings
from domain.facts.facts import NudgeFailed
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from tests.app.http.wire import client_of, served
from tests.world import LONG_AGO, World, card, iin, registered

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1wcm92aWRlcg=="
DUE = "2025-06-20T09:00+05:00"


@pytest.fixture
def sent() -> list[Message]:
    """What went out."""
    return []


@pytest.fixture
async def world(tmp_path: Path, sent: list[Message]) -> World:
    """A message about Aigerim's card went by the SMS provider, which reports by HTTP."""
    gateway = ProviderSettings.model_validate(
        {"kind": "smtp", "host": "localhost", "sender": "h@example.org", "receipts_secret": SECRET}
    )
    mute = ProviderSettings.model_validate({"kind": "smtp", "host": "localhost", "sender": "h@example.org"})
    made = World(
        tmp_path,
        notifiers={"sms": FakeNotifier("sms", sent, reports=True)},
        providers={"sms": gateway, "mute": mute},
    )
    made.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    await made.settle(DUE)
    return made


@pytest.fixture
def client(world: World) -> TestClient:
    """Speaks to the platform over HTTP."""
    return client_of(served(world.platform))


def post(
    client: TestClient, body: Any, *, at: datetime, secret: str = SECRET, provider: str = "sms", **headers: str
) -> Response:
    """A call of the provider, signed then."""
    at, text = at.astimezone(UTC), body if isinstance(body, str) else json.dumps(body)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, text),
    }
    return client.post(f"/receipts/{provider}", content=text.encode(), headers=signed | headers)


def delivered(sent: list[Message]) -> dict[str, str]:
    """The report that the message arrived."""
    return {"reference": f"fake:{sent[0].key}", "status": "delivered"}


async def test_a_signed_receipt_is_a_fact(client: TestClient, world: World, sent: list[Message]) -> None:
    """What the provider reports becomes a fact of the nudge, and again changes nothing."""
    for _ in range(2):
        answer = post(client, delivered(sent), at=world.clock())
        assert (answer.status_code, answer.json()) == (200, {"taken": 1})
    assert world.delivery("month").state == "delivered"
    assert len(world.facts(world.nudge("month").intent.id)) == 4


async def test_a_list_may_be_in_any_order(client: TestClient, world: World, sent: list[Message]) -> None:
    """Opened before delivered is opened; a report about a message of nobody is kept and harms nothing."""
    opened = delivered(sent) | {"status": "opened"}
    assert (
        post(client, [opened, delivered(sent), opened | {"reference": "other"}], at=world.clock()).status_code == 200
    )
    assert world.delivery("month").state == "opened"


async def test_a_failure_has_our_reason(client: TestClient, world: World, sent: list[Message]) -> None:
    """A reason of our vocabulary is kept, any other word counts as undelivered, and the next channel follows."""
    failed = delivered(sent) | {"status": "failed", "reason": "UNDELIV 77"}
    assert post(client, failed, at=world.clock()).status_code == 200
    [fact] = [each for each in world.facts(world.nudge("month").intent.id) if isinstance(each, NudgeFailed)]
    assert fact.reason == "undelivered"
    [email] = await world.settle()
    assert email.channel == "email"


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-id": "other"},
        {"webhook-timestamp": "0"},
        {"webhook-timestamp": "9" * 400},
    ],
)
async def test_what_is_not_signed_is_refused(
    client: TestClient, world: World, sent: list[Message], headers: dict[str, str]
) -> None:
    """A signature that is none, or that of another body, id or time: 401, and nothing changes."""
    answer = post(client, delivered(sent), at=world.clock(), **headers)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert world.delivery("month").state == "sent"


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_an_old_call_is_nobodys(client: TestClient, world: World, sent: list[Message], minutes: int) -> None:
    """What was signed too long ago, or in the future, may be somebody's copy."""
    assert post(client, delivered(sent), at=world.clock() + timedelta(minutes=minutes)).status_code == 401


async def test_another_providers_secret_is_refused(client: TestClient, world: World, sent: list[Message]) -> None:
    """Each provider reports about its own messages alone."""
    other = "whsec_" + "b3RoZXI="
    assert post(client, delivered(sent), at=world.clock(), secret=other).status_code == 401
    for name in ("mute", "nobody"):
        assert post(client, delivered(sent), at=world.clock(), provider=name).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{", ""),
        ("7", ""),
        ({"reference": "r"}, "status"),
        ({"reference": "", "status": "delivered"}, "reference"),
        ({"reference": "r", "status": "lost"}, "status"),
        ([{"reference": "r", "status": "lost"}], "0.status"),
    ],
)
async def test_what_is_no_receipt_is_named(client: TestClient, world: World, body: Any, field: str) -> None:
    """A signed body that is no receipt is refused with the field, and nothing changes."""
    answer = post(client, body, at=world.clock())
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
    assert world.delivery("month").state == "sent"


async def test_a_reference_that_no_database_keeps_is_refused(client: TestClient, world: World) -> None:
    """A NUL in a reference is refused by its field's name."""
    answer = post(client, {"reference": "a\0b", "status": "delivered"}, at=world.clock())
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "reference")
