"""Kannel as it is shipped calls us back: nothing of that goes to a telephone, and what people write is not lost."""

import asyncio
import queue
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.providers import ProviderSettings
from app.server import application
from domain.core.events import LifeEvent
from notifiers.port.fake import FakeNotifier
from notifiers.sms.http.notifier import HttpSmsNotifier
from tests.notifiers.gateway import options, sms_by
from tests.notifiers.sms_helpers import sms
from tests.services.issuer import serving
from tests.services.kannel import Arrived, kannel
from tests.world import LONG_AGO, NOON, World, card, iin, registered

PAGE = (Path(__file__).parents[2] / "docs/channels.md").read_text()
TOKEN = "a-token-that-is-long-enough"
DUE = "2025-06-20T09:00+05:00"
PHONE = "77011234567"
STOP, THANKS = f"{PHONE} 1414 text STOP", f"{PHONE} 1414 ucs2 %04%20%04%30%04%9B%04%3C%04%35%04%42"
FETCHED = "reply-emptymessage = fetched\nreply-couldnotfetch = failed"
"""What Kannel makes of our answer, said to the telephone."""
PATIENCE = 60.0


class Answers:
    """The application, and the status that each of its answers had."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._statuses = app, queue.Queue[int]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def heard(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._statuses.put(message["status"])
            await send(message)

        await self._app(scope, receive, heard)

    async def next(self) -> int:
        """The next status; waits for it."""
        return await asyncio.to_thread(self._statuses.get, timeout=PATIENCE)


def world_of(folder: Path, sms: Any) -> World:
    """A platform whose gateway knows the token."""
    gateway = {"kind": "http_sms", "url": "http://127.0.0.1:9/send", "sender": "1414", "gateway_token": TOKEN}
    made = ProviderSettings.model_validate(gateway)
    return World(folder, notifiers={"sms": sms}, providers={"sms": made})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A message went to Aigerim's telephone."""
    made = world_of(tmp_path, FakeNotifier("sms", []))
    made.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    await made.settle(DUE)
    yield made
    made.close()


def texts(world: World) -> list[object]:
    """What people wrote."""
    facts = [entry.fact for entry in world.entries() if isinstance(entry.fact, LifeEvent)]
    return [one.values["event.text"] for one in facts if one.type == "citizen.message_received"]


def documented(url: str) -> dict[str, str]:
    """What the documentation wants in Kannel's groups, with our address and token."""
    [block] = re.findall(r"^```ini\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    block = (
        block.replace("https://habarshy.example", url)
        .replace("/gateway/", "/sms/")
        .replace("token=…", f"token={TOKEN}")
    )
    smsbox, service = block.split("group = sms-service\nkeyword = default\n")
    return {"smsbox": smsbox.removeprefix("group = smsbox\n").strip(), "service": service}


@pytest.mark.parametrize(("by", "sender"), [("\nsend-sender = true", ""), ("", "&sender=%p")])
@pytest.mark.parametrize(("written", "text"), [(STOP, "STOP"), (THANKS, "Рақмет")])
async def test_what_a_telephone_writes_is_taken(world: World, by: str, sender: str, written: str, text: str) -> None:
    """Kannel takes our answer for a success, whether it says the sender in a header or in the address."""
    with serving(Answers(application(world.platform))) as url:
        service = f'post-url = "{url}/gateways/sms/messages?token={TOKEN}{sender}"{by}'
        async with kannel(written, service=service, smsbox=FETCHED) as there:
            assert await there.got(1) == [Arrived("1414", PHONE, "fetched")]
    assert texts(world) == [text]


async def test_as_documented_a_telephone_gets_nothing_for_what_it_writes(world: World) -> None:
    """With the documented lines Kannel hands the text over and says nothing itself."""
    answers = Answers(application(world.platform))
    with serving(answers) as url:
        async with kannel(STOP, **documented(url)) as there:
            assert await answers.next() == 200
            async with sms_by(there.url) as notifier:
                await notifier.send([sms(f"+{PHONE}", text="the next message")])
            assert await there.got(1) == [Arrived("1414", f"+{PHONE}", "the next message")]
    assert texts(world) == ["STOP"]


async def test_kannel_reports_to_us(tmp_path: Path) -> None:
    """A receipt that Kannel calls in is a fact, and Kannel is told that it was taken."""
    listener = socket.create_server(("127.0.0.1", 0))
    reports = f"http://127.0.0.1:{listener.getsockname()[1]}/gateways/sms/receipts?token={TOKEN}"
    async with kannel() as there:
        # The fake centre only says that it took the message: that stands here for the telephone.
        told = options(there.url, report_url=reports + "&reference={reference}&status=1", report_mask=8)
        world = world_of(tmp_path, HttpSmsNotifier(told, lambda: NOON))
        world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
        answers = Answers(application(world.platform))
        with serving(answers, listener):
            await world.settle(DUE)
            assert await answers.next() == 200
    assert world.delivery("month").state == "delivered"
    world.close()
