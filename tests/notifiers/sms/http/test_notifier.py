"""SMS by a gateway's HTTP interface: what it gets, and what becomes of a message whatever it answers."""

import asyncio
import json
import logging
import ssl
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError

from domain.core.sms import segments
from notifiers.port.contract import BUSY_MACHINE_SECONDS
from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, RetryLater, Unknown
from notifiers.port.kinds import Tools, kind
from notifiers.sms.http.notifier import KIND
from tests.notifiers.authority import Authority
from tests.notifiers.gateway import TAKEN, gateway, http, options, sms_by
from tests.notifiers.sms_helpers import AT, KAZAKH, KeptInbound, number, sms
from tests.services.kannel import Arrived, kannel

REPORTS = "https://habarshy.test/receipts/kannel?reference={reference}&state=%d"


async def test_through_kannel_each_text_arrives_as_it_is() -> None:
    """Kazakh in one part and in several, and Latin with signs of the extension table, come out of a real gateway."""
    texts = ["Мерзімі аяқталады: Ә 🎓 ₸", "Renew {it}: 5 € [once] & soon + 100 %", KAZAKH * 3]
    async with kannel() as there, sms_by(there.url) as notifier:
        outcomes = [outcome for text in texts for outcome in await notifier.send([sms(text=text)])]
        arrived = await there.got(2)
        refused = await _refused(there.url)
        parts = (await there.got(5))[2:]
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert arrived[:2] == [Arrived("1414", "+77012345678", text) for text in texts[:2]]
    assert tuple(part.text for part in parts) == segments(texts[2]).parts
    assert refused == [RetryLater(None, Reason.NOT_ADMITTED, "403")]


async def test_a_number_that_kannel_has_no_way_to_speaks_not_against_kannel() -> None:
    """Kannel's "Not routable" gives that message up, and its next one goes; only the password is about us."""
    async with kannel(centre="allowed-prefix = +7701") as there, sms_by(there.url) as notifier:
        outcomes = await notifier.send([sms("+77021234567"), sms("+77012345678")])
    assert outcomes == [GiveUp(Reason.REJECTED, "403"), Accepted(f"{sms().key}:1")]


async def _refused(url: str) -> list[Outcome]:
    async with sms_by(url, password="another") as notifier:
        return list(await notifier.send([sms()]))


async def test_kannel_reports_by_the_reference_that_it_was_given() -> None:
    """The address that Kannel calls has the reference of the accepted message, unharmed."""
    async with gateway(http(200)) as receiver, kannel() as there:
        reports = f"http://127.0.0.1:{receiver.port}/receipts?reference={{reference}}&state=%d"
        async with sms_by(there.url, report_url=reports, report_mask=8) as notifier:
            (outcome,) = await notifier.send([sms()])
            async with asyncio.timeout(BUSY_MACHINE_SECONDS):
                while not receiver.requests:  # noqa: ASYNC110  Kannel decides when
                    await asyncio.sleep(0.01)
    assert isinstance(outcome, Accepted)
    assert receiver.requests[0]["parameters"] == {"reference": outcome.reference, "state": "8"}


async def test_kannels_parameters_are_the_default() -> None:
    """Without further settings the request is Kannel's sendsms."""
    async with gateway() as peer, sms_by(peer.port, report_url=REPORTS) as notifier:
        (outcome,) = await notifier.send([sms("8 701 234 56 78", text="Ә & 1+1", expires=AT + timedelta(hours=1))])
    (request,) = peer.requests
    assert isinstance(outcome, Accepted)
    assert (request["method"], request["path"]) == ("GET", "/cgi-bin/sendsms")
    given = request["parameters"]
    report = given.pop("dlr-url")
    assert report.replace("%3A", ":") == REPORTS.replace("{reference}", outcome.reference)
    assert given == {
        "username": "habarshy",
        "password": "secret",
        "from": "1414",
        "to": "+77012345678",
        "text": "Ә & 1+1",
        "coding": "2",
        "charset": "UTF-8",
        "validity": "60",
        "dlr-mask": "19",
    }


async def test_no_reports_are_asked_for_without_an_address() -> None:
    """What comes out empty is left out, and silence then means nothing."""
    async with gateway() as peer, sms_by(peer.port) as notifier:
        await notifier.send([sms(text="plain")])
        assert not notifier.reports
    given = peer.requests[0]["parameters"]
    assert not {"dlr-url", "dlr-mask"} & set(given)
    assert given["coding"] == "0"


@pytest.mark.parametrize("sent_as", ["form", "json"])
async def test_another_gateways_shape_can_be_given(sent_as: str) -> None:
    """Names, templates, headers, the body's form, and where the gateway's own id is found are all settings."""
    answer = http(201, b'{"message": {"id": "m-1"}}')
    shape = {
        "method": "POST",
        "sent_as": sent_as,
        "parameters": {"msisdn": "{digits}", "body": "{text}", "origin": "{sender}", "tag": "habarshy-{key}"},
        "headers": {"Authorization": "Bearer secret-token"},
        "answer": r'"id":\s*"(?P<id>[^"]+)"',
    }
    async with gateway(answer) as peer, sms_by(peer.port, **shape) as notifier:
        outcomes = await notifier.send([message := sms(text='a "quoted" Ә {to}')])
    (request,) = peer.requests
    assert outcomes == [Accepted("m-1")]
    assert request["headers"]["authorization"] == "bearer secret-token"
    assert request["parameters"] == {}
    expected = {
        "msisdn": "77012345678",
        "body": 'a "quoted" Ә {to}',
        "origin": "1414",
        "tag": f"habarshy-{message.key}",
    }
    if sent_as == "json":
        assert json.loads(request["body"]) == expected
    else:
        assert b"msisdn=77012345678&body=a+%22quoted%22+%D3%98+%7Bto%7D" in request["body"]


@pytest.mark.parametrize("sent_as", ["query", "form", "json"])
async def test_words_stay_words(sent_as: str) -> None:
    """Whatever stands in a text is neither a parameter nor a header of its own, nor another request."""
    text = "1&to=%2B70000000000#x\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1\r\n\r\n\0"
    shape = {"method": "POST", "sent_as": sent_as, "parameters": {"to": "{to}", "text": "{text}"}}
    async with gateway() as peer, sms_by(peer.port, **shape) as notifier:
        await notifier.send([sms(text=text)])
    (request,) = peer.requests
    assert "x-evil" not in request["headers"]
    body = request["body"].decode()
    read = json.loads(body) if sent_as == "json" else dict(parse_qsl(body)) or request["parameters"]
    assert read == {"to": "+77012345678", "text": text}


async def test_an_idempotency_header_makes_doubles_harmless() -> None:
    """Where the gateway removes doubles, every attempt has the same key and the same reference."""
    async with gateway() as peer, sms_by(peer.port, idempotency_header="Idempotency-Key") as notifier:
        outcomes = [(await notifier.send([sms(attempt=attempt)]))[0] for attempt in (1, 2)]
        assert notifier.removes_doubles
    keys = {request["headers"]["idempotency-key"] for request in peer.requests}
    assert keys == {sms().key}
    assert outcomes == [Accepted(sms().key)] * 2


async def test_the_trace_goes_on_to_the_gateway() -> None:
    """A message whose event has a trace hands it on as a header, any other has none."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with gateway() as peer, sms_by(peer.port) as notifier:
        await notifier.send([sms(traceparent=trace)])
        await notifier.send([sms()])
    assert [request["headers"].get("traceparent") for request in peer.requests] == [trace, None]


async def test_without_it_each_attempt_has_its_own_reference() -> None:
    """A report about the first attempt is none about the second."""
    async with gateway() as peer, sms_by(peer.port) as notifier:
        outcomes = [(await notifier.send([sms(attempt=attempt)]))[0] for attempt in (1, 2)]
        assert not notifier.removes_doubles
    assert outcomes == [Accepted(f"{sms().key}:1"), Accepted(f"{sms().key}:2")]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (http(202, b"3: Queued for later delivery"), Accepted(f"{sms().key}:1")),
        (http(202, b"Sent."), Unknown(Reason.GARBLED, "202")),
        (http(200, b"x" * 2_000_000), Unknown(Reason.GARBLED, "200")),
        (http(200, TAKEN + b"x" * 2_000_000), Accepted(f"{sms().key}:1")),
        (http(400, b"no"), GiveUp(Reason.REJECTED, "400")),
        (http(413), GiveUp(Reason.TOO_LARGE, "413")),
        (http(401), RetryLater(None, Reason.NOT_ADMITTED, "401")),
        (http(402), RetryLater(None, Reason.NOT_ADMITTED, "402")),
        (http(403, b"Authorization failed"), RetryLater(None, Reason.NOT_ADMITTED, "403")),
        (http(404), RetryLater(None, Reason.NOT_ADMITTED, "404")),
        (http(429, Retry_After="120"), RetryLater(timedelta(minutes=2), Reason.BUSY, "429", everybody=True)),
        (
            http(503, Retry_After="Sun, 01 Mar 2026 04:00:30 GMT"),
            RetryLater(timedelta(seconds=30), Reason.BUSY, "503", everybody=True),
        ),
        (http(429, Retry_After="soon"), RetryLater(None, Reason.BUSY, "429")),
        (http(503), RetryLater(None, Reason.BUSY, "503")),
        (http(500), Unknown(Reason.GARBLED, "500")),
        (http(502), Unknown(Reason.GARBLED, "502")),
        (http(504), Unknown(Reason.GARBLED, "504")),
        (b"", Unknown(Reason.LINK_LOST)),
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\nhalf", Unknown(Reason.TIMED_OUT)),
    ],
)
async def test_what_the_gateway_answers_is_classified(answer: bytes, outcome: Outcome) -> None:
    """Only its own words of success are success; what may have been passed on is unknown."""
    limits = {"connect_timeout": 0.9, "timeout": 1.0} if outcome == Unknown(Reason.TIMED_OUT) else {}
    async with gateway(answer) as peer, sms_by(peer.port, **limits) as notifier:
        assert await notifier.send([sms()]) == [outcome]


WORDS = {
    "answer": r'"id":\s*(?P<id>\d+)',
    "bad_address": r'"error_code":\s*7\b',
    "rejected": r'"error_code":\s*[168]\b',
    "busy": r'"error_code":\s*[49]\b',
    "not_admitted": r'"error_code":\s*[23]\b',
}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (http(200, b'{"id": 42}'), Accepted("42")),
        (http(200, b'{"error_code": 7, "id": 42}'), GiveUp(Reason.BAD_ADDRESS, "200")),
        (http(200, b'{"error_code": 6, "id": 42}'), GiveUp(Reason.REJECTED, "200")),
        (http(200, b'{"error_code": 9}', Retry_After="60"), RetryLater(timedelta(minutes=1), Reason.BUSY, "200")),
        (http(200, b'{"error_code": 9}'), RetryLater(None, Reason.BUSY, "200")),
        (http(200, b'{"error_code": 2}'), RetryLater(None, Reason.NOT_ADMITTED, "200")),
        (http(400, b'{"error_code": 2}'), RetryLater(None, Reason.NOT_ADMITTED, "400")),
        (http(500, b'{"error_code": 7}'), GiveUp(Reason.BAD_ADDRESS, "500")),
        (http(200, b'{"error_code": 5}'), Unknown(Reason.GARBLED, "200")),
        (http(500, b'{"error_code": 77}'), Unknown(Reason.GARBLED, "500")),
    ],
)
async def test_refusals_are_known_by_their_words(answer: bytes, outcome: Outcome) -> None:
    """A gateway that says its refusals with status 200, and gives them an id, is understood by settings alone."""
    async with gateway(answer) as peer, sms_by(peer.port, **WORDS) as notifier:
        assert await notifier.send([sms()]) == [outcome]


async def test_no_words_of_refusal_match_nothing() -> None:
    """An empty expression is none, so that Kannel's may be taken out."""
    async with gateway(http(403, b"Not routable. Do not try again.")) as peer, sms_by(peer.port, rejected="") as by:
        assert await by.send([sms()]) == [RetryLater(None, Reason.NOT_ADMITTED, "403")]


async def test_no_redirect_is_followed() -> None:
    """A gateway cannot send the account and the citizen's number elsewhere."""
    async with gateway() as elsewhere:
        moved = http(307, Location=f"http://127.0.0.1:{elsewhere.port}/")
        async with gateway(moved) as peer, sms_by(peer.port) as notifier:
            (outcome,) = await notifier.send([sms()])
    assert isinstance(outcome, RetryLater)
    assert elsewhere.requests == []


async def test_a_certificate_that_is_not_trusted_means_that_nothing_goes(authority: Authority) -> None:
    """The account is only sent to whom the authority vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf = authority.leaf()
    context.load_cert_chain(leaf.certificate, leaf.key)
    async with gateway(tls=context) as peer:
        url = f"https://127.0.0.1:{peer.port}/send"
        async with sms_by(url) as notifier:
            assert await notifier.send([sms()]) == [RetryLater(None, Reason.NOT_ADMITTED)]
        async with sms_by(url, ca_file=authority.file) as notifier:
            (outcome,) = await notifier.send([sms()])
    assert isinstance(outcome, Accepted)
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("half a character \ud83c", Reason.BAD_CONTENT),
        ("long " * 400, Reason.TOO_LARGE),
        ("x" * 2_000_000, Reason.TOO_LARGE),
    ],
)
async def test_words_that_cannot_be_carried_are_given_up(text: str, reason: Reason) -> None:
    """They are refused before they cost anything."""
    async with gateway() as peer, sms_by(peer.port) as notifier:
        assert await notifier.send([sms(text=text)]) == [GiveUp(reason)]
    assert peer.requests == []


async def test_nothing_secret_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Account, number and words are in no outcome, no log and no repr, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    shown = ""
    for answer in (b"", http(400, b"secret +77012345678"), http(500), b"garbage\r\n\r\n"):
        async with gateway(answer) as peer, sms_by(peer.port, headers={"X-Key": "secret"}) as notifier:
            shown += f"{await notifier.send([sms()])!r}{notifier!r}"
    reports = "https://habarshy.test/?token=secret&reference={reference}"
    parameters = {"to": "{to}", "text": "{text}", "key": "secret", "dlr": "{report_url}"}
    given = options("http://127.0.0.1:1/", headers={"X-Key": "secret"}, report_url=reports, parameters=parameters)
    shown += f"{given!r}{given}{caplog.text}"
    for secret in ("secret", "7012345678", "Мерзімі"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        ({"url": "ftp://gateway.test/"}, "url"),
        ({"url": "https://habarshy:secret@gateway.test/"}, "url"),
        ({"url": "https://gateway.test/?password=secret"}, "url"),
        ({"url": "https:///"}, "url"),
        ({"method": "PUT"}, "method"),
        ({"sent_as": "form"}, "sent_as"),
        ({"parameters": {"to": "{to}", "text": "{words}"}}, "parameters"),
        ({"parameters": {"to": "{to}"}}, "parameters"),
        ({"parameters": {"text": "{text}"}}, "parameters"),
        ({"answer": "("}, "answer"),
        ({"busy": "("}, "busy"),
        ({"report_url": "https://habarshy.test/"}, "report_url"),
        ({"report_url": REPORTS, "parameters": {"to": "{to}", "text": "{text}"}}, "report_url"),
        ({"headers": {"X Key": "secret"}}, "headers"),
        ({"headers": {"X-Key": "a\r\nb"}}, "headers"),
        ({"region": "Kazakhstan"}, "region"),
        ({"timeout": 0}, "timeout"),
        ({"pasword": "secret"}, "pasword"),
    ],
)
def test_a_mistake_is_told_by_its_field(setting: dict[str, Any], field: str) -> None:
    """A setting that could never work names itself, without what was given."""
    with pytest.raises(ValidationError) as error:
        options(**({"url": "https://gateway.test/"} | setting))
    assert field in str(error.value)
    assert "secret" not in str(error.value)


async def test_it_is_made_from_its_kind() -> None:
    """An operator finds it by its name, and its options make a notifier that takes telephone numbers."""
    assert kind("http_sms") is KIND
    notifier = KIND.make(options("https://gateway.test/"), Tools(lambda: AT, KeptInbound()))
    assert (KIND.channel, notifier.channel) == ("sms", "sms")
    assert notifier.reaches(number(1))
    await notifier.start()
    await notifier.aclose()
