"""Every error of the HTTP API is a problem document (RFC 9457); none repeats a key or a value that was sent."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ExceptionHandler

from app.http.head import has_head
from app.http.request_log import note_cause
from domain.core.translatable import Said, text_of
from domain.facts.principals import NotAllowed
from streams.delivery.inbound.own_limits import TooManyChanges
from streams.intake.cloudevents import Refused
from streams.intake.validation import NOT_REPEATED
from streams.log.damaged import DamagedFact
from streams.rules.library import NothingPublished
from streams.storage.errors import DatabaseUnavailable

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = "5"
"""The Retry-After header of a 503, in seconds."""
DAMAGED = "damaged-fact"
"""The kind of problem of a fact in the log that cannot be read."""
MOST_ERRORS = 20
"""The most errors that a problem lists; its detail says how many more there are."""


class FieldError(BaseModel):
    """The error in one field. `field` is a path such as `data.born_on`; `code` is for machines."""

    field: str
    reason: str
    code: str


class ProblemDetails(BaseModel):
    """RFC 9457. `type` is `about:blank` where the status says it all."""

    type: str = "about:blank"
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    errors: list[FieldError] = Field(default_factory=list)


class Problem(Exception):
    """Raised for a request that cannot be answered; it becomes a response (RFC 9457) that says what to change.

    `detail`: in English; pages tell it in the reader's language where it is translatable.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        errors: Sequence[FieldError] = (),
        *,
        kind: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"A request that cannot be answered as asked: {detail}. The response says what to change.")
        self.status, self.detail, self.errors = status, detail, list(errors)
        self.type = f"urn:habarshy:problem:{kind}" if kind else "about:blank"
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """Return the problem as a response."""
        more = len(self.errors) - MOST_ERRORS
        detail = " ".join(self.detail.split()) + (f"; {more} more errors are not listed" if more > 0 else "")
        details = ProblemDetails(
            type=self.type,
            title=self.status.phrase,
            status=self.status,
            detail=detail,
            errors=self.errors[:MOST_ERRORS],
        )
        content = details.model_dump(exclude_defaults=True) | {"type": self.type}
        return JSONResponse(content, self.status, self.headers, media_type=MEDIA_TYPE)


NOT_YOURS = "not_yours"
_STATUS = {
    NOT_YOURS: HTTPStatus.FORBIDDEN,
    "id_reused": HTTPStatus.CONFLICT,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
"""The code of a refusal → its status; every other one is the sender's mistake in the body: 400."""


def refusal_problem(refused: Refused) -> Problem:
    """Return the problem of an event that was refused."""
    status = _STATUS.get(refused.code, HTTPStatus.BAD_REQUEST)
    return Problem(status, str(refused), [field_error(refused)], kind="event-refused")


def field_error(refused: Refused) -> FieldError:
    """Return the field, the reason and the code of a refusal."""
    return FieldError(field=refused.field, reason=refused.reason, code=refused.code)


Answerer = Callable[[Request, Problem], Response]
"""The renderer of problems: as a document, or as a page for a client that asks for one."""


def install_problem_handlers(app: FastAPI, answer: Answerer = lambda _, problem: problem.response()) -> None:
    """Make every error of the app a problem, the framework's own included."""
    for error, problem_of in _PROBLEMS.items():
        app.add_exception_handler(error, _handler(problem_of, answer))


def _handler(problem_of: Callable[[Request, Exception], Problem], answer: Answerer) -> ExceptionHandler:
    def respond(request: Request, error: Exception) -> Response:
        return answer(request, problem_of(request, error))

    async def handle(request: Request, error: Exception) -> Response:
        if not isinstance(error, (Problem, HTTPException, RequestValidationError)):
            note_cause(request, error)
        return await run_in_threadpool(respond, request, error)  # a page asks the database

    return handle


def _problem_itself(_: Request, error: Exception) -> Problem:
    assert isinstance(error, Problem)
    return error


def _http(request: Request, error: Exception) -> Problem:
    assert isinstance(error, HTTPException)
    status, headers = HTTPStatus(error.status_code), dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers |= {"Allow": ", ".join(allowed)} if (allowed := _allowed(request)) else {}
    return Problem(status, status.description or status.phrase, headers=headers)


def _allowed(request: Request) -> list[str]:
    """Return the methods of all routes of the path: the router names only those of the first one."""
    app: FastAPI = request.app
    scopes = {method: {**request.scope, "method": method} for method in _METHODS}
    if has_head(request.scope["path"]):
        scopes["HEAD"] = scopes["GET"]
    return [
        method
        for method, scope in scopes.items()
        if any(route.matches(scope)[0] is Match.FULL for route in app.routes)
    ]


_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def _invalid(request: Request, error: Exception) -> Problem:
    assert isinstance(error, RequestValidationError)
    known = _own_names(request.app)
    found = dict.fromkeys((_place(one, known), reason_of(one), str(one["type"])) for one in error.errors())
    errors = [FieldError(field=field, reason=reason, code=code) for field, reason, code in found]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, Said("the request does not fit its description"), errors)


def _own_names(app: FastAPI) -> frozenset[str]:
    """Return the names of all fields that the API describes: whatever else stands in a body is its sender's."""
    schemas = app.openapi().get("components", {}).get("schemas", {})
    return frozenset(name for schema in schemas.values() for name in schema.get("properties", ()))


def _place(error: Mapping[str, Any], known: AbstractSet[str]) -> str:
    """Return the error's path: `body.files`; a key that only the sender knows is `(a name that is not repeated)`."""
    where, *path = error["loc"]
    shown = [each if where != "body" or isinstance(each, int) or each in known else NOT_REPEATED for each in path]
    return ".".join(map(str, [where, *shown]))


_QUOTING = frozenset({"value_error", "assertion_error", "uuid_parsing", "union_tag_invalid"})
"""Kinds of errors in whose words the validator quotes what was sent."""


def reason_of(error: Mapping[str, Any]) -> str:
    """Return the validator's words, unless they may hold what was sent."""
    return "is not valid" if error["type"] in _QUOTING else str(error["msg"])


def unavailable_problem(_request: Request, _error: Exception) -> Problem:
    """Return the problem of a database that does not answer."""
    detail = Said("the platform cannot reach its database or has no rules yet; send the same request again later")
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": RETRY_SECONDS})


def _damaged(_request: Request, error: Exception) -> Problem:
    """Name the place in the log and what an operator does; whoever asks can do nothing, so no Retry-After."""
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, str(error), kind=DAMAGED)


def _defect(_request: Request, _error: Exception) -> Problem:
    detail = Said("the platform has a defect; nothing of this request may have been done, so send it again")
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


_PROBLEMS: Mapping[type[Exception], Callable[[Request, Exception], Problem]] = {
    Problem: _problem_itself,
    HTTPException: _http,
    RequestValidationError: _invalid,
    ClientDisconnect: lambda *_: Problem(
        HTTPStatus.BAD_REQUEST, "the sender closed the connection before the body was complete"
    ),
    NotAllowed: lambda _, error: Problem(HTTPStatus.FORBIDDEN, text_of(error), kind="not-allowed"),
    OperationalError: unavailable_problem,
    InterfaceError: unavailable_problem,
    PoolTimeout: unavailable_problem,
    DatabaseUnavailable: unavailable_problem,
    NothingPublished: unavailable_problem,
    TooManyChanges: lambda _, error: Problem(HTTPStatus.TOO_MANY_REQUESTS, text_of(error)),
    DamagedFact: _damaged,
    Exception: _defect,
}
