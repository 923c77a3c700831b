"""Reads request bodies without ever holding more than is allowed, and says what kind they are."""

from collections.abc import Iterable
from email.message import Message
from functools import lru_cache
from http import HTTPStatus

from fastapi import Request
from msgspec import Struct
from starlette.types import Message as AsgiMessage
from starlette.types import Receive

from app.http.problems import Problem
from domain.core.translatable import Words

PRINTABLE = r"^[^\x00]*$"
"""Text that every database can keep: PostgreSQL has no NUL."""
WITH_LETTERS = r"^[^\x00]*[^\x00-@\[-`{-\xbf][^\x00]*$"
"""Printed, with a character that is no digit, punctuation or sign of Latin-1, in every dialect of patterns."""


class MediaType(Struct, frozen=True):
    """A Content-Type: `essence` in lower case without parameters ("" where there is none), and its charset."""

    essence: str
    charset: str


def media_type_of(request: Request) -> MediaType:
    """Return the media type and the charset that the request declares."""
    return _media_type(request.headers.get("content-type", ""))


@lru_cache(maxsize=64)
def _media_type(header: str) -> MediaType:
    message = Message()
    message["content-type"] = header
    return MediaType(message.get_content_type() if header else "", str(message.get_param("charset", "utf-8")).lower())


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body.

    Raises:
        Problem: 413 as soon as it is known to have more than `limit` bytes, announced or not; 415 where it is
            compressed.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        headers = {"Accept-Encoding": "identity"}
        detail = "the body is compressed or encoded; send it as it is"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, headers=headers)
    check_announced(request, limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large(f"{limit // 1024} kB")
    return bytes(body)


def check_announced(request: Request, limit: int) -> None:
    """Raise a Problem (413) where the request announces a larger body."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large(f"{limit // 1024} kB")


def too_large(limit: str) -> Problem:
    """Return the problem of a body with more than that."""
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Words("the body has more than {limit}; send it in parts", limit=limit)
    )


def replaying(messages: Iterable[AsgiMessage], receive: Receive) -> Receive:
    """Return a receiver that repeats the messages read already, and then goes on with the rest."""
    waiting = iter(messages)

    async def read() -> AsgiMessage:
        found = next(waiting, None)
        return found if found is not None else await receive()

    return read
