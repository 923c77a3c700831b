"""The schedule over the API: listed, and a job run now by the process that keeps it; for operators only."""

import pytest
from starlette.testclient import TestClient

from app.identity.principals import add
from app.scheduled import schedule_of
from app.settings import SCHEDULE
from domain.facts.principals import Principal, Role
from streams.storage.tables import scheduled
from tests.app.http.wire import client_of, served
from tests.world import World


@pytest.fixture
def operator(world: World) -> TestClient:
    """Speaks as an operator."""
    token = add(world.platform.settings.principals, Principal("olga", "platform", frozenset([Role.OPERATOR])))
    return client_of(served(world.platform), authorization=f"Bearer {token}")


def found(operator: TestClient, job: str) -> dict[str, object]:
    """A job as the list shows it."""
    items = operator.get("/schedule").json()["items"]
    assert [each["job"] for each in items] == list(SCHEDULE)
    return next(each for each in items if each["job"] == job)


def test_a_job_is_run_now_by_the_process_that_keeps_the_schedule(operator: TestClient, world: World) -> None:
    """The server only asks for it: it is accepted and due, and the keeper runs it; the list says how it ended."""
    asked = operator.post("/schedule/cleanup/now")
    assert (asked.status_code, asked.json()["job"], asked.json()["started_at"]) == (202, "cleanup", None)
    assert "no process keeps the schedule" in asked.json()["note"]
    keeper = schedule_of(world.platform)
    keeper.take_up()
    keeper.run_due(never)
    ended = found(operator, "cleanup")
    assert (ended["outcome"], ended["why"], ended["failures"]) == ("done", "", 0)


def never() -> bool:
    """It is not to stop."""
    return False


def test_what_is_not_run_is_refused_with_the_reason(operator: TestClient, world: World) -> None:
    """An unknown name is 404, what destroys 422, and what runs already 409; each is a problem that says why."""
    unknown = operator.post("/schedule/backup/now")
    assert (unknown.status_code, "there are: cleanup" in unknown.json()["detail"]) == (404, True)
    destroys = operator.post("/schedule/retire/now")
    assert (destroys.status_code, "habarshy retire" in destroys.json()["detail"]) == (422, True)
    operator.post("/schedule/cleanup/now")
    running = scheduled.update().where(scheduled.c.job == "cleanup").values(outcome="running")
    world.platform.database.write(lambda connection: connection.execute(running))
    busy = operator.post("/schedule/cleanup/now")
    assert (busy.status_code, busy.headers["content-type"]) == (409, "application/problem+json")
    assert busy.json()["type"] == "urn:habarshy:problem:not-now"
    assert "is running already" in busy.json()["detail"]


def test_only_operators_see_the_schedule(world: World) -> None:
    """An official who is no operator gets 403, and nothing is asked for."""
    token = add(world.platform.settings.principals, Principal("saule", "interior", frozenset([Role.AUTHOR])))
    official = client_of(served(world.platform), authorization=f"Bearer {token}")
    assert official.get("/schedule").status_code == 403
    refused = official.post("/schedule/cleanup/now")
    assert (refused.status_code, refused.json()["detail"]) == (403, "only an operator may do that")
    assert {run.started_at for run in schedule_of(world.platform).runs()} == {None}
