"""POST /seen/{token}: a browser's service worker or an app tells that it shows a push message, or that it was opened.

The link came with the message and is all that is needed. A service worker of another origin may call it without CORS:
`fetch(seen + "?what=displayed", {method: "POST", mode: "no-cors", keepalive: true})`.
"""

from http import HTTPStatus
from typing import Literal

from fastapi import Response
from fastapi.concurrency import run_in_threadpool

from app.http import routes
from app.http.problems import Problem
from app.identity.links import BadLink, Beginning, Links
from domain.facts.receipts import ReceiptStatus
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.delivery.outcomes.receipts import Receipts, UnknownNudge

_HEARD = {"displayed": ReceiptStatus.DELIVERED, "opened": ReceiptStatus.OPENED}


class Seen(routes.Routed):
    """Takes what devices tell."""

    def __init__(self, receipts: Receipts, links: Links, beginning: Beginning) -> None:
        self._receipts, self._links, self._beginning = receipts, links, beginning

    @routes.post(
        "/seen/{token}",
        status_code=HTTPStatus.NO_CONTENT,
        summary="Report that a device shows a message, or that it was opened",
    )
    async def post(self, token: str, what: Literal["displayed", "opened"] = "displayed") -> Response:
        """Keep it; the same again changes nothing. The body is not read."""
        try:
            await run_in_threadpool(self._take, token, _HEARD[what])
        except (BadLink, UnknownNudge) as error:
            raise Problem(HTTPStatus.NOT_FOUND, str(error), kind="bad-link") from None
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def _take(self, token: str, heard: ReceiptStatus) -> None:
        nudge, recipient, attempt = self._links.read_seen(token, self._beginning)
        self._receipts.record(Receipt(nudge, recipient, attempt, heard))
