"""The proactive way, end to end over real peers: entitled, asked, agreed, the agency told, paid, told again."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from app.compose_sending import compose_engine, compose_routes
from app.providers import HookSettings, ProviderSettings
from streams.intake.cloudevents import Envelope
from tests.app.http.wire import registry_of
from tests.notifiers.http_peers import HttpPeer, answer, listening
from tests.notifiers.smsc import RealCentre, real_centre
from tests.world import World, birth, few_triggers, iin, registered

MOTHER, CHILD = iin(1), iin(2)
SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1taW5pc3RyeQ=="
LEASE = 600.0


class Country:
    """The platform, the SMS centre of an operator, and the server of the ministry of labour."""

    def __init__(self, world: World, centre: RealCentre, ministry: HttpPeer) -> None:
        self.world, self.centre, self.ministry = world, centre, ministry
        self.registry: TestClient = registry_of(world.platform)

    async def report(self, envelope: Envelope) -> None:
        """A registry reports an event over HTTP."""
        body = {
            "specversion": "1.0",
            "id": envelope.id,
            "source": envelope.source,
            "type": envelope.type,
            "time": envelope.time,
            "subject": envelope.subject,
            "data": envelope.data,
        }
        headers = {"content-type": "application/cloudevents+json"}
        answered = await asyncio.to_thread(self.registry.post, "/events", content=json.dumps(body), headers=headers)
        assert answered.status_code == 202, answered.text

    async def texts(self, number: int) -> list[str]:
        """What the operator was given so far, at least that many messages, their parts joined."""
        await self.world.engine.until_idle()
        await self.centre.told("submit", number)
        texts, parts = [], list[str]()
        for each in self.centre.of("submit"):
            parts.append(each["text"])
            *_, total, part = bytes.fromhex(each["udh"][0]) if each["udh"] else (1, 1)
            if part == total:
                texts.append("".join(parts))
                parts.clear()
        assert len(texts) >= number
        return texts

    async def write(self, text: str) -> None:
        """The mother writes an SMS; returns once the platform has taken it."""
        before = len(self.centre.of("answered"))
        self.centre.control(
            deliver={
                "source_addr": "77011234567",
                "source_addr_ton": 1,
                "source_addr_npi": 1,
                "destination_addr": "1414",
                "short_message": text,
            }
        )
        answers = await self.centre.told("answered", before + 1)
        assert answers[-1] == 0


@pytest.fixture
async def country(tmp_path: Path) -> AsyncIterator[Country]:
    """Everything runs, on private ports of this machine."""
    pack = few_triggers(tmp_path)
    for folder in (Path(__file__).parent / "two_way").iterdir():
        (pack / folder.name).symlink_to(folder)
    (pack / "birth_allowance").unlink()  # it speaks of the same at the same time
    ministry = HttpPeer(answer(200))
    async with real_centre(receipts="DELIVRD") as centre, listening(ministry.serve) as port:
        operator = ProviderSettings.model_validate(
            {
                "kind": "smpp",
                "host": "127.0.0.1",
                "port": centre.port,
                "system_id": "habarshy",
                "sender": "1414",
            }
        )
        hook = HookSettings.model_validate({"url": f"http://127.0.0.1:{port}/told", "secret": SECRET})
        world = World(
            tmp_path, packs=[pack], providers={"operator": operator}, webhooks={"labour": hook}, lease_seconds=LEASE
        )
        routes = compose_routes(world.platform)
        world.engine = compose_engine(world.platform, routes)
        await asyncio.gather(*(route.start() for route in routes.values()))
        yield Country(world, centre, ministry)
        await asyncio.gather(
            *(route.aclose() for route in routes.values()), world.platform.delivery.inbound.webhooks.aclose()
        )
        world.close()


async def test_entitled_asked_agreed_told_paid_and_told_again(country: Country) -> None:
    """A birth is registered: the mother is asked, answers 1, the ministry hears of it, pays, and she is told."""
    for envelope in (*registered(MOTHER), birth(CHILD, MOTHER, "2025-06-01")):
        await country.report(envelope)
    country.world.at("2025-06-02T10:00+05:00")
    [asked] = await country.texts(1)
    assert "149\u202f416" in asked
    await country.centre.told("answered", 1)  # the operator's receipt was taken
    assert country.world.nudge("ask").state == "delivered"

    await country.write("1")
    assert country.world.nudge("ask").state == "answered"
    await country.world.engine.until_idle()
    [told] = country.ministry.heard
    said = json.loads(told.body)
    assert (said["type"], said["data"]["trigger"]) == ("citizen.consent_given", "birth_consent")
    assert said["data"]["cause"]["id"] == birth(CHILD, MOTHER, "2025-06-01").id
    at = datetime.fromtimestamp(int(told.headers["webhook-timestamp"]), UTC)
    signature = Webhook(SECRET).sign(told.headers["webhook-id"], at, told.body.decode())
    assert told.headers["webhook-signature"] == signature

    granted = {"child": CHILD, "amount": 149416, "granted_on": "2025-06-03"}
    await country.report(_event("kz.social.birth_allowance_granted", MOTHER, "2025-06-03T11:00:00+05:00", granted))
    country.world.at("2025-06-03T12:00+05:00")
    texts = await country.texts(2)
    assert "тағайындалды" in texts[-1]
    assert country.world.nudge("granted").state in {"sent", "delivered"}


def _event(type_: str, subject: str, time: str, data: dict[str, Any]) -> Envelope:
    return Envelope(
        specversion="1.0", id="granted-1", source="/labour", type=type_, time=time, subject=subject, data=data
    )
