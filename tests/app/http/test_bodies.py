import pytest
from fastapi import Request
from starlette.types import Message

from app.compose import Platform
from app.http.bodies import read_body
from app.http.problems import MEDIA_TYPE, Problem
from app.server import application
from domain.facts.principals import Role
from tests.app.http.wire import client_of, key_of

PIECE, MEGABYTE = 1000, b" " * 1024 * 1024


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


@pytest.mark.parametrize("path", ["/events", "/lint"])
@pytest.mark.parametrize("announced", [True, False])
def test_whoever_sends_too_much_gets_a_problem(platform: Platform, path: str, *, announced: bool) -> None:
    """As an ordinary client sends it, with its length, or in pieces, under an Idempotency-Key."""
    pieces = (MEGABYTE for _ in range(11))
    key = f"Bearer {key_of(platform, 'interior', roles=[Role.OPERATOR])}"
    client = client_of(
        application(platform),
        **{"authorization": key, "idempotency-key": "a", "content-type": "application/json"},
    )
    answer = client.post(path, content=b"".join(pieces) if announced else pieces)
    assert (answer.status_code, answer.headers["content-type"], answer.json()["status"]) == (413, MEDIA_TYPE, 413)
