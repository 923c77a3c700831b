import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.compose import Platform
from tests.app.http.wire import (
    BATCHED,
    FINE,
    STRUCTURED,
    TRACE,
    Mode,
    event,
    headers_of,
    post,
    post_alone_in_batch,
    post_batch,
    post_binary,
    stored,
)

BODY = json.dumps(event())


def test_a_new_event_is_accepted(client: TestClient, platform: Platform) -> None:
    """202 says that the event is new, and it is in the log by then."""
    answer = post(client, event())
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert [(one.source, one.id) for one in stored(platform)] == [("/registry/interior", "fine-1")]


def test_the_three_modes_give_one_stored_event(client: TestClient, platform: Platform) -> None:
    """Structured, batched and binary mode carry the same event: the later ones are duplicates of the first."""
    assert post(client, event()).status_code == 202
    batch, binary = post_batch(client, [event()]), post_binary(client, event())
    assert (batch.status_code, batch.json()["results"]) == (200, [{"status": "duplicate"}])
    assert (binary.status_code, binary.json()) == (200, {"status": "duplicate"})
    assert len(stored(platform)) == 1


@pytest.mark.parametrize("mode", [post, post_binary, post_alone_in_batch])
def test_every_mode_stores_the_same(client: TestClient, platform: Platform, mode: Mode) -> None:
    """Whatever mode it comes by, a correction with a trace is stored with the same content."""
    made = event(id="fine-1b", corrects="fine-1", revision=2, traceparent=TRACE)
    assert mode(client, made).is_success
    [kept] = stored(platform)
    assert (kept.id, kept.corrects, kept.revision, kept.traceparent) == ("fine-1b", "fine-1", 2, TRACE)
    assert {**kept.fields["driver"], **kept.fields["public"]} == FINE
    assert kept.time.isoformat() == "2025-06-02T06:00:00+00:00"


def test_headers_are_percent_decoded(client: TestClient, platform: Platform) -> None:
    """In binary mode an attribute may hold any character: it is percent-encoded UTF-8 in its header."""
    post_binary(client, event(id='Айыппұл № 1, "50%"'))
    assert [one.id for one in stored(platform)] == ['Айыппұл № 1, "50%"']


def test_quoted_headers_of_older_senders_are_understood(client: TestClient, platform: Platform) -> None:
    """A double-quoted header value, as earlier versions of the binding wrote it, is read without its quotes."""
    headers = headers_of(event()) | {"ce-id": r'"a \"quoted\" id"'}
    assert client.post("/events", content=json.dumps(FINE), headers=headers).status_code == 202
    assert [one.id for one in stored(platform)] == ['a "quoted" id']


@pytest.mark.parametrize("headers", [STRUCTURED, headers_of(event()), BATCHED])
def test_the_trace_of_the_request_is_kept(client: TestClient, platform: Platform, headers: dict[str, str]) -> None:
    """A traceparent header (W3C) belongs to the event that came with it."""
    body: Any = {STRUCTURED["content-type"]: event(), BATCHED["content-type"]: [event()]}
    content = json.dumps(body.get(headers["content-type"], FINE))
    assert client.post("/events", content=content, headers=headers | {"traceparent": TRACE}).is_success
    assert [one.traceparent for one in stored(platform)] == [TRACE]


def test_the_events_own_trace_goes_before_that_of_the_request(client: TestClient, platform: Platform) -> None:
    """A trace that the event names itself is never replaced by that of a relay on the way."""
    other = TRACE.replace("b7", "c8")
    post_headers = headers_of(event(traceparent=TRACE)) | {"traceparent": other}
    client.post("/events", content=json.dumps(FINE), headers=post_headers)
    assert [one.traceparent for one in stored(platform)] == [TRACE]


def test_a_malformed_trace_is_no_trace(client: TestClient, platform: Platform) -> None:
    """A traceparent header that is none is left out and nothing else happens (W3C Trace Context)."""
    client.post("/events", content=BODY, headers=STRUCTURED | {"traceparent": "00-secret-01"})
    assert [one.traceparent for one in stored(platform)] == [None]


def test_the_media_type_may_have_parameters(client: TestClient) -> None:
    """The charset may be said, and the case of a media type means nothing."""
    headers = {"content-type": "Application/CloudEvents+JSON; charset=UTF-8"}
    assert client.post("/events", content=BODY, headers=headers).status_code == 202


def test_a_body_of_unknown_length_is_read(client: TestClient) -> None:
    """A registry may stream the body without saying how long it is."""

    def pieces() -> Iterator[bytes]:
        yield BODY[:20].encode()
        yield BODY[20:].encode()

    assert client.post("/events", content=pieces(), headers=STRUCTURED).status_code == 202


def test_an_event_by_http_is_live(client: TestClient, platform: Platform) -> None:
    """Nothing that comes by HTTP is a historical load, whatever attributes the event brings along."""
    post(client, event(ahead_from="2030-01-01T00:00:00Z", historical=True))
    assert [one.ahead_from for one in stored(platform)] == [None]
