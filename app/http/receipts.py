"""POST /receipts/{provider}: a provider reports what became of messages, signed (Standard Webhooks).

The vocabulary is ours. A gateway that speaks another one gets an adapter of its own.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.http.bodies import PRINTED, read_body
from app.http.limits import admit
from app.http.openapi import SIGNED_HEADERS
from app.http.problems import FieldError, Problem
from app.http.signatures import is_signed
from app.providers import ProviderSettings
from domain.receipts import Heard
from notifiers.port import Reason, Report
from streams.books import Books
from streams.receiving import Receiving

MAX_BYTES = 1024 * 1024
MOST = 1000
"""Reports in one call."""
_OURS: frozenset[str] = frozenset(Reason)


class ReportedReceipt(BaseModel):
    """What became of a message; `reference` is the provider's name for it, as it gave it when it took it over."""

    model_config = ConfigDict(extra="ignore")

    reference: Annotated[str, Field(min_length=1, max_length=500, pattern=PRINTED)]
    status: Literal["delivered", "opened", "failed"]
    reason: Annotated[str, Field(max_length=200)] = ""

    def report(self) -> Report:
        """In the words of the port; a reason that is none of ours is `undelivered`, and kept as the detail."""
        heard = Heard(self.status)
        if heard is not Heard.FAILED:
            return Report(self.reference, heard)
        reason = Reason(self.reason) if self.reason in _OURS else Reason.UNDELIVERED
        return Report(self.reference, heard, reason, "" if self.reason in _OURS else self.reason)


class Taken(BaseModel):
    """How many reports were taken; those that say nothing new count too."""

    taken: int


_ONE = TypeAdapter(ReportedReceipt)
_LIST: TypeAdapter[list[ReportedReceipt]] = TypeAdapter(Annotated[list[ReportedReceipt], Field(max_length=MOST)])


class ReceiptCalls:
    """Takes receipts in by HTTP; a provider without `receipts_secret` has no such address."""

    def __init__(self, receiving: Receiving, providers: Mapping[str, ProviderSettings], books: Books) -> None:
        self._receiving, self._providers, self._clock = receiving, providers, books.clock

    def router(self) -> APIRouter:
        """The route."""
        router = APIRouter()
        router.add_api_route(
            "/receipts/{provider}", self.post, methods=["POST"], response_model=Taken,
            summary="Report what became of messages (Standard Webhooks)",
            openapi_extra={"requestBody": _described(), "parameters": SIGNED_HEADERS},
        )  # fmt: skip
        return router

    async def post(self, provider: str, request: Request) -> JSONResponse:
        """Take one report or a list; the same again changes nothing, and the order does not matter."""
        settings = self._providers.get(provider)
        if settings is None or settings.receipts_secret is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no provider of that name reports here", kind="unknown-provider")
        body = await read_body(request, MAX_BYTES)
        if not is_signed(settings.receipts_secret.get_secret_value(), request.headers, body, self._clock()):
            raise Problem(HTTPStatus.UNAUTHORIZED, "the signature is none of that provider's", kind="bad-signature")
        admit(request)
        reports = [each.report() for each in _read(body)]
        await run_in_threadpool(self._receiving.reported, provider, reports)
        return JSONResponse({"taken": len(reports)})


def _read(body: bytes) -> list[ReportedReceipt]:
    try:
        return _LIST.validate_json(body) if body.lstrip().startswith(b"[") else [_ONE.validate_json(body)]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        detail = f"the body is no receipt: {first['msg']}"
        raise Problem(
            HTTPStatus.BAD_REQUEST, detail, errors=[FieldError(field=name, reason=first["msg"], code="invalid")]
        ) from None


def _described() -> dict[str, Any]:
    one = _ONE.json_schema()
    schema = {"anyOf": [one, {"type": "array", "maxItems": MOST, "items": one}]}
    return {"required": True, "content": {"application/json": {"schema": schema}}}
