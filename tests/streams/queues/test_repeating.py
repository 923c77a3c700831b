"""Idempotency-Key: the same request under one key is done once and answered the same, on both databases."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from app.server import application
from streams.log.mapper import Entry
from streams.queues.idempotency import IdempotencyKeys, RequestInProgress
from streams.runtime import cleanup
from tests.app.http.wire import BATCHED, STRUCTURED, client_of, event, key_of, registry_of
from tests.world import World

REPLAYED = "idempotency-replayed"


@pytest.fixture
def world(tmp_path: Path, url: str) -> Iterator[World]:
    """A platform on SQLite, and one on PostgreSQL."""
    made = World(tmp_path, url=url)
    yield made
    made.close()


def facts(world: World) -> list[Entry]:
    """What the log has."""
    return list(world.entries())


def test_the_same_request_is_answered_the_same(world: World) -> None:
    """The second answer is the first one, also where the request by itself would be answered otherwise."""
    client = registry_of(world.platform)
    first = client.post("/events", json=event(), headers=STRUCTURED | {"idempotency-key": "a-1"})
    again = client.post("/events", json=event(), headers=STRUCTURED | {"idempotency-key": "a-1"})
    other = client.post("/events", json=event(), headers=STRUCTURED | {"idempotency-key": "a-2"})
    assert (first.status_code, first.json(), REPLAYED in first.headers) == (202, {"status": "accepted"}, False)
    assert (again.status_code, again.json(), again.headers[REPLAYED]) == (202, {"status": "accepted"}, "true")
    assert again.headers["content-type"] == first.headers["content-type"]
    assert other.json() == {"status": "duplicate"}


def test_refusals_are_kept_as_well(world: World) -> None:
    """What was refused stays refused under its key, with the same words."""
    client, headers = registry_of(world.platform), STRUCTURED | {"idempotency-key": "a-1"}
    first, again = (client.post("/events", json=event(type_="no.such"), headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (400, 400)
    assert first.content == again.content


@pytest.mark.parametrize("more", [{"json": event(id="other")}, {"json": [event()], "headers": BATCHED}])
def test_a_key_belongs_to_one_request(world: World, more: dict[str, object]) -> None:
    """Another body, or another kind of it, under a key that was used is refused, and nothing is stored."""
    client = registry_of(world.platform)
    client.post("/events", json=event(), headers=STRUCTURED | {"idempotency-key": "a-1"})
    before = len(facts(world))
    headers = {**STRUCTURED, **more.pop("headers", {}), "idempotency-key": "a-1"}  # type: ignore[dict-item]
    refused = client.post("/events", headers=headers, **more)  # type: ignore[arg-type]
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:habarshy:problem:idempotency-key")
    assert len(facts(world)) == before


def test_keys_are_each_callers_own(world: World) -> None:
    """Two callers may choose the same key; neither sees the other's answer."""
    app = application(world.platform)
    one, other = (
        client_of(app, authorization=f"Bearer {key_of(world.platform, 'interior', name=name)}") for name in "ab"
    )
    headers = STRUCTURED | {"idempotency-key": "same"}
    assert one.post("/events", json=event(), headers=headers).json() == {"status": "accepted"}
    answer = other.post("/events", json=event(), headers=headers)
    assert (answer.json(), REPLAYED in answer.headers) == ({"status": "duplicate"}, False)


def test_who_has_no_key_gets_no_answer_of_others(world: World) -> None:
    """Without a valid caller nothing is kept and nothing is shown: 401 comes first."""
    client = client_of(application(world.platform))
    headers = STRUCTURED | {"idempotency-key": "a-1"}
    assert client.post("/events", json=event(), headers=headers).status_code == 401
    assert registry_of(world.platform).post("/events", json=event(), headers=headers).status_code == 202


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a\x1f", b"\x7f", b"a\xe9"])
def test_a_key_that_is_none_is_refused(world: World, key: bytes) -> None:
    """Too long, empty or not printable: 400 with the header named, and nothing stored."""
    before = len(facts(world))
    client = registry_of(world.platform)
    headers = [*((name.encode(), value.encode()) for name, value in STRUCTURED.items()), (b"idempotency-key", key)]
    refused = client.post("/events", json=event(), headers=headers)
    assert refused.status_code == 400
    assert "Idempotency-Key" in refused.json()["detail"]
    assert len(facts(world)) == before


def test_answers_are_kept_for_a_day(world: World) -> None:
    """After that the key is free: the request is done as if it was new, and tidying leaves nothing of it."""
    client, headers = registry_of(world.platform), STRUCTURED | {"idempotency-key": "a-1"}
    client.post("/events", json=event(), headers=headers)
    world.at(world.clock() + timedelta(hours=24, seconds=1))
    cleanup.run(world.platform.database, world.clock())
    assert client.post("/events", json=event(), headers=headers).json() == {"status": "duplicate"}


async def test_the_same_request_twice_at_once(world: World) -> None:
    """Of many at once exactly one is done; the others are told to ask again, or get its answer."""
    client, headers = registry_of(world.platform), STRUCTURED | {"idempotency-key": "a-1"}
    answers = await asyncio.gather(*(asyncio.to_thread(_post, client, headers) for _ in range(6)))
    assert 202 in answers
    assert set(answers) <= {202, 409}
    assert sum(getattr(entry.fact, "id", "") == "fine-1" for entry in facts(world)) == 1


def _post(client: TestClient, headers: dict[str, str]) -> int:
    return client.post("/events", json=event(), headers=headers).status_code


def test_one_under_way_is_waited_for_and_taken_over(world: World) -> None:
    """While it is under way others are told so; whose process died is done again after two minutes."""
    repeats = IdempotencyKeys(world.platform.database, world.clock)
    assert repeats.begin(b"k" * 16, b"r" * 16) is None
    with pytest.raises(RequestInProgress):
        repeats.begin(b"k" * 16, b"r" * 16)
    world.at(world.clock() + timedelta(minutes=2))
    assert repeats.begin(b"k" * 16, b"r" * 16) is None


def test_a_lost_race_is_told(world: World) -> None:
    """Of two that begin at the same moment one is told that it is under way."""
    repeats, begun, told = IdempotencyKeys(world.platform.database, world.clock), [], []

    def begin() -> None:
        try:
            begun.append(repeats.begin(b"k" * 16, b"r" * 16))
        except RequestInProgress:
            told.append(True)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(begun), len(told)) == (1, 3)


async def test_a_request_that_broke_off_was_none(world: World) -> None:
    """Who lost the connection in the midst of a body sends it whole under the same key, and it is done."""
    client, headers = registry_of(world.platform), STRUCTURED | {"idempotency-key": "a-1"}
    whole = json.dumps(event()).encode()
    came: Iterator[Message] = iter(
        [{"type": "http.request", "body": whole[:40], "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> Message:
        return next(came)

    async def send(_: Message) -> None:
        """Nobody is there any more."""

    given = {**headers, "authorization": client.headers["authorization"]}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/events",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("192.0.2.1", 1),
    }
    await client.app(scope, receive, send)
    answer = await asyncio.to_thread(client.post, "/events", content=whole, headers=headers)
    assert (answer.status_code, REPLAYED in answer.headers) == (202, False)
