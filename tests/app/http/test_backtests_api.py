"""Backtests over the API: a draft is played on history by the server, and told in counts."""

import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.compose import Platform
from app.identity.principals import add
from domain.facts.principals import Principal, Role
from tests.app.http.test_drafting import CLINIC
from tests.app.http.wire import client_of, served
from tests.world import World, event, iin, registered

CITIZEN = iin(1)
SPAN = {"from": "2025-05-01", "to": "2025-07-01"}


@pytest.fixture
def author(world: World) -> TestClient:
    """An author of the agency whose the trigger is; a citizen has moved."""
    moved = {"kind": "moved", "area": "750000000", "address": "Абай даңғылы, 10, 5"}
    world.take(*registered(CITIZEN), event("kz.residence.registered", CITIZEN, "2025-06-02T11:30:00+05:00", moved))
    return somebody(world.platform, "aida", "health", Role.AUTHOR)


def somebody(platform: Platform, name: str, agency: str, *roles: Role) -> TestClient:
    """Speaks as an official."""
    token = add(platform.settings.principals, Principal(name, agency, frozenset(roles)))
    return client_of(served(platform), authorization=f"Bearer {token}")


def ended() -> None:
    """Wait for the jobs of this process."""
    for thread in threading.enumerate():
        if thread.name.startswith("job-"):
            thread.join()


def test_a_draft_is_played_on_history(author: TestClient, world: World, draft: dict[str, Any]) -> None:
    """The wish is accepted with its address; there are the counts, of people, messages and days, nobody's data."""
    before = len(world.entries())
    begun = author.post("/backtests", json=draft | SPAN)
    assert (begun.status_code, begun.json()["counts"]) == (202, None)
    ended()
    found = author.get(begun.headers["location"]).json()
    assert (found["job"]["state"], found["trigger"], found["counts"]["people"]) == ("done", CLINIC, 1)
    assert found["counts"]["messages"]
    assert world.name(CITIZEN) not in str(found)
    assert (len(world.entries()), world.sent) == (before, [])


def test_a_backtest_is_its_agencys(author: TestClient, world: World, draft: dict[str, Any]) -> None:
    """Another agency can neither begin one of its trigger nor read one; an approver of it reads it."""
    where = author.post("/backtests", json=draft | SPAN).headers["location"]
    ended()
    fred = somebody(world.platform, "fred", "interior", Role.AUTHOR)
    assert fred.post("/backtests", json=draft | SPAN).status_code == 403
    assert fred.get(where).status_code == 403
    assert somebody(world.platform, "berik", "health", Role.APPROVER).get(where).status_code == 200
    assert author.get("/backtests/999").status_code == 404


def test_a_draft_that_names_another_owner_is_not_compared(
    author: TestClient, world: World, draft: dict[str, Any]
) -> None:
    """A draft of one's own under the name of another agency's trigger tells nothing of what is in force there."""
    compared = [author.post("/backtests", json=draft | SPAN).json()["job"]["id"]]
    ended()
    taken = draft["files"]["trigger.yaml"].replace("owner: health", "owner: interior")
    mine = draft | {"files": draft["files"] | {"trigger.yaml": taken}}
    fred = somebody(world.platform, "fred", "interior", Role.AUTHOR)
    compared.append(fred.post("/backtests", json=mine | SPAN).json()["job"]["id"])
    ended()
    assert [world.platform.queues.jobs.job(each).arguments["against"] for each in compared] == [True, False]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"to": "2025-05-01"}, "to"),
        ({"to": "2029-01-01"}, "to"),
        ({"from": "2025-02-30"}, "from"),
        ({"files": {"trigger.yaml": "x"}}, "trigger.yaml"),
        ({"caps": "perhaps"}, "caps"),
    ],
)
def test_what_cannot_be_played_is_refused(
    author: TestClient,
    world: World,
    draft: dict[str, Any],
    wrong: dict[str, Any],
    field: str,
) -> None:
    """A range that is none, and a draft that lint finds something in, are 422 with the field; no job is made."""
    refused = author.post("/backtests", json=draft | SPAN | wrong)
    assert refused.status_code == 422
    assert any(field in each["field"] for each in refused.json()["errors"]), refused.json()
    assert world.platform.queues.jobs.latest(1) == []
