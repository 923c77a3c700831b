import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from app.compose import Platform
from app.http.access import Access
from app.http.admission import KEYED, RULES, Admission, rule_of
from app.http.bodies import replaying
from app.http.events import MAX_BATCH_BYTES
from app.http.problems import MEDIA_TYPE, MOST_ERRORS, FieldError, Problem
from app.identity.principals import add
from app.providers import ProviderSettings
from app.server import application
from domain.facts.principals import Principal, Role
from domain.facts.principals import Scope as Allowed
from streams.intake.strict_json import has_more_items
from tests.app.http.wire import BATCHED, client_of, event, registry_of, routes_of
from tests.world import World

PIECE, MEGABYTE = 16 * 1024, 1024 * 1024
PARTS = {
    "person": "0" * 32,
    "nudge": "0" * 32,
    "name": "a",
    "hash": "0" * 64,
    "id": "1",
    "viewing": "0" * 32,
    "token": "x",
    "provider": "x",
    "event": "0" * 32,
    "device": "0" * 32,
    "job": "x",
}
"""What stands in the places of a path."""
LETS_IN = "/sign-in/token"
"""The only route that reads a form of whom it does not know: it has them sign in."""
SECRET = "a-secret-key"


class Sender:
    """Sends for ever, and hears the answer."""

    def __init__(self) -> None:
        self.taken, self.heard = 0, list[Message]()

    async def receive(self) -> Message:
        """A piece more."""
        self.taken += PIECE
        return {"type": "http.request", "body": b" " * PIECE, "more_body": True}

    async def send(self, message: Message) -> None:
        """A piece of the answer."""
        self.heard.append(message)

    @property
    def status(self) -> int:
        """Of the answer."""
        return int(self.heard[0]["status"])


def called(method: str, path: str, token: str = "", type_: str = "application/json") -> dict[str, Any]:
    """The scope of a request."""
    headers = [(b"content-type", type_.encode())]
    headers += [(b"authorization", f"Bearer {token}".encode())] if token else []
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.1", 1),
    }


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of every route that may have a body."""
    for route in routes_of(app):
        for method in sorted((route.methods or set()) - {"GET", "HEAD"}):
            yield method, route.path.format_map(PARTS)
    yield "POST", "/mcp"


def everything(platform: Platform) -> str:
    """The token of somebody who may do everything."""
    who = Principal("root", "interior", frozenset(Role), {}, frozenset(Allowed))
    return add(platform.settings.principals, who)


@pytest.mark.parametrize("type_", ["application/json", "application/x-www-form-urlencoded"])
async def test_no_body_is_read_of_who_may_not_call(platform: Platform, type_: str) -> None:
    """Whoever has no key, visit, link or signature is answered before a byte of what they send is read."""
    app = application(platform)
    walked = list(routes(app))
    assert len(walked) > 40
    for method, path in walked:
        sender = Sender()
        await app(called(method, path, type_=type_), sender.receive, sender.send)
        if path == LETS_IN:
            assert sender.taken <= rule_of(path).most + PIECE
        else:
            assert (sender.taken, sender.status < 500) == (0, True), path
        if path.startswith(KEYED):
            assert sender.status == HTTPStatus.UNAUTHORIZED, path
            assert (b"content-type", MEDIA_TYPE.encode()) in sender.heard[0]["headers"]


async def test_an_unsigned_receipt_is_not_read(tmp_path: Path) -> None:
    """A provider's call without a signature is refused before its body is read."""
    told = {"kind": "http_sms", "url": "http://127.0.0.1:9/send", "sender": "1414"}
    sms = ProviderSettings.model_validate(told | {"receipts_secret": "whsec_" + "c2VjcmV0" * 4})
    world, sender = World(tmp_path, providers={"sms": sms}), Sender()
    await application(world.platform)(called("POST", "/receipts/sms"), sender.receive, sender.send)
    world.close()
    assert (sender.status, sender.taken) == (HTTPStatus.UNAUTHORIZED, 0)


async def test_every_route_has_a_limit(platform: Platform) -> None:
    """Whoever may do everything and sends for ever is stopped at the limit of the route, which most have at 64 kB."""
    app, token = application(platform), everything(platform)
    for method, path in routes(app):
        sender = Sender()
        await app(called(method, path, token), sender.receive, sender.send)
        most = rule_of(path).most
        assert sender.taken <= most + PIECE, path
        if path.startswith(KEYED) and path != "/events":
            assert sender.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE, path
    assert sorted(path for path, rule in RULES.items() if rule.most > 64 * 1024) == [
        "/backtests",
        "/events",
        "/lint",
        "/preview",
        "/receipts/",
        "/submissions",
        "/test",
        "/work/",
    ]


def test_an_error_is_short_and_repeats_no_key(platform: Platform) -> None:
    """A body of unknown keys gets a short problem on every route, in which none of the keys and values stands."""
    app, token = application(platform), everything(platform)
    client = client_of(app, authorization=f"Bearer {token}")
    body: dict[str, Any] = {f"{SECRET}-{number}": {SECRET: [SECRET]} for number in range(900)}
    body |= {"files": {f"{SECRET}-{number}": number for number in range(300)}, "categories": [SECRET] * 900}
    for method, path in routes(app):
        if path.startswith(KEYED):
            answer = client.request(method, path, json=body)
            assert len(answer.content) < 8 * 1024, path
            assert SECRET not in answer.text, path
            assert len(answer.json().get("errors", [])) <= MOST_ERRORS


def test_an_unknown_key_is_an_error_without_its_name(platform: Platform) -> None:
    """An unknown key is refused in words that tell what is wrong, though not how it is called."""
    client = client_of(application(platform), authorization=f"Bearer {everything(platform)}")
    answer = client.post("/persons", json={"national_id": "900101300017", "surname": "x", "k": 1})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["body.(a name that is not repeated)"]
    missing = client.post("/persons", json={}).json()["errors"]
    assert [each["field"] for each in missing] == ["body.national_id"]


@pytest.mark.parametrize("body", ['{"national_id": "900101300017", "national_id": "1"}', '{"a": {"b": 1, "b": 2}}'])
def test_a_key_that_stands_twice_is_refused(platform: Platform, body: str) -> None:
    """An object with the same key twice can be read in two ways, so the request is refused and nothing is done."""
    headers = {"authorization": f"Bearer {everything(platform)}", "content-type": "application/json"}
    client = client_of(application(platform), **headers)
    for path in ("/persons", "/lint", "/trails", "/triggers/clinic_attachment/pause"):
        answer = client.post(path, content=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "body")
        assert "twice" in answer.json()["detail"]


async def test_a_body_that_never_ends_is_not_waited_for(platform: Platform) -> None:
    """Whoever sends half of a body and no more is answered 408 after a while, and the connection ends."""

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["more_body"]:
            pass

    never, sender = asyncio.Event(), Sender()

    async def nothing() -> Message:
        await never.wait()
        raise AssertionError

    half = replaying([{"type": "http.request", "body": b"{", "more_body": True}], nothing)
    admission = Admission(app, Access(platform.settings.principals), lambda _, problem: problem.response(), 0.001)
    await admission(called("POST", "/seen/x"), half, sender.send)
    assert sender.status == HTTPStatus.REQUEST_TIMEOUT
    assert (b"connection", b"close") in sender.heard[0]["headers"]


async def test_no_route_reads_on_for_ever(platform: Platform) -> None:
    """A route that is opened by a link gets no more of a body than its limit either."""

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["more_body"]:
            pass

    sender = Sender()
    admission = Admission(app, Access(platform.settings.principals), lambda _, problem: problem.response(), 60)
    await admission(called("POST", "/stop/x"), sender.receive, sender.send)
    assert sender.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert sender.taken <= rule_of("/stop/x").most + PIECE


def test_of_many_errors_twenty_are_listed() -> None:
    """A problem lists the first errors and counts the others."""
    errors = [FieldError(field=str(number), reason="is wrong", code="bad") for number in range(30)]
    told = json.loads(bytes(Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "no", errors).response().body))
    assert [each["field"] for each in told["errors"]] == [str(number) for number in range(20)]
    assert told["detail"] == "no; 10 more errors are not listed"


def test_a_batch_is_counted_before_it_is_decoded(platform: Platform) -> None:
    """Ten megabytes of tiny items are refused as too many, in memory of a few times their size."""
    client = registry_of(platform)
    body = b"[" + b"{}," * (MAX_BATCH_BYTES // 3 - 1) + b"{}]"
    tracemalloc.start()
    answer = client.post("/events", content=body, headers=BATCHED)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 413
    assert peak < 4 * len(body)


def test_items_are_counted_as_json_has_them() -> None:
    """Brackets and commas within items and strings count for nothing; whatever is no array has no items."""
    items: list[Any] = [event(), {"a": [1, {"b": [2, 3]}]}, 'a "quoted", [text', [], [[1, 2], [3]], "\\"]
    for most in range(1, 9):
        assert has_more_items(json.dumps(items, indent=most % 3).encode(), most) == (len(items) > most)
    for text in (b"", b" ", b"[", b"[]", b"{}", b'"[1,2,3]"', b'{"a": [1,2,3]}', b'["', b"[1,"):
        assert not has_more_items(text, 2)
