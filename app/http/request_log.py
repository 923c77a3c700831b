"""The request log and the timings of requests, by the template of their route.

A path, its query and its headers may hold a token, an id or a name, so none of them is written: only the template
that the route was declared with (`/persons/{person}/inbox`).
"""

import logging
import time

from prometheus_client import CollectorRegistry, Histogram
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("habarshy.access")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
UNROUTED, PROBES = "unrouted", ("/livez", "/readyz")
CAUSE = "habarshy.cause"
"""The key in a request's scope that holds the kind of exception by which it failed."""
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SERVER_ERROR = 500


def note_cause(request: Request, error: Exception) -> None:
    """Note the kind of exception by which a request fails; its words may hold data."""
    request.scope[CAUSE] = type(error).__name__


class RequestLog:
    """Middleware that logs and times each request once it is answered."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._seconds = Histogram(
            "habarshy_http_request_seconds",
            "Duration of requests in seconds.",
            ["method", "route", "status"],
            buckets=BUCKETS,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and note it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), _SERVER_ERROR

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            scope[CAUSE] = type(error).__name__
            raise
        finally:
            self._note(scope, status, time.perf_counter() - begun)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = _template(scope)
        self._seconds.labels(method, route, str(status)).observe(seconds)
        if route in PROBES and status < _SERVER_ERROR:
            return  # a supervisor asks every few seconds
        cause = f" {scope[CAUSE]}" if CAUSE in scope else ""
        level = logging.INFO if status < _SERVER_ERROR else logging.ERROR
        log.log(level, "%s %s %d %.0f ms%s", method, route, status, seconds * 1000, cause)


def _template(scope: Scope) -> str:
    """Return the template of the route, also of a request that was refused before it came there."""
    if "route" in scope:
        return getattr(scope["route"], "path", UNROUTED)
    matching = (route for route in scope["app"].routes if route.matches(scope)[0] is Match.FULL)
    return getattr(next(matching, None), "path", "") or UNROUTED
