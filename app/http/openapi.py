"""The description of the API (OpenAPI 3.1): every error is a problem document, events are CloudEvents."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.params import Depends

from app.http import binding
from app.http.admission import KEYED
from app.http.problems import MEDIA_TYPE, ProblemDetails
from app.http.routes import Routed, analysed
from streams.intake.cloudevents import LONGEST_NAME

VERSION = "1"
_REF = "#/components/schemas/{model}"

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Anything else: a problem (RFC 9457).",
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="ProblemDetails")}}},
    }
}
"""Answers that every route may give. A `default` also keeps the framework's own 422 out of the description."""

_TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
_CLOUD_EVENT = {
    "description": "A CloudEvent 1.0 whose data fits the JSON Schema of its type.",
    "type": "object",
    "required": ["specversion", "id", "source", "type", "time"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": _TEXT | {"description": "Unique within its source; never a national id."},
        "source": _TEXT | {"description": "The registry, as a URI reference."},
        "type": _TEXT,
        "time": {"type": "string", "format": "date-time", "description": "The time of the event, with a zone."},
        "subject": {"type": ["string", "null"], "description": "The national id of the person it is about."},
        "datacontenttype": {"type": ["string", "null"]},
        "dataschema": {"type": ["string", "null"]},
        "data": {"type": ["object", "null"]},
        "corrects": {
            "type": ["string", "null"],
            "maxLength": LONGEST_NAME,
            "description": "The id of the event that this one corrects.",
        },
        "revision": {"type": ["integer", "string", "null"], "description": "2 or more with `corrects`."},
        "annuls": {"type": ["boolean", "string"], "description": "What `corrects` names did not happen."},
        "traceparent": {"type": ["string", "null"]},
    },
    "examples": [
        {
            "specversion": "1.0",
            "id": "0192-77",
            "source": "/registry/interior",
            "type": "kz.traffic.fine_issued",
            "time": "2025-06-02T09:00:00+05:00",
            "subject": "900101300017",
            "data": {"number": "KZ-1", "amount": 20000, "violated_on": "2025-06-01", "issued_on": "2025-06-02"},
        }
    ],
}
_EVENT = {"$ref": _REF.format(model="CloudEvent")}

EVENT_BODIES: dict[str, Any] = {
    "required": True,
    "content": {
        binding.STRUCTURED: {"schema": _EVENT},
        binding.BATCHED: {"schema": {"type": "array", "items": _EVENT, "maxItems": 10_000}},
        binding.BINARY: {
            "schema": {
                "type": "object",
                "description": "Only the data; the attributes are `ce-*` headers, percent-encoded.",
            }
        },
    },
}


_PRINTED = {"type": "string", "pattern": "^[!-~]([ -~]*[!-~])?$"}
"""The content of a header (RFC 9110, 5.5), without what is obsolete."""


_ANY = {"type": "string"}
"""Any text: a value that some content mode does not check is refused in none."""


def _header(name: str, description: str, schema: Mapping[str, Any] = _PRINTED) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": schema}


EVENT_HEADERS: list[dict[str, Any]] = [
    *(
        _header(f"ce-{name}", "An attribute of an event in binary mode, percent-encoded; else not read.", _ANY)
        for name in ("specversion", "id", "source", "type", "time", "subject", "corrects", "revision", "annuls")
    ),
    _header("traceparent", "The trace (W3C) that the event belongs to, unless it names one itself.", _ANY),
]


SIGNED_HEADERS: list[dict[str, Any]] = [
    _header("webhook-id", "The call's id."),
    _header("webhook-timestamp", "The time of signing: seconds since 1970."),
    _header("webhook-signature", "`v1,` and the base64 of the HMAC, as Standard Webhooks say."),
]


IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": _PRINTED | {"maxLength": 255},
    "description": "One for each request, a UUID for instance, kept for sending the same again: for 24 hours it is "
    "done once, and answered as the first time. Another request under it: 422; while the first is under way: 409.",
}


class Api(FastAPI):
    """An application that describes itself truly."""

    def serve(self, routed: Routed, dependencies: Sequence[Depends] = ()) -> None:
        """Serve these pages or calls; `dependencies`: what each of them waits for before its own."""
        self.router.routes.extend(routed.routes(self.router.responses, dependencies))

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI 3.1 document."""
        if self.openapi_schema is None:
            self.openapi_schema = _document(self)
        return self.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=analysed(app.routes),
    )
    problem = ProblemDetails.model_json_schema(ref_template=_REF)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    document["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key or token of `habarshy principals`."}
    }
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "post" and path.startswith(KEYED):
                operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
            operation["security"] = [{"key": []}] if path.startswith(KEYED) else []
    schemas |= problem.pop("$defs") | {"ProblemDetails": problem, "CloudEvent": _CLOUD_EVENT}
    return document
