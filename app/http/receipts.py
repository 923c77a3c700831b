"""POST /receipts/{provider}: a provider reports what became of messages, signed (Standard Webhooks).

The vocabulary is ours. For a provider that signs or speaks otherwise, its kind reads the call (`Kind.read_call`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.http import routes
from app.http.bodies import PRINTABLE, read_body, too_large
from app.http.limits import mark_as_provider
from app.http.openapi import SIGNED_HEADERS
from app.http.problems import FieldError, Problem, reason_of
from app.http.signatures import is_signed, signed_at
from app.providers import ProviderSettings
from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Incoming, Reason, Report
from notifiers.port.kinds import Call, NotTheirs
from streams.delivery.inbound.receiving import InboundMessages
from streams.intake.strict_json import has_more_items, refuse_unclear
from streams.rules.context import WriteContext

MAX_BYTES = 1024 * 1024
MOST = 1000
"""Reports in one call."""
_OURS: frozenset[str] = frozenset(Reason)


Name = Annotated[str, Field(min_length=1, max_length=500, pattern=PRINTABLE)]


class ReportedReceipt(BaseModel):
    """A provider's report about a message; `reference` is the name that the provider gave it on acceptance."""

    model_config = ConfigDict(extra="ignore")

    reference: Name
    status: Literal["delivered", "opened", "failed"]
    reason: Annotated[str, Field(max_length=200)] = ""

    def report(self) -> Report:
        """Return the report in the port's terms.

        An unknown reason becomes `undelivered`, with the original as the detail.
        """
        heard = ReceiptStatus(self.status)
        if heard is not ReceiptStatus.FAILED:
            return Report(self.reference, heard)
        reason = Reason(self.reason) if self.reason in _OURS else Reason.UNDELIVERED
        return Report(self.reference, heard, reason, "" if self.reason in _OURS else self.reason)


class Taken(BaseModel):
    """The number of reports taken; those that say nothing new count too."""

    taken: int


_NAME: TypeAdapter[str] = TypeAdapter(Name)
_ONE = TypeAdapter(ReportedReceipt)
_LIST: TypeAdapter[list[ReportedReceipt]] = TypeAdapter(Annotated[list[ReportedReceipt], Field(max_length=MOST)])


class TooMany(Exception):
    """A call has more reports than are taken at once."""


_Reader = Callable[[Call], Sequence[Report | Incoming]]


def _described() -> dict[str, Any]:
    one = _ONE.json_schema()
    schema = {"anyOf": [one, {"type": "array", "maxItems": MOST, "items": one}]}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


class ReceiptCalls(routes.Routed):
    """Takes receipts in by HTTP; a provider without `receipts_secret`, whose kind reads no calls, has no address."""

    def __init__(
        self, receiving: InboundMessages, providers: Mapping[str, ProviderSettings], context: WriteContext
    ) -> None:
        self._receiving, self._clock = receiving, context.clock
        readers = {name: _reader(each) for name, each in providers.items()}
        self._readers = {name: each for name, each in readers.items() if each is not None}
        self._signing = {name for name in self._readers if providers[name].of_kind().read_call is None}
        self._methods = {name: sorted(providers[name].of_kind().methods) for name in self._readers}

    @routes.post(
        "/receipts/{provider}",
        response_model=Taken,
        summary="Report outcomes of messages (Standard Webhooks, or as the provider's kind reads it)",
        openapi_extra={"requestBody": _described(), "parameters": SIGNED_HEADERS},
    )
    @routes.route("/receipts/{provider}", methods=["GET", "PUT"], include_in_schema=False)
    async def post(self, provider: str, request: Request) -> JSONResponse:
        """Take one report or a list; the same again changes nothing, and the order does not matter."""
        if request.method not in (methods := self._methods.get(provider, ["POST"])):
            allowed = ", ".join(methods)
            detail = f"what is reported here comes by {allowed}"
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, headers={"Allow": allowed})
        reader = self._readers.get(provider)
        if reader is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no provider of that name reports here", kind="unknown-provider")
        if provider in self._signing and signed_at(request.headers, self._clock()) is None:
            raise _bad_signature()
        body = await read_body(request, MAX_BYTES)
        call = Call(dict(request.headers), dict(request.query_params), body, self._clock())
        try:
            heard = _kept(await run_in_threadpool(reader, call))
        except NotTheirs:
            raise _bad_signature() from None
        except TooMany:
            mark_as_provider(request)
            raise too_large(f"{MOST} reports") from None
        except (ValueError, RecursionError) as error:
            mark_as_provider(request)
            raise _unreadable(error) from None
        mark_as_provider(request)
        await run_in_threadpool(self._take, provider, heard)
        return JSONResponse({"taken": len(heard)})

    def _take(self, provider: str, heard: Sequence[Report | Incoming]) -> None:
        self._receiving.reported(provider, [each for each in heard if isinstance(each, Report)])
        for each in heard:
            if isinstance(each, Incoming):
                self._receiving.received(provider, each)


def _reader(settings: ProviderSettings) -> _Reader | None:
    """Return the reader of the provider's calls: that of its kind, else ours if they are signed."""
    if (read_call := settings.of_kind().read_call) is not None:
        return partial(read_call, settings.own())
    secret = settings.receipts_secret
    return None if secret is None else partial(_signed, secret.get_secret_value())


def _signed(secret: str, call: Call) -> list[Report]:
    if not is_signed(secret, call.headers, call.body, call.at):
        raise NotTheirs
    return _read(call.body)


def _read(body: bytes) -> list[Report]:
    several = body.lstrip().startswith(b"[")
    if several and has_more_items(body, MOST):
        raise TooMany
    reported = _LIST.validate_json(body) if several else [_ONE.validate_json(body)]
    refuse_unclear(body)
    return [each.report() for each in reported]


def _kept(heard: Sequence[Report | Incoming]) -> Sequence[Report | Incoming]:
    """Return the reports, checked to be storable in every database. Raises ValueError."""
    for each in heard:
        _NAME.validate_python(each.reference if isinstance(each, Report) else each.id)
    return heard


def _bad_signature() -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "the signature is none of that provider's", kind="bad-signature")


def _unreadable(error: Exception) -> Problem:
    """Return the problem, in no words but the validator's: others may quote what was sent."""
    if not isinstance(error, ValidationError):
        return Problem(HTTPStatus.BAD_REQUEST, "the body is no receipt")
    first = error.errors(include_input=False, include_url=False)[0]
    name, reason = ".".join(map(str, first["loc"])), reason_of(first)
    errors = [FieldError(field=name, reason=reason, code="invalid")]
    return Problem(HTTPStatus.BAD_REQUEST, f"the body is no receipt: {reason}", errors=errors)
