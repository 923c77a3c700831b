"""No request has a body larger than any route takes; whoever sends one is answered by a problem, as by a route."""

from http import HTTPStatus

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.bodies import MOST_BYTES, too_large


def install_bounds(app: FastAPI) -> None:
    """Let the app read no body beyond `MOST_BYTES`."""
    app.add_middleware(Bounded)


class _Unbounded(HTTPException):
    """More has come. Of the framework's own kind, for it takes any other error for a body that it cannot read."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class Bounded:
    """Refuses what is announced to be larger before anything is done, and what is not where it turns out to be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _check_announced(scope)
            await self._app(scope, _bounded(receive), send)
        except _Unbounded:  # announced, or noticed by what reads a body before there is a route
            problem = too_large(f"{MOST_BYTES // 1024} kB")
            await problem.response()(scope, receive, send)


def _check_announced(scope: Scope) -> None:
    announced = Headers(scope=scope).get("content-length", "")
    if announced.isdecimal() and int(announced) > MOST_BYTES:
        raise _Unbounded


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def read() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BYTES:
            raise _Unbounded
        return message

    return read
