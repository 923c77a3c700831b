import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.compose import Platform
from streams.intake.cloudevents import MAX_BYTES
from tests.app.http.wire import BATCHED, DRIVER, FINE, STRUCTURED, Mode, event, headers_of, post, post_binary, stored

PROBLEM = "application/problem+json"
SECRET = "s3cr3t-words"
NEARLY = f"{DRIVER[:11]}{(int(DRIVER[11]) + 1) % 10}"

REFUSED = {
    "no type of this name": (event("kz.traffic.fine_isued"), "type", "unknown_type"),
    "no time": (event(time=None), "time", "invalid"),
    "no time zone": (event(time="2026-03-01T09:00:00"), "time", "no_zone"),
    "another version": (event(specversion="0.3"), "specversion", "invalid"),
    "an empty id": (event(id=" "), "id", "invalid"),
    "a bad national id": (event(subject=NEARLY), "subject", "bad_national_id"),
    "nobody named": (event(subject=None), "subject", "invalid"),
    "a wrong value": (event(data=FINE | {"issued_on": SECRET}), "data.issued_on", "bad_data"),
    "a missing field": (event(data={"number": "KZ-1"}), "data.amount", "bad_data"),
    "a correction of nothing": (event(revision=2), "corrects", "invalid"),
}


@pytest.mark.parametrize("mode", [post, post_binary])
@pytest.mark.parametrize(("made", "field", "code"), REFUSED.values(), ids=REFUSED)
def test_a_bad_event_is_refused_by_its_field(
    client: TestClient, platform: Platform, mode: Mode, made: dict[str, Any], field: str, code: str
) -> None:
    """A bad attribute or value is a 400 that names the field, repeats no value and changes nothing."""
    answer = mode(client, made)
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"], body["status"]) == (400, PROBLEM, 400)
    assert [(one["field"], one["code"]) for one in body["errors"]] == [(field, code)]
    assert body["type"] == "urn:habarshy:problem:event-refused"
    assert body["errors"][0]["reason"] in body["detail"]
    for value in (SECRET, DRIVER, NEARLY):
        assert value not in answer.text
    assert stored(platform) == []


@pytest.mark.parametrize("headers", [STRUCTURED, headers_of(event()), BATCHED])
@pytest.mark.parametrize("body", ["{", "", "[1", b'"\xff"', "[" * 100_000, '{"a":' * 40_000], ids=range(6))
def test_a_body_that_is_no_json_is_refused(client: TestClient, headers: dict[str, str], body: str | bytes) -> None:
    """Broken, empty, wrongly encoded and endlessly nested JSON is a 400 in every mode (no body: no data)."""
    answer = client.post("/events", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["errors"]


@pytest.mark.parametrize(("headers", "made"), [(STRUCTURED, event()), (BATCHED, [event()])], ids=["one", "batch"])
def test_an_attribute_without_a_value_is_refused(
    client: TestClient, platform: Platform, headers: dict[str, str], made: Any
) -> None:
    """An empty `ce-*` header is a 400 that names it also where attributes are in the body: somebody lost a value."""
    answer = client.post("/events", content=json.dumps(made), headers=headers | {"ce-time": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    assert [one["field"] for one in answer.json()["errors"]] == ["time"]
    assert stored(platform) == []


@pytest.mark.parametrize("body", ["[]", '"words"', "7"])
def test_data_must_be_an_object(client: TestClient, body: str) -> None:
    """In binary mode any other JSON than an object is refused as data."""
    answer = client.post("/events", content=body, headers=headers_of(event()))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "data")


@pytest.mark.parametrize(
    ("header", "value", "field"),
    [("ce-id", "a%ffb", "id"), ("ce-source", "/r\u00e9gistre".encode("latin-1"), "source")],
)
def test_headers_must_be_percent_encoded_utf_8(
    client: TestClient, header: str, value: str | bytes, field: str
) -> None:
    """A header value that is no percent-encoded UTF-8 is refused instead of being guessed at."""
    headers: dict[str, Any] = headers_of(event())
    answer = client.post("/events", content=json.dumps(FINE), headers=headers | {header: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_an_attribute_in_two_headers_is_refused(client: TestClient, platform: Platform) -> None:
    """Two headers of one attribute are never resolved by chance."""
    headers = [*headers_of(event()).items(), ("ce-id", "fine-2")]
    answer = client.post("/events", content=json.dumps(FINE), headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "id")
    assert stored(platform) == []


def test_the_data_cannot_come_by_header(client: TestClient) -> None:
    """`ce-data` is no attribute: without a body there is no data."""
    headers = headers_of(event()) | {"ce-data": json.dumps(FINE)}
    assert client.post("/events", content="", headers=headers).status_code == 400


def test_json_without_ce_headers_is_no_event(client: TestClient) -> None:
    """An event sent whole as application/json is told which attribute is missing."""
    answer = client.post("/events", json=event())
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "specversion")


def test_an_id_with_another_body_is_a_conflict(client: TestClient, platform: Platform) -> None:
    """409: the id stands for the first body for ever, and a correction needs an id of its own."""
    post(client, event())
    answer = post(client, event(data=FINE | {"amount": 1}))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "id_reused")
    assert len(stored(platform)) == 1


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "nonsense", "application/json; charset=utf-16"]
)
def test_another_content_type_is_not_read(client: TestClient, content_type: str) -> None:
    """415 says which content types there are."""
    answer = client.post("/events", content=json.dumps(event()), headers={"content-type": content_type})
    assert (answer.status_code, answer.headers["content-type"]) == (415, PROBLEM)
    assert "application/cloudevents-batch+json" in answer.headers["accept"]


def test_a_body_without_content_type_is_not_read(client: TestClient) -> None:
    """415, too, where nothing is said about the body."""
    assert client.post("/events", content=json.dumps(event())).status_code == 415


def test_a_compressed_body_is_not_read(client: TestClient) -> None:
    """415 says that the body must come as it is, before anything is made of its bytes."""
    answer = client.post("/events", content=b"\x1f\x8b", headers=STRUCTURED | {"content-encoding": "gzip"})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")


@pytest.mark.parametrize("headers", [STRUCTURED, headers_of(event())])
def test_a_body_over_the_limit_is_not_read(client: TestClient, headers: dict[str, str]) -> None:
    """413 where the announced length is over the limit."""
    answer = client.post("/events", content=b" " * (MAX_BYTES + 1), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


def test_a_body_of_unknown_length_over_the_limit_is_not_read(client: TestClient) -> None:
    """413 without a Content-Length too."""
    pieces: Iterator[bytes] = (b" " * (MAX_BYTES // 4) for _ in range(5))
    assert client.post("/events", content=pieces, headers=STRUCTURED).status_code == 413


def test_a_body_at_the_limit_is_read(client: TestClient) -> None:
    """The limit itself is allowed."""
    body = json.dumps(event())
    assert client.post("/events", content=body.ljust(MAX_BYTES), headers=STRUCTURED).status_code == 202
