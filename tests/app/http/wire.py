"""What goes over the wire in the HTTP tests: one driver and their fine, in the three content modes."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import httpx2
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from app.compose import Platform
from app.http.openapi import Api
from app.http.routes import analysed
from app.identity.principals import add
from app.server import application
from domain.core.events import LifeEvent
from domain.facts.principals import Principal, Role, Scope
from tests.world import iin

DRIVER = iin(1)
FINE: dict[str, Any] = {"number": "KZ-1", "amount": 20000, "violated_on": "2025-06-01", "issued_on": "2025-06-02"}
STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCHED = {"content-type": "application/cloudevents-batch+json"}
Mode = Callable[[TestClient, dict[str, Any]], httpx2.Response]
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def client_of(app: FastAPI, **headers: str) -> TestClient:
    """A client that gets a 500 as an answer and not as an exception."""
    return TestClient(app, raise_server_exceptions=False, headers=headers, follow_redirects=False)


def served(platform: Platform) -> Api:
    """Return the application on that platform, which its clients share: building it takes longer than most calls."""
    if not _served or _served[0][0] is not platform:
        _served[:] = [(platform, application(platform, works=True))]
    return _served[0][1]


_served: list[tuple[Platform, Api]] = []
"""The platform that was asked for last, and its application."""


def routes_of(app: FastAPI) -> list[APIRoute]:
    """All routes of the app that are ours."""
    return [each for each in analysed(app.routes) if isinstance(each, APIRoute)]


def registry_of(platform: Platform) -> TestClient:
    """A client that reports as an operator's system, which speaks for all registries."""
    key = key_of(platform, "interior", name="registries", roles=[Role.OPERATOR])
    return client_of(served(platform), authorization=f"Bearer {key}")


def key_of(platform: Platform, agency: str, *scopes: Scope, name: str = "", roles: Sequence[Role] = ()) -> str:
    """A new key of a system of that agency; it has all scopes unless said."""
    system = Principal(name or f"{agency}-registry", agency, frozenset(roles), {}, frozenset(scopes or Scope))
    return add(platform.settings.principals, system)


def event(type_: str = "kz.traffic.fine_issued", **changed: object) -> dict[str, Any]:
    """A CloudEvent about the driver; a keyword that is None takes an attribute out."""
    made: dict[str, object] = {
        "specversion": "1.0",
        "id": "fine-1",
        "source": "/registry/interior",
        "type": type_,
        "time": "2025-06-02T11:00:00+05:00",
        "subject": DRIVER,
        "data": FINE,
    }
    return {name: value for name, value in (made | changed).items() if value is not None}


def headers_of(attributes: dict[str, Any]) -> dict[str, str]:
    """The `ce-*` headers of an event in binary mode."""
    names = {name: quote(str(value), safe="/:+.-") for name, value in attributes.items() if name != "data"}
    return {"content-type": "application/json"} | {f"ce-{name}": value for name, value in names.items()}


def post(client: TestClient, made: dict[str, Any]) -> httpx2.Response:
    """Report one event in structured mode."""
    return client.post("/events", content=json.dumps(made), headers=STRUCTURED)


def post_batch(client: TestClient, items: Sequence[Any]) -> httpx2.Response:
    """Report a batch."""
    return client.post("/events", content=json.dumps(items), headers=BATCHED)


def post_binary(client: TestClient, made: dict[str, Any]) -> httpx2.Response:
    """Report one event in binary mode."""
    return client.post("/events", content=json.dumps(made["data"]), headers=headers_of(made))


def post_alone_in_batch(client: TestClient, made: dict[str, Any]) -> httpx2.Response:
    """Report one event in batched mode."""
    return post_batch(client, [made])


def stored(platform: Platform) -> list[LifeEvent]:
    """The life events in the log."""
    return [entry.fact for page in platform.log.scan() for entry in page if isinstance(entry.fact, LifeEvent)]
