"""Requests that their senders may send again (Idempotency-Key): done once, and answered the same from then on.

Source: draft-ietf-httpapi-idempotency-key-header-07. A request without the header is as it always was; most of ours
do nothing the second time anyway.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from http import HTTPStatus

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.access import Access
from app.http.admission import KEYED
from app.http.bodies import replaying
from app.http.problems import Problem, unavailable_problem
from domain.core.ids import keyed_hash
from streams.queues.idempotency import IdempotencyKeys, KeyReused, RequestInProgress, StoredResponse
from streams.storage.errors import UNAVAILABLE_ERRORS

HEADER, REPLAYED = "idempotency-key", "idempotency-replayed"
LONGEST = 255
_KEY = re.compile(rf"[ -~]{{1,{LONGEST}}}")
_GONE = "http.disconnect"
UNSETTLED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class Idempotency:
    """Keeps the first answer to each key of each caller for a while."""

    def __init__(self, app: ASGIApp, repeats: IdempotencyKeys, access: Access, secret: bytes) -> None:
        self._app, self._repeats, self._access, self._secret = app, repeats, access, secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
        key = None if request is None else request.headers.get(HEADER)
        if (
            request is None
            or key is None
            or not request.url.path.startswith(KEYED)
            or self._access.caller_if_known(request) is None
        ):
            await self._app(scope, receive, send)
            return
        try:
            await self._once(request, key, receive, send)
        except Problem as problem:
            await problem.response()(scope, receive, send)
        except UNAVAILABLE_ERRORS as error:
            await unavailable_problem(request, error).response()(scope, receive, send)

    async def _once(self, request: Request, key: str, receive: Receive, send: Send) -> None:
        if not _KEY.fullmatch(key):
            detail = f"Idempotency-Key has 1 to {LONGEST} printable characters of ASCII"
            raise Problem(HTTPStatus.BAD_REQUEST, detail, kind="idempotency-key")
        messages, body = await _read(receive)
        if messages[-1]["type"] == _GONE:  # whoever sends it whole later sends it for the first time
            await self._app(request.scope, replaying(messages, receive), send)
            return
        name = self._hash("key", request.headers["authorization"], key)
        url, media_type = request.url, request.headers.get("content-type", "")
        asked = self._hash("request", url.path, url.query, media_type, blake2b(body).hexdigest())
        try:
            before = await asyncio.to_thread(self._repeats.begin, name, asked)
        except KeyReused as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), kind="idempotency-key") from None
        except RequestInProgress as error:
            raise Problem(HTTPStatus.CONFLICT, str(error), kind="idempotency-key") from None
        if before is None:
            await self._first(request, name, replaying(messages, receive), send)
            return
        headers = {REPLAYED: "true"} | ({"content-type": before.media_type} if before.media_type else {})
        await Response(before.body, before.status, headers)(request.scope, receive, send)

    async def _first(self, request: Request, name: bytes, receive: Receive, send: Send) -> None:
        """Answer the first request with this key; the answer is kept before it is sent."""
        heard: list[Message] = []

        async def hear(message: Message) -> None:
            heard.append(message)

        try:
            await self._app(request.scope, receive, hear)
        except BaseException:
            await asyncio.to_thread(self._repeats.forget, name)
            raise
        with suppress(
            *UNAVAILABLE_ERRORS
        ):  # then it counts as under way for a while, and is done once more after that
            answered = _settled(heard)
            keep = partial(self._repeats.end, name, answered) if answered else partial(self._repeats.forget, name)
            await asyncio.to_thread(keep)
        for message in heard:
            await send(message)

    def _hash(self, *parts: str) -> bytes:
        return keyed_hash(self._secret, *parts)


def _settled(heard: Sequence[Message]) -> StoredResponse | None:
    """Return the answer, if it holds: a defect, an outage or a missing key says nothing about the request."""
    status = heard[0]["status"]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in UNSETTLED:
        return None
    media_type = dict(heard[0]["headers"]).get(b"content-type", b"").decode("latin-1")
    return StoredResponse(status, media_type, b"".join(message.get("body", b"") for message in heard[1:]))


async def _read(receive: Receive) -> tuple[list[Message], bytes]:
    """Return the messages of a request's body, and the body.

    How large it may be was said before (app.http.admission).
    """
    messages, body = list[Message](), bytearray()
    while not messages or messages[-1].get("more_body", False):
        messages.append(await receive())
        body += messages[-1].get("body", b"")
    return messages, bytes(body)
