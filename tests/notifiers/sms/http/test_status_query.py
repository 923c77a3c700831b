"""Asking an SMS gateway by our name for a message: what is asked, and what its answers mean."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from domain.facts.receipts import ReceiptStatus
from notifiers.port.contract import AskableContract, Provider
from notifiers.port.interface import (
    Accepted,
    Askable,
    Inquiry,
    NeverCame,
    Reason,
    Report,
    StatusAnswer,
    Unknown,
)
from notifiers.port.message_names import numbered
from tests.notifiers.gateway import HANDED_IN, Book, book, by_status, gateway, http, options, sms_by
from tests.notifiers.sms_helpers import number, sms
from tests.services.ports import kept_port

MESSAGE = sms()
NAME = numbered(MESSAGE.key, 1)
INQUIRY = Inquiry(nudge=MESSAGE.nudge, attempt=1, channel="sms", recipient=MESSAGE.recipient, address=MESSAGE.address)


class TestAskedGateway(AskableContract):
    channel = "sms"
    limit = 0.8

    @asynccontextmanager
    async def asking(self, provider: Provider) -> AsyncIterator[Askable]:
        impatient = {"connect_timeout": 0.2, "timeout": 0.4} if provider is Provider.HUNG else {}
        async with self._port(provider) as port, sms_by(port, **by_status(port), **impatient) as notifier:
            yield notifier

    @asynccontextmanager
    async def _port(self, provider: Provider) -> AsyncIterator[int]:
        match provider:
            case Provider.WELL:
                async with book() as peer:
                    self._fill(peer)
                    yield peer.port
            case Provider.DEAD:
                with kept_port() as kept:
                    yield kept.getsockname()[1]
            case Provider.HUNG | Provider.GARBLED:
                async with gateway(None if provider is Provider.HUNG else http(200, b"<html>")) as other:
                    yield other.port

    def _fill(self, peer: Book) -> None:
        for even in (0, 2):
            peer.held[numbered(self.inquiry(even).key, 1).replace(":", "%3A")] = 1

    def address(self, number_: int) -> str:
        return number(number_)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (http(200, b"<accepted>"), Accepted(NAME)),
        (http(200, b"<delivered>"), Report(NAME, ReceiptStatus.DELIVERED)),
        (http(200, b"<failed>"), Report(NAME, ReceiptStatus.FAILED, Reason.UNDELIVERED, "200")),
        (http(200, b"<never>"), NeverCame()),
        (http(404, b"<never>"), NeverCame()),
        (http(404, b"no such page"), Unknown(Reason.GARBLED, "404")),
        (http(200, b"<never> <accepted>"), Accepted(NAME)),
        (http(502, b"<never>"), Unknown(Reason.GARBLED, "502")),
        (http(302, Location="http://127.0.0.1:1/"), Unknown(Reason.GARBLED, "302")),
        (b"", Unknown(Reason.LINK_LOST)),
    ],
)
async def test_what_the_gateway_tells_is_understood_by_its_words(answer: bytes, told: StatusAnswer) -> None:
    """That it never came is only what the gateway says in so many words; a fault of it says nothing."""
    async with gateway(answer) as peer, sms_by(peer.port, **by_status(peer.port)) as notifier:
        assert await notifier.ask(INQUIRY) == told


async def test_the_gateways_own_name_is_learnt_by_asking() -> None:
    """Where the answer to the question has the gateway's id, its reports will name the message by that."""
    words = {"accepted": r'"id": "(?P<id>\w+)"'}
    async with gateway(http(200, b'{"id": "m42"}')) as peer, sms_by(peer.port, **by_status(peer.port, **words)) as by:
        assert await by.ask(INQUIRY) == Accepted("m42")


async def test_it_is_asked_by_what_it_was_given() -> None:
    """Number, short name, account and header are those of the message; a key that removes doubles is not repeated."""
    shape = {
        "parameters": {"to": "{digits}", "text": "{text}", "id": "{short}"},
        "headers": {"Authorization": "Bearer secret-token"},
        "idempotency_header": "Idempotency-Key",
    }
    query = {"method": "POST", "sent_as": "form", "parameters": {"phone": "{digits}", "psw": "{password}"}}
    async with gateway() as peer:
        asked = by_status(peer.port, **query, url=f"http://127.0.0.1:{peer.port}/messages/{{short}}")
        async with sms_by(peer.port, **(asked | shape)) as notifier:
            await notifier.send([MESSAGE])
            await notifier.ask(INQUIRY)
    handed_in, question = peer.requests
    assert question["path"] == f"/messages/{handed_in['parameters']['id']}"
    assert len(handed_in["parameters"]["id"]) == 32
    assert question["body"] == b"phone=77012345678&psw=secret"
    assert question["headers"]["authorization"] == "bearer secret-token"
    assert "idempotency-key" not in question["headers"]


async def test_without_a_query_nobody_is_asked() -> None:
    """A gateway that nobody said how to ask has no time to be asked at."""
    async with gateway() as peer, sms_by(peer.port) as notifier:
        assert notifier.ask_after is None
        assert isinstance(await notifier.ask(INQUIRY), Unknown)
    assert peer.requests == []


async def test_nothing_secret_is_told_of_a_question(caplog: pytest.LogCaptureFixture) -> None:
    """Account and number are in nothing that is told, logged or shown of settings, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    shown = ""
    for answer in (b"", http(400, b"secret +77012345678"), http(500), b"garbage\r\n\r\n"):
        asked = by_status(1, parameters={"id": "{reference}", "key": "secret", "phone": "{to}"})
        async with gateway(answer) as peer:
            asked["query"]["url"] = f"http://127.0.0.1:{peer.port}/status"
            async with sms_by(peer.port, **asked) as notifier:
                shown += f"{await notifier.ask(INQUIRY)!r}{INQUIRY!r}"
        given = options("http://127.0.0.1:1/", **asked)
        shown += f"{given!r}{given.model_dump(mode='json')}{caplog.text}"
    for secret in ("secret", "7012345678"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"url": "ftp://gateway.test/"}, "query.url"),
        ({"url": "http://gateway.test/{digits}/{reference}"}, "query.url"),
        ({"parameters": {"id": "{reference}", "text": "{text}"}}, "query.parameters"),
        ({"parameters": {"phone": "{digits}"}}, "it names no message"),
        ({"parameters": {"id": "{short}"}}, "{short}"),
        ({"never_came": "("}, "query.never_came"),
        ({"method": "GET", "sent_as": "json"}, "sent_as"),
        ({"after": 0}, "query.after"),
        ({"delivered": "", "failed": "", "accepted": "", "never_came": ""}, "no answer would mean anything"),
        ({"wehn": 3}, "query.wehn"),
    ],
)
def test_a_mistake_about_asking_is_told(query: dict[str, Any], told: str) -> None:
    """A query that could never work names what is wrong with it."""
    with pytest.raises(ValidationError) as error:
        options("https://gateway.test/", **by_status(1, **query))
    assert told in str(error.value)


def test_a_message_is_handed_in_under_the_name_that_is_asked_by() -> None:
    """A key counts where the header has it, and what only a report would have does not."""
    asked = by_status(1, parameters={"id": "{key}"})
    assert options("https://gateway.test/", **asked, idempotency_header="Idempotency-Key").query is not None
    with pytest.raises(ValidationError, match=r"\{key\}"):
        options("https://gateway.test/", **asked)
    assert "id" in HANDED_IN
