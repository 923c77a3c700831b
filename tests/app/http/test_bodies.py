import json
from http import HTTPStatus

import pytest
from fastapi import Request
from starlette.types import Message

from app.compose import Platform
from app.http.application import application
from app.http.bodies import MOST_BYTES, read_body
from app.http.openapi import KEYED
from app.http.problems import MEDIA_TYPE, Problem
from tests.app.http.wire import client_of, key_of, routes_of

PIECE, MEGABYTE = 1000, b" " * 1024 * 1024
PARTS = {"person": "0" * 32, "nudge": "0" * 32, "name": "a", "hash": "0" * 64, "id": 1, "viewing": "0" * 32}
"""What stands in the places of a path."""


class Sender:
    """Sends pieces of a body as long as anybody takes them."""

    def __init__(self, pieces: int, *, announced: int | None = None) -> None:
        self.left, self.taken = pieces, 0
        headers = [] if announced is None else [(b"content-length", str(announced).encode())]
        self.request = Request({"type": "http", "method": "POST", "headers": headers}, self.receive)

    async def receive(self) -> Message:
        """The next piece."""
        self.left -= 1
        self.taken += 1
        return {"type": "http.request", "body": b"x" * PIECE, "more_body": self.left > 0}


async def test_a_body_is_read_whole() -> None:
    """A body of exactly the limit is read, whether its length was announced or not."""
    assert await read_body(Sender(3).request, 3 * PIECE) == b"x" * 3 * PIECE
    assert await read_body(Sender(3, announced=3 * PIECE).request, 3 * PIECE) == b"x" * 3 * PIECE


async def test_a_growing_body_is_left_at_the_limit() -> None:
    """Of a body far over the limit, the limit and one piece more are taken, and that is all that is ever held."""
    sender = Sender(1000)
    with pytest.raises(Problem) as raised:
        await read_body(sender.request, 3 * PIECE)
    assert (raised.value.status, sender.taken) == (413, 4)


async def test_an_announced_body_over_the_limit_is_not_begun() -> None:
    """Where the length is announced, nothing is taken at all."""
    sender = Sender(10, announced=10 * PIECE)
    with pytest.raises(Problem):
        await read_body(sender.request, 3 * PIECE)
    assert sender.taken == 0


async def test_a_wrong_announcement_helps_nobody() -> None:
    """Who announces little, or nonsense, and sends much is stopped at the limit all the same."""
    with pytest.raises(Problem):
        await read_body(Sender(10, announced=-1).request, 3 * PIECE)
    with pytest.raises(Problem):
        await read_body(Sender(10, announced=1).request, 3 * PIECE)


class Endless:
    """Sends for ever, and hears the answer."""

    def __init__(self) -> None:
        self.taken, self.heard = 0, list[Message]()

    async def receive(self) -> Message:
        """One megabyte more; who takes more than any route may is at fault."""
        self.taken += len(MEGABYTE)
        assert self.taken <= MOST_BYTES + len(MEGABYTE)
        return {"type": "http.request", "body": MEGABYTE, "more_body": True}

    async def send(self, message: Message) -> None:
        """A piece of the answer."""
        self.heard.append(message)


async def test_no_route_takes_an_endless_body(platform: Platform) -> None:
    """Whoever has no key and sends for ever is answered by a problem, at what is the most of any route."""
    app = application(platform)
    routes = [each for each in routes_of(app) if each.path.startswith(KEYED) and each.methods != {"GET"}]
    assert len(routes) > 10
    for route in routes:
        sender, path = Endless(), route.path.format_map(PARTS)
        scope = {
            "type": "http",
            "method": min(route.methods or ()),
            "path": path,
            "query_string": b"",
            "root_path": "",
            "headers": [(b"content-type", b"application/json")],
            "client": ("192.0.2.1", 1),
        }
        await app(scope, sender.receive, sender.send)
        begin, *rest = sender.heard
        assert begin["status"] in {HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}, path
        assert (b"content-type", MEDIA_TYPE.encode()) in begin["headers"]
        assert json.loads(b"".join(each["body"] for each in rest))["status"] == begin["status"]


@pytest.mark.parametrize("path", ["/events", "/lint"])
@pytest.mark.parametrize(("announced", "keyed"), [(True, False), (True, True), (False, True)])
def test_whoever_sends_too_much_gets_a_problem(
    platform: Platform, path: str, *, announced: bool, keyed: bool
) -> None:
    """As an ordinary client sends it, with its length, or in pieces, and under an Idempotency-Key, too."""
    pieces, key = (MEGABYTE for _ in range(17)), f"Bearer {key_of(platform, 'interior')}"
    headers = {"authorization": key, "idempotency-key": "a"} if keyed else {}
    client = client_of(application(platform), **headers, **{"content-type": "application/json"})
    answer = client.post(path, content=b"".join(pieces) if announced else pieces)
    assert (answer.status_code, answer.headers["content-type"], answer.json()["status"]) == (413, MEDIA_TYPE, 413)
