"""Every route is walked: whether it asks who calls, and what another agency gets."""

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from app.compose import Platform
from app.http.admission import KEYED
from app.identity.principals import add
from domain.facts.governance import TriggerPaused
from domain.facts.principals import Principal, Role, Scope
from tests.app.http.wire import client_of, key_of, routes_of, served

OPEN = {
    "/stop/{token}",
    "/stop/{token}/undo",
    "/answer/{token}",
    "/seen/{token}",
    "/m/{token}",
    "/m/{token}/why",
    "/m/{token}/calendar.ics",
    "/m/{token}/dispute",
    "/devices/renew",
    "/devices/known",  # by a signed link or token
    "/receipts/{provider}",
    "/gateways/{provider}/receipts",
    "/gateways/{provider}/messages",  # by a signature
    "/livez",
    "/readyz",
    "/",
    "/components",
    "/app.webmanifest",
    "/worker.js",
    "/check",
    "/sign-in",
    "/sign-in/token",
    "/sign-in/{name}",
    "/sign-in/{name}/back",
}
FILLED = {
    "person": "0" * 32,
    "nudge": "3f2b8c1e-5d7a-9c41-8e02-6b1f0a9d4c55",
    "name": "clinic_attachment",
    "hash": "0" * 12,
    "id": "1",
    "job": "expiry",
    "viewing": "0" * 32,
    "token": "x",
    "provider": "x",
    "event": "0" * 32,
    "device": "0" * 32,
}
DRAFT = {"pack": "kz", "trigger": "x", "files": {"trigger.yaml": "x"}}
BODIES = {
    "/persons": {"national_id": "900101300017"},
    "/persons/{person}/preferences": {"language": "kk"},
    "/persons/{person}/nudges/{nudge}/dispute": {"text": "no"},
    "/submissions/{name}/{hash}/publish": {},
    "/jobs": {"kind": "replay verify"},
    "/jobs/{id}/confirm": {"count": 1},
    "/lint": {"files": {"pack.yaml": "x"}},
    "/test": DRAFT,
    "/preview": DRAFT,
    "/submissions": DRAFT,
    "/trails": {"person": "900101300017", "purpose": "a request"},
    "/backtests": DRAFT | {"from": "2025-01-01", "to": "2025-02-01"},
    "/persons/{person}/consents": {"categories": []},
}


def routes(platform: Platform) -> Iterator[tuple[str, str]]:
    """Method and path of every route."""
    for route in routes_of(served(platform)):
        yield from ((method, route.path) for method in sorted(route.methods or ()))


def call(client: TestClient, method: str, path: str, key: str = "") -> int:
    """Call a route with something that fits it; gives the status."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    query = "?from=2025-01-01&to=2025-01-02" if path == "/statistics" else ""
    return client.request(method, path.format(**FILLED) + query, headers=headers, json=BODIES.get(path)).status_code


def test_every_route_asks_who_calls(platform: Platform) -> None:
    """What is not open by a link, a signature or its nature answers 401 to who has no key and did not sign in."""
    client, walked = client_of(served(platform)), list(routes(platform))
    assert len(walked) > 35
    closed = [(method, path) for method, path in walked if path not in OPEN]
    assert {path for _, path in closed} == {
        path
        for _, path in walked
        if path == "/work" or path.startswith((*KEYED, "/my", "/console", "/work/", "/sign-out", "/mcp"))
    }
    for method, path in closed:
        assert call(client, method, path) == 401, path


def test_a_key_does_what_its_scopes_say(platform: Platform) -> None:
    """A key with another scope, or an official's token where a system's key is wanted, gets 403, and the reverse."""
    client = client_of(served(platform))
    figures = key_of(platform, "interior", Scope.STATISTICS)
    official = add(platform.settings.principals, Principal("saule", "interior", frozenset([Role.AUTHOR])))
    for method, path in routes(platform):
        if path.startswith(("/persons", "/events")):
            assert call(client, method, path, figures) == 403, path
            assert call(client, method, path, official) == 403, path
        elif path.startswith(("/triggers", "/submissions", "/lint", "/test", "/preview", "/jobs", "/schedule")):
            assert call(client, method, path, figures) == 403, path


@pytest.mark.parametrize("path", ["/triggers/{name}/pause", "/triggers/{name}/resume"])
def test_another_agency_changes_nothing(platform: Platform, path: str) -> None:
    """Whoever is of another agency cannot stop its triggers, nor see its versions and figures."""
    client = client_of(served(platform))
    roles = frozenset([Role.AUTHOR, Role.APPROVER])
    token = add(platform.settings.principals, Principal("saule", "interior", roles))
    assert call(client, "POST", path, token) == 403
    headers = {"authorization": f"Bearer {token}"}
    owners = {each["owner"] for each in client.get("/triggers", headers=headers).json()["items"]}
    assert owners == {"interior"}
    assert call(client, "GET", "/jobs", token) == 403
    health = add(platform.settings.principals, Principal("dana", "health", roles))
    assert call(client, "POST", path, health) == 200


def test_the_description_says_what_a_reason_must_be(platform: Platform) -> None:
    """Who reads the API's description knows the rule that pages and commands hold reasons to."""
    schemas = served(platform).openapi()["components"]["schemas"]
    reasons = {name: schemas[name]["properties"]["reason"] for name in ("Because", "Refusal")}
    assert "5 to 500 characters, with a letter among them" in reasons["Refusal"]["description"]
    assert "at most 500 characters with a letter among them" in reasons["Because"]["description"]
    for told in reasons.values():
        assert re.search(told["pattern"], "тек қазақша")
        assert not re.search(told["pattern"], "12345")


def test_why_a_trigger_is_paused_is_kept(platform: Platform) -> None:
    """A pause by the API may say why, which the log keeps; too much of it is refused by its field."""
    client = client_of(served(platform))
    token = add(platform.settings.principals, Principal("dana", "health", frozenset([Role.APPROVER])))
    headers = {"authorization": f"Bearer {token}"}
    path = "/triggers/clinic_attachment/pause"
    refused = client.post(path, headers=headers, json={"reason": "x" * 501})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "body.reason")
    for empty in ("…", "12345", "     ", "×÷±"):
        says_nothing = client.post(path, headers=headers, json={"reason": empty})
        assert (says_nothing.status_code, says_nothing.json()["errors"][0]["field"]) == (422, "body.reason")
    assert client.post(path, headers=headers, json={"reason": "clinics moved"}).json()["new"]
    facts = [entry.fact for page in platform.log.scan(0) for entry in page]
    assert [fact.reason for fact in facts if isinstance(fact, TriggerPaused)] == ["clinics moved"]
