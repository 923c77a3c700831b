import json

import pytest
from starlette.testclient import TestClient

from app.compose import Platform
from app.identity.principals import add, remove
from domain.facts.principals import Principal, Role, Scope
from tests.app.http.wire import STRUCTURED, client_of, event, key_of, post, served, stored


@pytest.fixture
def stranger(platform: Platform) -> TestClient:
    """Who has no key."""
    return client_of(served(platform))


def report(client: TestClient, key: str = "") -> int:
    """Report a fine with that key; gives the status."""
    headers = STRUCTURED | ({"authorization": f"Bearer {key}"} if key else {})
    return client.post("/events", content=json.dumps(event()), headers=headers).status_code


def test_who_has_no_key_reports_nothing(stranger: TestClient, platform: Platform) -> None:
    """Without a key, or with nobody's, the answer is 401 and nothing is stored."""
    assert [report(stranger), report(stranger, "hby_nobodys")] == [401, 401]
    assert stored(platform) == []


def test_a_key_without_the_scope_reports_nothing(stranger: TestClient, platform: Platform) -> None:
    """A key for figures, or an official's token, reports no events."""
    assert report(stranger, key_of(platform, "interior", Scope.STATISTICS)) == 403
    official = add(platform.settings.principals, Principal("saule", "interior", frozenset([Role.AUTHOR])))
    assert report(stranger, official) == 403
    assert stored(platform) == []


def test_a_registry_speaks_for_its_own_agency(stranger: TestClient, platform: Platform) -> None:
    """The key of one agency reports no event of another's types, alone or in a batch."""
    foreign = key_of(platform, "education", Scope.EVENTS)
    assert report(stranger, foreign) == 403
    headers = {"authorization": f"Bearer {foreign}", "content-type": "application/cloudevents-batch+json"}
    answer = stranger.post("/events", content=json.dumps([event()]), headers=headers)
    assert (answer.status_code, answer.json()["results"][0]["error"]["code"]) == (207, "not_yours")
    assert stored(platform) == []
    assert report(stranger, key_of(platform, "interior", Scope.EVENTS)) == 202


def test_a_key_that_is_taken_away_ends_at_once(stranger: TestClient, platform: Platform) -> None:
    """The next request of a removed key is refused, without a restart."""
    key = key_of(platform, "interior", Scope.EVENTS)
    assert report(stranger, key) == 202
    remove(platform.settings.principals, "interior-registry")
    assert report(stranger, key) == 401


def test_limits_are_told_with_every_answer(stranger: TestClient) -> None:
    """RateLimit and RateLimit-Policy say how much is left."""
    answer = stranger.get("/openapi.json")
    assert answer.headers["ratelimit-policy"] == '"default";q=6000;w=60'
    assert answer.headers["ratelimit"].startswith('"default";r=5999;t=')


def test_a_registry_takes_back_nothing_of_another(stranger: TestClient, platform: Platform) -> None:
    """An annulment by another agency, with a source and an id that are not its own, is refused."""
    assert report(stranger, key_of(platform, "interior", Scope.EVENTS)) == 202
    before, taken_back = stored(platform), {"corrects": "fine-1", "revision": 2, "annuls": True, "data": None}

    def annul(agency: str, **changed: object) -> int:
        key = f"Bearer {key_of(platform, agency, Scope.EVENTS, name=f'{agency}-2')}"
        return post(client_of(stranger.app, authorization=key), event(**(taken_back | changed))).status_code  # type: ignore[arg-type]

    assert annul("education", id="x", type_="kz.education.kindergarten_enrolled") == 400
    assert stored(platform) == before
    assert annul("interior", id="y") == 202
