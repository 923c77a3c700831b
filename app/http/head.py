"""HEAD is GET without the content (RFC 9110), as balancers and checkers of links ask; no route has to know it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

RECORDING = ("/gateways/", "/receipts/")
"""Paths on which a provider's GET is recorded, which no HEAD may do."""


def has_head(path: str) -> bool:
    """Return True if HEAD is answered like GET on that path."""
    return not path.startswith(RECORDING)


class Head:
    """Has the application answer the GET, and keeps its content back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or not has_head(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def without_content(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET"}, receive, without_content)
