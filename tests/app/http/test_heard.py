"""A package's kind of provider reads what its provider calls in: signed and written in its own way."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from pydantic import BaseModel, ConfigDict, TypeAdapter
from starlette.testclient import TestClient

from app.providers import ProviderSettings
from domain.facts.receipts import ReceiptStatus
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Incoming, Message, Notifier, Report
from notifiers.port.kinds import Call, Kind, Method, NotTheirs, Tools
from tests.app.http.wire import client_of, served
from tests.world import LONG_AGO, World, card, iin, registered

DUE = "2025-06-20T09:00+05:00"
PHONE = "+77011234567"


class Options(BaseModel):
    """What an operator says about a postbox."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    word: str


class Posted(BaseModel):
    """What a postbox calls in."""

    read: list[str] = []
    written: str = ""


def hears(options: Options, call: Call) -> Sequence[Report | Incoming]:
    """The word is a part of the address, and is all that a postbox knows of signing."""
    if call.query.get("word") != options.word:
        raise NotTheirs
    posted = TypeAdapter(Posted).validate_json(call.body or call.query["said"])
    if posted.written == "nonsense":
        raise ValueError(posted.written)
    reports = [Report(each, ReceiptStatus.OPENED) for each in posted.read]
    return [*reports, *([Incoming("1", PHONE, posted.written)] if posted.written else [])]


def make(_options: Options, _tools: Tools) -> Notifier:
    """Postboxes send nothing here."""
    return FakeNotifier("sms", [])


METHODS: dict[str, frozenset[Method]] = {"postbox": frozenset({"POST"}), "letterbox": frozenset({"GET", "PUT"})}


class Postbox(ProviderSettings):
    """Settings of a provider whose kind another package brings."""

    def of_kind(self) -> Kind:
        return Kind("sms", Options, make, hears, METHODS[self.kind])


@pytest.fixture
def sent() -> list[Message]:
    """What went out."""
    return []


@pytest.fixture
async def world(tmp_path: Path, sent: list[Message]) -> World:
    """A message about Aigerim's card went by a postbox."""
    boxes = {"sms": "postbox", "other": "letterbox"}
    settings = {name: Postbox.model_validate({"kind": each, "word": "sesame"}) for name, each in boxes.items()}
    fake = {"sms": FakeNotifier("sms", sent, reports=True)}
    made = World(tmp_path, notifiers=fake, providers=settings, requests_a_minute=5)
    made.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    await made.settle(DUE)
    return made


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    """Speaks to the platform over HTTP."""
    yield client_of(served(world.platform))
    world.close()


def post(client: TestClient, body: Any, word: str = "sesame") -> Response:
    """The postbox calls."""
    return client.post("/receipts/sms", params={"word": word}, json=body)


async def test_what_its_kind_reads_is_kept(client: TestClient, world: World, sent: list[Message]) -> None:
    """Reports and what people write come in by one call, and again change nothing."""
    for _ in range(2):
        answer = post(client, {"read": [f"fake:{sent[0].key}"], "written": "Thanks"})
        assert (answer.status_code, answer.json()) == (200, {"taken": 2})
    assert world.delivery("month").state == "opened"
    facts = [entry.fact for entry in world.entries()]
    assert [getattr(each, "type", "") for each in facts].count("citizen.message_received") == 1


async def test_who_is_not_the_provider_changes_nothing(client: TestClient, world: World, sent: list[Message]) -> None:
    """What the kind does not know is refused, and counts as a stranger's call; the provider's own does not."""
    body = {"read": [f"fake:{sent[0].key}"]}
    assert [post(client, body, "open").status_code for _ in range(6)] == [401] * 5 + [429]
    assert world.delivery("month").state == "sent"
    assert post(client, body).status_code == 200


@pytest.mark.parametrize("body", [{"read": 1}, {"written": "nonsense"}, {"read": ["a\0b"]}, {"read": ["x" * 501]}])
async def test_what_cannot_be_read_is_refused(client: TestClient, body: Any) -> None:
    """A body that the kind does not understand, or that no database keeps, is a problem that quotes nothing."""
    answer = post(client, body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "nonsense" not in answer.text


async def test_a_kind_says_by_which_methods_it_is_called(client: TestClient, world: World) -> None:
    """A box that calls by GET says all of it in the address; who calls by another method is told which there are."""
    said = {"word": "sesame", "said": '{"written": "Thanks"}'}
    assert client.head("/receipts/other", params=said).status_code == 405
    assert "citizen.message_received" not in [getattr(entry.fact, "type", "") for entry in world.entries()]
    assert client.get("/receipts/other", params=said).json() == {"taken": 1}
    assert client.put("/receipts/other", params={"word": "sesame"}, json={"written": "Bye"}).json() == {"taken": 1}
    facts = [getattr(entry.fact, "type", "") for entry in world.entries()]
    assert facts.count("citizen.message_received") == 1  # the second has the name of the first
    for answer, allowed in ((client.post("/receipts/other"), "GET, PUT"), (client.get("/receipts/sms"), "POST")):
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.headers["content-type"] == "application/problem+json"
    assert (client.get("/receipts/nobody").status_code, client.post("/receipts/nobody").status_code) == (405, 404)
