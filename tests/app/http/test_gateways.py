"""What gateways call: receipts and messages count once, with the token alone, and no number stands in an address."""

from pathlib import Path
from urllib.parse import urlencode

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from app.providers import ProviderSettings, make_provider
from domain.core.events import LifeEvent
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from notifiers.port.kinds import Tools
from tests.app.http.wire import client_of, served
from tests.world import LONG_AGO, World, card, iin, registered

TOKEN = "a-token-that-is-long-enough"
DUE = "2025-06-20T09:00+05:00"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def sent() -> list[Message]:
    """What went out."""
    return []


@pytest.fixture
async def world(tmp_path: Path, sent: list[Message]) -> World:
    """A message about Aigerim's card went by a gateway."""
    gateway = ProviderSettings.model_validate(
        {
            "kind": "http_sms",
            "url": "http://127.0.0.1:9/send",
            "sender": "1414",
            "gateway_token": TOKEN,
            "region": "KZ",
        }
    )
    fake = {"sms": FakeNotifier("sms", sent, reports=True)}
    made = World(tmp_path, notifiers=fake, providers={"sms": gateway})
    made.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    await made.settle(DUE)
    return made


@pytest.fixture
def client(world: World) -> TestClient:
    """Speaks to the platform over HTTP."""
    return client_of(served(world.platform))


def report(client: TestClient, message: Message, status: object, token: str = TOKEN) -> Response:
    """The gateway reports about the message."""
    parameters = {"token": token, "reference": f"fake:{message.key}", "status": str(status)}
    return client.get("/gateways/sms/receipts", params=parameters)


def write(client: TestClient, text: bytes, token: str = TOKEN, **headers: str) -> Response:
    """Somebody wrote an SMS to the gateway."""
    sent_by = {"x-kannel-from": "77011234567", "x-kannel-time": "2025-06-20 04:05:00"}
    typed = {"content-type": "text/plain; charset=utf-8"}
    return client.post(f"/gateways/sms/messages?token={token}", content=text, headers=sent_by | typed | headers)


def texts(world: World) -> list[object]:
    """What people wrote."""
    facts = [entry.fact for entry in world.entries() if isinstance(entry.fact, LifeEvent)]
    return [one.values["event.text"] for one in facts if one.type == "citizen.message_received"]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (1, "delivered"),
        (4, "sent"),
        (8, "sent"),
        (2, "failed"),
        (16, "failed"),
    ],
)
async def test_a_receipt_is_a_fact(
    client: TestClient, world: World, sent: list[Message], status: int, state: str
) -> None:
    """Delivered, failed and refused become facts; what is not final says nothing."""
    for _ in range(2):
        assert report(client, sent[0], status).status_code == 200
    assert world.delivery("month").state == state


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x"])
async def test_without_the_token_nothing_is_taken(
    client: TestClient, world: World, sent: list[Message], token: str
) -> None:
    """Who does not know the token reports and writes nothing."""
    assert report(client, sent[0], 1, token).status_code in {404, 422}
    assert write(client, b"1", token).status_code in {404, 422}
    assert (world.delivery("month").state, texts(world)) == ("sent", [])


async def test_an_sms_is_taken_once(client: TestClient, world: World, sent: list[Message]) -> None:
    """What the gateway sends again is the same message; the answer has nothing that it would send."""
    for _ in range(2):
        answer = write(client, "Рақмет".encode())
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("text/plain")
    assert texts(world) == ["Рақмет"]
    assert len(sent) == 1


@pytest.mark.parametrize("number", ["+77011234567", "77011234567", "87011234567", "7011234567", "+7 701 123-45-67"])
async def test_a_number_is_read_as_in_the_gateways_country(client: TestClient, world: World, number: str) -> None:
    """However the gateway writes the number of whom we told something, they are heard."""
    assert write(client, "Рақмет".encode(), **{"x-kannel-from": number}).status_code == 200
    assert texts(world) == ["Рақмет"]


async def test_without_a_time_each_sms_is_another(client: TestClient, world: World) -> None:
    """A gateway that says no time loses nothing: the same word a month later is another SMS."""
    for day in ("2025-06-20", "2025-07-20"):
        world.at(f"{day}T12:00+05:00")
        assert write(client, "Рақмет".encode(), **{"x-kannel-time": ""}).status_code == 200
    assert texts(world) == ["Рақмет", "Рақмет"]


async def test_a_reference_that_no_database_keeps_is_refused(client: TestClient) -> None:
    """A NUL in a reference is a clear refusal and no failure of ours."""
    parameters = {"token": TOKEN, "reference": "a\0b", "status": "1"}
    assert client.get("/gateways/sms/receipts", params=parameters).status_code == 422


@pytest.mark.parametrize(("text", "charset"), [("Рақмет".encode("utf-16-be"), "UTF-16"), (b"Merci", "ISO-8859-1")])
async def test_an_sms_in_another_charset_is_read(
    client: TestClient, world: World, sent: list[Message], text: bytes, charset: str
) -> None:
    """UCS-2 as Kannel sends it, and what the carrier chose."""
    write(client, text, **{"content-type": f"text/plain; charset={charset}"})
    assert texts(world) == ["Рақмет" if charset == "UTF-16" else "Merci"]
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("said", "charset"),
    [
        ("Рақмет".encode("utf-16-be"), "UTF-16BE"),
        ("Рахмет".encode("cp1251"), "windows-1251"),
        ("Рахмет".encode("koi8-r"), "KOI8-R"),
        ("Рақмет".encode(), "UTF-8"),
    ],
)
@pytest.mark.parametrize("by", ["address", "form", "form's address"])
async def test_the_charset_that_the_call_names_is_understood(
    client: TestClient, world: World, said: bytes, charset: str, by: str
) -> None:
    """In the address, where Kannel's %C says it, or in a form with the text percent-encoded: it is not UTF-8."""
    url = f"/gateways/sms/messages?token={TOKEN}" + ("" if by == "form" else f"&charset={charset}")
    if by == "address":
        answer = client.post(url, content=said, headers={"x-kannel-from": "77011234567"})
    else:
        named = {"charset": charset} if by == "form" else {}
        answer = client.post(url, content=urlencode({"text": said, "sender": "87011234567"} | named), headers=FORM)
    assert (answer.status_code, answer.content) == (200, b"")
    assert texts(world) == [said.decode(charset)]


async def test_a_stop_in_a_form_is_obeyed(client: TestClient, world: World) -> None:
    """What a gateway sends as a form is what the person wrote, and no more."""
    url = f"/gateways/sms/messages?token={TOKEN}"
    client.post(url, content="text=%D1%F2%EE%EF&charset=windows-1251&sender=%2B77011234567", headers=FORM)
    assert texts(world) == ["Стоп"]
    facts = [entry.fact for entry in world.entries() if isinstance(entry.fact, LifeEvent)]
    assert [one.values["event.understood"] for one in facts if "event.understood" in one.values] == ["stop"]


@pytest.mark.parametrize(
    ("said", "charset", "text"),
    [
        (b"\x06\x05\x04\xff\xfe\x00", "", "\x06\x05\x04��\x00"),
        (b"Ja \xff!", "klingon", "Ja �!"),
        (b"Ja!", "zip", "Ja!"),
        (b"Ja!", "undefined", "Ja!"),
        (b"\x04\x30\x04", "UTF-16BE", "а�"),
        (b"\\ud800", "unicode_escape", "?"),
    ],
)
async def test_what_is_no_text_is_kept(
    client: TestClient, world: World, said: bytes, charset: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Binary, half a text, or a charset that there is not: a gateway would not send it better, so it is kept."""
    typed = {"content-type": f"text/plain; charset={charset}" if charset else "application/octet-stream"}
    assert write(client, said, **typed).status_code == 200
    assert texts(world) == [text]
    assert ("is no text" in caplog.text, text in caplog.text) == ("�" in text, False)


async def test_two_that_cannot_be_read_are_two(client: TestClient, world: World) -> None:
    """What looks alike because it cannot be read is not the same SMS."""
    for said in (b"\xff", b"\xfe", b"\xff"):
        write(client, said)
    assert texts(world) == ["�", "�"]


async def test_without_a_number_it_is_refused(client: TestClient, world: World) -> None:
    """Whose SMS it is has to be known: a problem, and nothing changes."""
    answer = write(client, b"1", **{"x-kannel-from": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert texts(world) == []


@pytest.mark.parametrize(
    ("known", "tells"),
    [
        ({}, False),
        ({"gateway_token": TOKEN}, True),
        ({"receipts_secret": "whsec_" + "c2VjcmV0" * 4}, True),
        ({"report_url": "https://habarshy.test/receipts?reference={reference}"}, True),
    ],
)
def test_who_may_call_may_tell(world: World, known: dict[str, str], tells: bool) -> None:  # noqa: FBT001
    """A gateway is listened to as soon as it can report in any way; one that cannot costs nothing."""
    gateway = {"kind": "http_sms", "url": "http://127.0.0.1:9/send", "sender": "1414"} | known
    settings = ProviderSettings.model_validate(gateway)
    tools = Tools(world.clock, world.platform.delivery.inbound.receiving.inbound_of("sms"))
    assert make_provider("sms", settings, tools).may_report is tells
