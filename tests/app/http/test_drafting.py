"""Drafts over the API, as a portal's editor would send them."""

import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from app.compose import Platform
from app.identity.principals import add
from domain.facts.principals import Principal, Role
from tests.app.http.wire import client_of, served

CLINIC = "clinic_attachment"


@pytest.fixture
def author(platform: Platform) -> TestClient:
    """An author of the agency whose it is."""
    return _client(platform, "aida", "health")


def _client(platform: Platform, name: str, agency: str) -> TestClient:
    token = add(platform.settings.principals, Principal(name, agency, frozenset([Role.AUTHOR])))
    return client_of(served(platform), authorization=f"Bearer {token}")


def test_tests_are_played(author: TestClient, draft: dict[str, Any]) -> None:
    """Each case with every decision, and a failing one with what was expected, what there was and the difference."""
    passed = author.post("/test", json=draft).json()
    assert (passed["passed"], len(passed["items"]), passed["findings"]) == (True, 4, [])
    assert all(each["decisions"] for each in passed["items"][:3])
    draft["files"]["tests.yaml"] = draft["files"]["tests.yaml"].replace("channel: sms", "channel: email")
    failed = author.post("/test", json=draft).json()
    assert not failed["passed"]
    assert failed["items"][0]["differences"][0]["why"] == "wrong channel: expected email, got sms"


def test_a_preview_has_sizes_and_costs(author: TestClient, draft: dict[str, Any]) -> None:
    """Each person, step and language; an SMS with its parts and what they cost."""
    shown = author.post("/preview", json=draft | {"persona": "pensioner"}).json()["items"]
    assert [each["language"] for each in shown] == ["kk", "ru", "en"]
    assert (shown[0]["sms"]["parts"], shown[0]["sms"]["cost"]) == (2, 20)
    assert "Сәлеметсіз бе" in shown[0]["email"]["html"]


def test_a_draft_is_submitted_once_it_passes(author: TestClient, platform: Platform, draft: dict[str, Any]) -> None:
    """What fails is named by file or case and not submitted; what passes is, once; never by another agency."""
    broken = draft | {"files": draft["files"] | {"kk.md": "---\n---\n"}}
    refused = author.post("/submissions", json=broken)
    assert refused.status_code == 422
    assert {each["field"] for each in refused.json()["errors"]} == {"kk.md"}
    later = draft["files"]["tests.yaml"].replace("03-06", "03-07")
    failing = draft | {"files": draft["files"] | {"tests.yaml": later}}
    assert author.post("/submissions", json=failing).json()["errors"][0]["code"] == "failed"
    assert _client(platform, "fred", "interior").post("/submissions", json=draft).status_code == 403
    assert platform.rules.approval.governed().submitted == {}
    answers = [author.post("/submissions", json=draft).json() for _ in range(2)]
    assert [(each["name"], each["new"]) for each in answers] == [(CLINIC, True), (CLINIC, False)]


def test_a_draft_with_placeholders_is_tested_and_not_submitted(author: TestClient, draft: dict[str, Any]) -> None:
    """A sentence of the scaffold is a warning of lint and 422 of submitting, named by file, line and column."""
    words = draft["files"]["en.md"] + "\n\nWrite here what has changed.\n"
    unfinished = draft | {"files": draft["files"] | {"en.md": words}}
    assert author.post("/test", json=unfinished).json()["passed"]
    refused = author.post("/submissions", json=unfinished)
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert error["field"] == "en.md"
    assert "is a placeholder" in error["reason"]


@pytest.mark.parametrize("changed", [{"pack": "nowhere"}, {"trigger": "../x"}, {"files": {"../x": "y"}}])
def test_what_is_no_draft_is_refused(author: TestClient, draft: dict[str, Any], changed: dict[str, Any]) -> None:
    """A pack that is not published, a name or a file that leads elsewhere: 422, and nothing is written anywhere."""
    for path in ("/test", "/preview", "/submissions"):
        assert author.post(path, json=draft | changed).status_code == 422


@pytest.mark.parametrize("path", ["../../{name}", "../{name}", "card_ends/../../../{name}", "..", "card_ends/.."])
def test_lint_writes_nothing_outside_its_folder(author: TestClient, path: str) -> None:
    """A path that leads out of the pack is refused, and no file is there afterwards."""
    outside = Path(tempfile.gettempdir(), f"habarshy-outside-{uuid4().hex}.yaml")
    answer = author.post("/lint", json={"files": {path.format(name=outside.name): "x: 1"}})
    assert (answer.status_code, outside.exists()) == (422, False)
    inside = {"pack.yaml": "x: 1", "card_ends/trigger.yaml": "x: 1", "events/a-b.yaml": "x: 1"}
    assert author.post("/lint", json={"files": inside}).status_code == 200
