"""/mcp: a citizen's assistant asks over HTTP (MCP by its Streamable HTTP), with the token that they gave it.

Every request stands for itself: no session is kept, so any process answers, and a token that ended is of no more use.
"""

import asyncio
from contextvars import ContextVar
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.compose import Platform
from app.http.access import CHALLENGE, token_of
from app.http.limits import Limits, too_many_requests
from app.http.problems import Problem
from app.identity.links import BadLink

if TYPE_CHECKING:
    from mcp.server import MCPServer

PATH, MOST_BYTES = "/mcp", 64 * 1024
PATIENCE = 30.0
"""The seconds in which an answer has to be given whole. A stream would outlast the token that it began with."""
REQUESTS = 60
"""Requests a minute for one person, by whichever of their tokens: a connection takes three, each question one."""
_TOKEN: ContextVar[str] = ContextVar("token")


class AssistantCalls:
    """Answers an assistant for the person whose token it has; `limits` counts their requests, unless it is None."""

    def __init__(self, platform: Platform, limits: Limits | None, patience: float = PATIENCE) -> None:
        self._platform, self._limits, self._patience = platform, limits, patience

    def route(self) -> Route:
        """Return the route."""
        return Route(PATH, self, methods=["POST"], include_in_schema=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request.

        Raises:
            Problem: 401 where the token is nobody's, or too old; 429 where its person asks too often; 503 where the
                answer takes too long.
        """
        token = token_of(Request(scope))
        server, person = await run_in_threadpool(self._ready, token)
        if self._limits is not None:
            _, left, seconds = await self._limits.take_request(f"person {person}")
            if left < 0:
                raise too_many_requests(seconds)
        _TOKEN.set(token)
        try:
            async with asyncio.timeout(self._patience):
                await _answer(server, scope, receive, send)
        except TimeoutError:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the answer took too long; ask again") from None

    def _ready(self, token: str) -> tuple["MCPServer", str]:
        """Return the server, and the person of the token."""
        from app.reports.assistant import person_of_token  # noqa: PLC0415  (a second of imports that no other request needs)

        try:
            return self._server, person_of_token(self._platform, token)
        except BadLink:
            detail = "the request has no personal token that is valid now; the page My data makes one"
            raise Problem(HTTPStatus.UNAUTHORIZED, detail, kind="no-key", headers=CHALLENGE) from None

    @cached_property
    def _server(self) -> "MCPServer":
        from app.reports.assistant import Assistant  # noqa: PLC0415  (as above)

        return Assistant(self._platform, _TOKEN.get).server()


async def _answer(server: "MCPServer", scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request by a session manager of its own: nothing that it begins outlasts the answer."""
    from mcp.server.transport_security import TransportSecuritySettings  # noqa: PLC0415  (as above)

    anywhere = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # no browser sends a token by itself
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=MOST_BYTES,
        transport_security=anywhere,
    )
    async with server.session_manager.run():
        await app(scope, receive, send)
