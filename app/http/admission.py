"""Admission of requests: the caller and the size are checked before a byte of the body is read.

Default deny for what begins like a route that needs a key: its caller is checked here first, whatever the route does
later. Every other route is opened by a link, a signature or a visit, which the route checks itself; all have a limit.
"""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from app.http.access import Access
from app.http.bodies import check_announced, read_body, replaying, too_large
from app.http.problems import Answerer, FieldError, Problem
from domain.facts.principals import Principal, Scope
from streams.intake.strict_json import UnclearJson, refuse_unclear

SMALL_BODY = 64 * 1024
"""The most bytes of a body, where a route says nothing else."""
DRAFT_BODY = 3 * 1024 * 1024
"""The most bytes of a draft or a pack: JSON and forms may write a letter beyond Latin in six bytes."""
PATIENCE = 60.0
"""The seconds in which a body has to be there whole."""


class Rule(Struct, frozen=True):
    """The admission rule of a route.

    `caller`: raises a Problem for who may not call it; None: the route checks a link, a signature or a visit.
    `streamed`: the route reads the body itself, and checks its JSON.
    """

    caller: Callable[[Access, Request], Principal] | None = None
    most: int = SMALL_BODY
    streamed: bool = False


def _system_with(scope: Scope) -> Callable[[Access, Request], Principal]:
    return lambda access, request: access.system(request, scope)


RULES: Mapping[str, Rule] = {
    "/events": Rule(_system_with(Scope.EVENTS), 10 * 1024 * 1024, streamed=True),
    "/persons": Rule(_system_with(Scope.CITIZENS)),
    "/triggers": Rule(Access.official),
    "/submissions": Rule(Access.official, DRAFT_BODY),
    "/lint": Rule(Access.official, DRAFT_BODY),
    "/test": Rule(Access.official, DRAFT_BODY),
    "/preview": Rule(Access.official, DRAFT_BODY),
    "/backtests": Rule(Access.official, DRAFT_BODY),
    "/statistics": Rule(Access.caller),
    "/jobs": Rule(Access.official),
    "/schedule": Rule(Access.official),
    "/trails": Rule(Access.official),
    "/receipts/": Rule(most=1024 * 1024),
    "/work/": Rule(most=DRAFT_BODY),
}
"""By how the path begins; the first one counts. Any other path: `Rule()`."""
KEYED = tuple(path for path, rule in RULES.items() if rule.caller is not None)
"""Paths that need a key; all others check a link, a signature or a visit."""
_DEFAULT_RULE = Rule()


def rule_of(path: str) -> Rule:
    """Return the rule that holds for a path."""
    return next((rule for begin, rule in RULES.items() if path.startswith(begin)), _DEFAULT_RULE)


class _BodyRefused(HTTPException):
    """Raised where a body is not read any further.

    It is an HTTPException, because the framework takes any other error for a body that it cannot read.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status, problem.detail, problem.headers)
        self.problem = problem


class Admission:
    """Answers whoever may not call a route, sends too much or too slowly; hands on everybody else."""

    def __init__(self, app: ASGIApp, access: Access, answer: Answerer, patience: float) -> None:
        self._app, self._access, self._answer, self._patience = app, access, answer, patience

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rule, request = rule_of(scope["path"]), Request(scope)
        try:
            if rule.caller is not None:
                rule.caller(self._access, request)
            check_announced(request, rule.most)
            receive = _bounded(receive, rule.most, self._patience)
            if rule.caller is not None and not rule.streamed and request.method not in ("GET", "HEAD"):
                receive = await _read_and_check(scope, receive, rule.most)
            await self._app(scope, receive, send)
        except (Problem, _BodyRefused) as refused:
            problem = refused.problem if isinstance(refused, _BodyRefused) else refused
            response = await run_in_threadpool(self._answer, request, problem)
            await response(scope, receive, send)
        except ClientDisconnect:
            return  # nobody is there to be answered


def _bounded(receive: Receive, most: int, patience: float) -> Receive:
    """Return a receiver of the same body that allows at most `most` bytes, and `patience` seconds from now."""
    taken, whole, end = 0, False, asyncio.get_running_loop().time() + patience

    async def read() -> Message:
        nonlocal taken, whole
        if whole:  # whoever waits on waits for the end of the connection
            return await receive()
        try:
            async with asyncio.timeout_at(end):
                message = await receive()
        except TimeoutError:
            raise _BodyRefused(_too_slow(patience)) from None
        taken += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if taken > most:
            raise _BodyRefused(too_large(f"{most // 1024} kB"))
        return message

    return read


def _too_slow(patience: float) -> Problem:
    detail = f"the body was not there whole within {patience:g} seconds; send it again"
    return Problem(HTTPStatus.REQUEST_TIMEOUT, detail, headers={"Connection": "close"})


async def _read_and_check(scope: Connection, receive: Receive, most: int) -> Receive:
    """Read the body, check its JSON, and return a receiver that repeats it.

    What is no JSON at all is for the route to refuse.
    """
    body = await read_body(Request(scope, receive), most)
    if body:
        await run_in_threadpool(_check_json, body)
    return replaying([{"type": "http.request", "body": body, "more_body": False}], receive)


def _check_json(body: bytes) -> None:
    try:
        refuse_unclear(body, bounded=True)
    except UnclearJson as unclear:
        errors = [FieldError(field="body", reason=str(unclear), code="unclear_json")]
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body: {unclear}", errors) from None
    except (ValueError, RecursionError):
        return
