"""POST /events: registries report life events, one by one or in batches.

A registry reports by its key, which has the scope `events`, and only events of its own agency's types.
Historical loads are not possible here: that is a property of a load and not of an event, so that every event reported
here counts as live. `habarshy ingest --historical` loads history.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.http import binding, routes
from app.http.access import Access
from app.http.bodies import MediaType, media_type_of, read_body, too_large
from app.http.openapi import EVENT_BODIES, EVENT_HEADERS
from app.http.problems import MOST_ERRORS, NOT_YOURS, FieldError, Problem, field_error, refusal_problem
from domain.facts.principals import Principal, Scope
from domain.rules.event_types import EventType
from streams.intake.cloudevents import MAX_BYTES, Envelope, Refused
from streams.intake.intake import Intake, IntakeOutcome
from streams.intake.shared_commit import SharedCommit
from streams.rules.library import Library

MAX_BATCH_BYTES = 10 * 1024 * 1024
MAX_BATCH_EVENTS = 10_000
OF_CITIZENS = "platform"
"""The agency of what citizens say about themselves; a portal reports it by a key with the scope `citizens` too."""
AT_ONCE = 1000
"""So many events of a batch go into one transaction: what citizens wait for is written in between."""

_ACCEPTED_TYPES = ", ".join((binding.STRUCTURED, binding.BATCHED, binding.BINARY))


class Stored(BaseModel):
    """The event is in the log: since now (accepted), or already before (duplicate)."""

    status: Literal["accepted", "duplicate"]


class ItemResult(BaseModel):
    """The outcome of one event of a batch."""

    status: Literal["accepted", "duplicate", "refused"]
    """An error beyond the first 20 is told only while all of them are no longer than the batch."""
    error: FieldError | None = None


class BatchResult(BaseModel):
    """The outcome of each event, in the order of the batch, and the number of each outcome."""

    results: list[ItemResult]
    accepted: int
    duplicates: int
    rejected: int


class _Plain(APIRoute):
    """A route whose function takes the request and makes the response, so that the framework need not look for more.

    That would be a fifth of the processor time of a single event.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's function itself."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


class Events(routes.Routed, route_class=_Plain):
    """Takes events in by HTTP."""

    def __init__(self, intake: Intake, library: Library, access: Access) -> None:
        self._intake, self._library, self._access = intake, library, access
        self._shared = SharedCommit(self._accept, AT_ONCE)

    @routes.post(
        "/events",
        status_code=HTTPStatus.ACCEPTED,
        response_model=Stored,
        summary="Report life events (CloudEvents 1.0)",
        openapi_extra={"requestBody": EVENT_BODIES, "parameters": EVENT_HEADERS},
        response_description="The event is new and stored for good.",
        responses={
            200: {"model": Stored | BatchResult, "description": "A duplicate, or a batch that is stored whole."},
            207: {"model": BatchResult, "description": "A batch of which some events were refused."},
        },
    )
    async def post(self, request: Request) -> JSONResponse:
        """Store one event (202 where it is new, 200 where it is there already) or a batch.

        Three content modes give the same event: structured, batched, and binary with `ce-*` headers. Send again
        whatever got no answer: the same `source` and `id` is stored once.
        """
        caller = self._access.system(request, Scope.EVENTS)
        media_type = media_type_of(request)
        if not _known(media_type):
            detail = f"the body must be one of {_ACCEPTED_TYPES}, in UTF-8"
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept": _ACCEPTED_TYPES})
        try:
            binding.refuse_empty(request.headers.items())
            if media_type.essence == binding.BATCHED:
                return await self._batch(request, caller)
            return await self._single(request, media_type, caller)
        except Refused as refused:
            raise refusal_problem(refused) from None

    async def _single(self, request: Request, media_type: MediaType, caller: Principal) -> JSONResponse:
        read = binding.structured if media_type.essence == binding.STRUCTURED else binding.binary
        body = await read_body(request, MAX_BYTES)
        envelope: Envelope | Refused
        try:
            envelope = read(body, request.headers.items())
        except Refused as refused:
            envelope = refused  # intake counts what is refused
        outcome = await self._shared.accept((envelope, caller))
        if outcome.refused is not None:
            raise outcome.refused
        return JSONResponse(_item(outcome), HTTPStatus.ACCEPTED if outcome.accepted else HTTPStatus.OK)

    async def _batch(self, request: Request, caller: Principal) -> JSONResponse:
        body = await read_body(request, MAX_BATCH_BYTES)
        try:
            envelopes = await run_in_threadpool(binding.batched, body, request.headers.items(), MAX_BATCH_EVENTS)
        except binding.TooManyEvents:
            raise too_large(f"{MAX_BATCH_EVENTS} events") from None
        outcomes = await run_in_threadpool(self._accept, [(envelope, caller) for envelope in envelopes])
        result = _batch_result(outcomes, len(body))
        return JSONResponse(result, HTTPStatus.MULTI_STATUS if result["rejected"] else HTTPStatus.OK)

    def _accept(self, reported: Sequence[tuple[Envelope | Refused, Principal]]) -> list[IntakeOutcome]:
        rules = self._library.rules()
        types = rules.catalogue.types
        envelopes = [_of_theirs(envelope, caller, types) for envelope, caller in reported]
        parts = (envelopes[start : start + AT_ONCE] for start in range(0, len(envelopes), AT_ONCE))
        return [each for part in parts for each in self._intake.accept(part, checker=rules.checker)]


def _of_theirs(each: Envelope | Refused, caller: Principal, types: Mapping[str, EventType]) -> Envelope | Refused:
    """A registry speaks for its own agency; which types there are besides is none of its business."""
    if isinstance(each, Refused) or caller.operator:
        return each
    type_ = types.get(each.type)
    if type_ is None or type_.agency == caller.agency:
        return each
    if type_.agency == OF_CITIZENS and Scope.CITIZENS in caller.scopes:
        return each
    return Refused("type", f"belongs to another agency than yours ({caller.agency})", NOT_YOURS)


def _known(media_type: MediaType) -> bool:
    return media_type.essence in (binding.STRUCTURED, binding.BATCHED, binding.BINARY) and (
        media_type.charset in ("utf-8", "utf8", "us-ascii")
    )


def _item(outcome: IntakeOutcome) -> dict[str, Any]:
    if outcome.refused is not None:
        return {"status": "refused", "error": field_error(outcome.refused).model_dump()}
    return {"status": "accepted" if outcome.accepted else "duplicate"}


def _batch_result(outcomes: Sequence[IntakeOutcome], sent_bytes: int) -> dict[str, Any]:
    """Return the answer to a batch. The first errors are told, and then only as many as were paid for in bytes sent:
    without that a short body of many mistakes has an answer fifty times as long.
    """
    results, told, length = [_item(outcome) for outcome in outcomes], 0, 0
    for result in results:
        if "error" in result:
            told, length = told + 1, length + len(str(result))
            if told > MOST_ERRORS and length > sent_bytes:
                del result["error"]
    return {
        "results": results,
        "accepted": sum(outcome.accepted for outcome in outcomes),
        "duplicates": sum(outcome.duplicate for outcome in outcomes),
        "rejected": sum(outcome.refused is not None for outcome in outcomes),
    }
