"""Rate limits: so many requests a minute by each known key or address; what guesses could gain from, far fewer.

A key that is nobody's counts for the address that it comes from, and a guess always does: what a sender makes up
gives them no other count. A code or secret that was right is no guess: many people may ask from one address. A
provider's call-backs are as many as what was sent: those that are really its are free.

Sources: RFC 6585 (429), RFC 9110 (Retry-After), draft-ietf-httpapi-ratelimit-headers (RateLimit, RateLimit-Policy).
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from types import MappingProxyType
from typing import NamedTuple

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.access import Access
from app.http.problems import Answerer, Problem
from app.identity.principals import BadPrincipals
from domain.core.translatable import Words
from streams.queues.guess_counts import WINDOW, GuessCounts
from streams.storage.errors import UNAVAILABLE_ERRORS

GUESSES = 30
"""Requests a minute where a secret or a code could be guessed."""
GUESSED = ("/sign-in/token", "/check")
FREE = ("/livez", "/readyz", "/static/")
PROVIDERS = ("/receipts/", "/gateways/")
"""Paths that providers call. The route itself calls `mark_as_provider` once it knows that the caller is one."""
MOST_CALLERS = 100_000
LOTS = 20
"""So many lots has what a minute allows: the more, the more exact, and the more often the database is asked."""
NETWORK = 64
"""A network of so many bits is one caller: whoever has one IPv6 address has all of it."""


def mark_as_provider(request: Request) -> None:
    """Mark the request as one of a provider, proved by its token or signature: it is not limited."""
    request.state.admitted = True


def mark_as_no_guess(request: Request) -> None:
    """Mark the request as no guess: it tried no secret or code, or the right one."""
    request.state.wrong = False


class RequestCount(NamedTuple):
    """The requests of a caller in a minute: by this process, reserved by others, and reserved by this process."""

    minute: int
    own: int = 0
    elsewhere: int = 0
    reserved: int = 0


class Limits:
    """Counts the requests of each caller in the minute that runs, over all processes of one database.

    Guesses are counted there one by one. Other requests are counted in this process, which reserves them there in
    lots, so that hardly any request waits for the database. The first lot is free: a caller gets at most one more
    for each further process. Where the database does not answer, this process counts alone.
    """

    def __init__(self, a_minute: int, clock: Callable[[], datetime], guesses: GuessCounts) -> None:
        self._a_minute, self._clock, self._guesses = a_minute, clock, guesses
        self._counts: OrderedDict[tuple[str, bool], RequestCount] = OrderedDict()
        self._lot = max(1, a_minute // LOTS)

    def take(self, caller: str, *, guess: bool) -> tuple[int, int, int]:
        """Count one more request: gives how many a minute allows, how many are left, and in how many seconds it ends.

        Fewer than none left: it is too much.
        """
        allowed = min(GUESSES, self._a_minute) if guess else self._a_minute
        now = self._clock().timestamp()
        minute = int(now // WINDOW)
        before = self._counts.pop((caller, guess), None)
        if before is None or before.minute != minute:
            before = RequestCount(minute, reserved=self._lot)
        count = self._counts[caller, guess] = before._replace(own=before.own + 1)
        if len(self._counts) > MOST_CALLERS:
            self._counts.popitem(last=False)
        return allowed, allowed - count.own - count.elsewhere, math.ceil((minute + 1) * WINDOW - now)

    async def take_request(self, caller: str) -> tuple[int, int, int]:
        """Count one more request that is no guess; returns as `take` does."""
        allowed, left, seconds = self.take(caller, guess=False)
        before = self._counts[caller, False]
        if left < 0 or before.own <= before.reserved:
            return allowed, left, seconds
        reserved = before.reserved + self._lot
        self._counts[caller, False] = before._replace(reserved=reserved)  # others of theirs come while we wait
        total = await self._count_everywhere(f"all {caller}", self._lot if before.reserved > self._lot else reserved)
        elsewhere = max(before.elsewhere, total - reserved)
        now = self._counts.get((caller, False), before)
        if now.minute == before.minute:
            self._counts[caller, False] = now._replace(elsewhere=max(now.elsewhere, elsewhere))
        return allowed, allowed - before.own - elsewhere, seconds

    async def take_guess(self, caller: str) -> tuple[int, int, int]:
        """Count one more guess; returns as `take` does. One that is too much here already asks no database."""
        allowed, left, seconds = self.take(caller, guess=True)
        if left >= 0:
            left = min(left, allowed - await self._count_everywhere(caller, 1))
        return allowed, left, seconds

    async def _count_everywhere(self, caller: str, many: int) -> int:
        """Count so many more over all processes; return how many there are, 0 where that is not known."""
        minute = int(self._clock().timestamp() // WINDOW)
        try:
            return await run_in_threadpool(self._guesses.add, caller, minute, many)
        except UNAVAILABLE_ERRORS:
            return 0

    async def uncount_guess(self, caller: str) -> None:
        """Count one guess less. It was counted before it was known to be right, so that many at once gain nothing."""
        await self._count_everywhere(caller, -1)
        if (known := self._counts.get((caller, True))) is not None:
            self._counts[caller, True] = known._replace(own=max(known.own - 1, 0))


class RateLimiting:
    """Answers callers that ask too often; hands on everybody else, and adds to their answers what is left to them."""

    def __init__(self, app: ASGIApp, limits: Limits, access: Access, answer: Answerer) -> None:
        self._app, self._limits, self._access, self._answer = app, limits, access, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith(FREE):
            await self._app(scope, receive, send)
        elif scope["path"].startswith(PROVIDERS):
            await self._of_provider(scope, receive, send)
        else:
            await self._counted(scope, receive, send, self._app)

    async def _of_provider(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the route first, which checks that the caller is the provider; keep its answer until then."""
        request, answer = Request(scope), list[Message]()
        request.state.admitted = False

        async def keep(message: Message) -> None:
            answer.append(message)

        async def again(_scope: Scope, _receive: Receive, reply: Send) -> None:
            for message in answer:
                await reply(message)

        await self._app(scope, receive, keep)
        if request.state.admitted:
            await again(scope, receive, send)
        else:
            await self._counted(scope, receive, send, again)

    async def _counted(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
        request = Request(scope)
        allowed, left, seconds = await self._limits.take_request(
            _key(request, self._access) or _network_hash(request)
        )
        if guess := left >= 0 and _may_be_guess(scope):
            request.state.wrong = True
            allowed, left, seconds = await self._limits.take_guess(_network_hash(request))
        headers = {
            "RateLimit-Policy": f'"default";q={allowed};w={WINDOW}',
            "RateLimit": f'"default";r={max(left, 0)};t={seconds}',
        }
        if left < 0:
            problem = too_many_requests(seconds, headers)
            await self._answer(request, problem)(scope, receive, send)
            return

        async def reply(message: Message) -> None:
            if message["type"] == "http.response.start":
                if guess and (not request.state.wrong or message["status"] == HTTPStatus.METHOD_NOT_ALLOWED):
                    await self._limits.uncount_guess(_network_hash(request))
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await app(scope, receive, reply)


def too_many_requests(seconds: int, headers: Mapping[str, str] = MappingProxyType({})) -> Problem:
    """Return the problem of a caller who may ask again in so many seconds."""
    detail = Words("too many requests; ask again in {seconds} seconds", seconds=seconds)
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={**headers, "Retry-After": str(seconds)})


def _may_be_guess(scope: Scope) -> bool:
    return scope["path"] in GUESSED and (scope["method"] == "POST" or bool(scope["query_string"]))


def _key(request: Request, access: Access) -> str:
    """Return the name of the caller with a known key; empty where there is none."""
    try:
        caller = access.caller_if_known(request)
    except BadPrincipals:
        return ""
    return "" if caller is None else f"key {caller.name}"


def _network_hash(request: Request) -> str:
    """Return a hash of the caller's network."""
    host = request.client.host if request.client else ""
    return blake2b(_network(host).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _network(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    return str(address.ipv4_mapped or int(address) >> (address.max_prefixlen - NETWORK))
