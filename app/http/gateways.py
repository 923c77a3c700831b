"""Endpoints for SMS gateways of Kannel's kind: receipts by GET, citizens' texts by POST.

Kannel signs nothing, so the address carries a token that only the gateway and we know; people's words never stand in
an address, and their numbers only where an operator says so (Kannel user guide, sms-service `post-url`, `dlr-url`).

Only 200 and 202 are successes to Kannel (1.4.5, gw/smsbox.c): after anything else it calls again or tells the citizen
that it failed. The body of a success would be sent to the citizen, so it is empty.
"""

import hmac
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse

from app.http import routes
from app.http.bodies import PRINTABLE, media_type_of, read_body
from app.http.limits import mark_as_provider
from app.http.problems import Problem
from app.providers import ProviderSettings
from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Incoming, Reason, Report
from notifiers.sms.phone import written
from streams.delivery.inbound.receiving import InboundMessages
from streams.rules.context import WriteContext

log = logging.getLogger("habarshy")
MAX_BYTES = 64 * 1024
_STATES = {
    1: (ReceiptStatus.DELIVERED, None),
    2: (ReceiptStatus.FAILED, Reason.UNDELIVERED),
    16: (ReceiptStatus.FAILED, Reason.REJECTED),
}
"""Kannel's dlr types that are final; 4 (buffered) and 8 (submitted) say nothing yet."""

Token = Annotated[str, Query(min_length=1, max_length=200)]
Reference = Annotated[str, Query(min_length=1, max_length=500, pattern=PRINTABLE)]
State = Annotated[int, Query(ge=1, le=64)]
Sender = Annotated[str, Query(max_length=100, pattern=PRINTABLE)]
Charset = Annotated[str, Query(max_length=40, pattern=PRINTABLE)]
FORM, UNREADABLE = "application/x-www-form-urlencoded", "\N{REPLACEMENT CHARACTER}"
_UCS2 = frozenset({"utf-16", "utf-16be", "utf-16-be", "ucs-2", "ucs2", "iso-10646-ucs-2"})


class GatewayCalls(routes.Routed):
    """Takes in what gateways call; a provider without `gateway_token` has no such addresses."""

    def __init__(
        self, receiving: InboundMessages, providers: Mapping[str, ProviderSettings], context: WriteContext
    ) -> None:
        self._receiving, self._providers, self._clock = receiving, providers, context.clock
        calling = {name: each for name, each in providers.items() if each.gateway_token is not None}
        self._regions = {name: getattr(each.own(), "region", None) for name, each in calling.items()}

    @routes.get(
        "/gateways/{provider}/receipts",
        response_class=PlainTextResponse,
        summary="Report the outcome of a message, as Kannel does (dlr-url)",
    )
    async def receipt(
        self, provider: str, token: Token, reference: Reference, status: State, request: Request
    ) -> PlainTextResponse:
        """Take a receipt: 1 delivered, 2 failed, 16 refused; the same again changes nothing."""
        self._check(provider, token, request)
        if status in _STATES:
            heard, reason = _STATES[status]
            await run_in_threadpool(self._receiving.reported, provider, [Report(reference, heard, reason)])
        return PlainTextResponse()

    @routes.post(
        "/gateways/{provider}/messages",
        response_class=PlainTextResponse,
        summary="Deliver an SMS from a citizen, as Kannel does (post-url)",
    )
    async def message(
        self, provider: str, token: Token, request: Request, sender: Sender = "", charset: Charset = ""
    ) -> PlainTextResponse:
        """Take an SMS: the body is its text, X-Kannel-From or `sender` the number that it came from.

        A form has `text` and `sender`, and may name the `charset`, as the address may; else Content-Type does.
        Answers nothing to send. The same text from there at the same time is the same SMS; without a time every call
        is another one. What is no text in its charset is kept with a sign for what cannot be read.
        """
        self._check(provider, token, request)
        kind, body = media_type_of(request), await read_body(request, MAX_BYTES)
        form = _form(body) if kind.essence == FORM else {}
        sender = request.headers.get("x-kannel-from") or sender or form.get("sender", b"").decode("ascii", "replace")
        if not sender:
            log.warning("an SMS by the gateway %s names no sender and is refused: set send-sender = true", provider)
            raise Problem(HTTPStatus.BAD_REQUEST, "the header X-Kannel-From is missing: whose SMS is it?")
        said, named = form.get("text", body), form.get("charset", b"").decode("ascii", "replace")
        text = _text(said, (charset, named, kind.charset))
        if UNREADABLE in text:
            log.warning(
                "an SMS by the gateway %s is no text in its charset: what can be read of it is kept", provider
            )
        at = request.headers.get("x-kannel-time") or request.headers.get("date") or self._clock().isoformat()
        unread = said if UNREADABLE in text else b""
        id_ = blake2b(f"{sender}\0{at}\0{text}".encode() + unread, digest_size=16).hexdigest()
        number = written(sender, international=False, region=self._regions[provider])
        incoming = Incoming(id_, number, text)
        await run_in_threadpool(self._receiving.received, provider, incoming)
        return PlainTextResponse()

    def _check(self, provider: str, token: str, request: Request) -> None:
        settings = self._providers.get(provider)
        known = settings.gateway_token.get_secret_value() if settings and settings.gateway_token else ""
        if not known or not hmac.compare_digest(known.encode(), token.encode()):
            raise Problem(
                HTTPStatus.NOT_FOUND, "no gateway of that name and token calls here", kind="unknown-gateway"
            )
        mark_as_provider(request)


def _form(body: bytes) -> Mapping[str, bytes]:
    """Return the fields of a form, whose values may be in any charset."""
    fields = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return {name: value.encode("latin-1") for name, value in fields}


def _text(said: bytes, charsets: Iterable[str]) -> str:
    """Return the text in the first of these that is a charset, else in UTF-8; Kannel sends UCS-2 in network order.

    What is no text in it is read as far as it can be: a gateway would never send it better.
    """
    for charset in charsets:
        with suppress(LookupError, ValueError):
            text = said.decode("utf-16-be" if charset.lower() in _UCS2 else charset, "replace")
            return text.encode("utf-8", "replace").decode()  # some codecs make halves of characters
    return said.decode("utf-8", "replace")
