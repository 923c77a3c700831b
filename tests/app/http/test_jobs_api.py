"""Jobs over the API: planned, begun, paused, gone on with and cancelled by an operator; nobody else sees any."""

import threading
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from app.compose import Platform
from app.http.application import application
from app.principals import add
from domain.principals import Principal, Role
from streams.jobs import Plan, State
from streams.turns import Lane
from tests.app.http.wire import client_of
from tests.world import World, card, iin, registered


@pytest.fixture
def operator(world: World) -> Iterator[TestClient]:
    """Speaks as an operator to a platform with one citizen."""
    world.take(*registered(iin(1)), card(iin(1), "2025-07-20"))
    token = add(world.platform.settings.principals, Principal("olga", "platform", frozenset([Role.OPERATOR])))
    yield client_of(application(world.platform), authorization=f"Bearer {token}")
    ended()


def ended() -> None:
    """Wait for the jobs of this process."""
    for thread in threading.enumerate():
        if thread.name.startswith("job-"):
            thread.join()


def test_a_repair_is_planned_begun_and_done(operator: TestClient, platform: Platform) -> None:
    """The plan changes nothing; the job is accepted with its number, and does what was planned."""
    wanted = {"kind": "repair", "from": "2020-01-01"}
    plan = operator.post("/jobs/plan", json=wanted).json()
    assert (plan["unit"], plan["count"] > 0) == ("nudges", True)
    assert platform.jobs.latest(9) == []
    begun = operator.post("/jobs", json=wanted)
    assert (begun.status_code, begun.json()["asked_by"]) == (202, "olga")
    ended()
    done = operator.get(f"/jobs/{begun.json()['id']}").json()
    assert (done["state"], done["done"]) == ("done", plan["count"])
    again = operator.post("/jobs/plan", json=wanted)
    assert (again.status_code, "nothing to do" in again.json()["detail"]) == (409, True)


def test_a_job_is_paused_gone_on_with_and_cancelled(operator: TestClient, platform: Platform) -> None:
    """Each does what its command does, and says 409 where that cannot be now."""
    jobs = platform.jobs
    first = jobs.add("replay verify", Lane.VIEWS, {}, Plan("verify", 10, "facts", 1.0), "olga").id
    assert operator.post(f"/jobs/{first}/pause").json()["state"] == "paused"
    assert operator.post("/jobs", json={"kind": "replay verify"}).status_code == 409
    assert operator.post(f"/jobs/{first}/resume").status_code == 200
    ended()
    assert jobs.job(first).state is State.DONE
    assert operator.post(f"/jobs/{first}/resume").status_code == 409
    second = jobs.add("replay verify", Lane.VIEWS, {}, Plan("verify", 10, "facts", 1.0), "olga").id
    assert operator.post(f"/jobs/{second}/cancel").json()["state"] == "cancelled"
    assert operator.post("/jobs/99/cancel").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "status", "words"),
    [
        ({"kind": "repair", "from": "soon"}, 422, "from: is no time"),
        ({"kind": "repair", "trigger": "none"}, 404, "No published trigger"),
        ({"kind": "replay views"}, 422, "views: name at least one"),
        ({"kind": "replay kafka", "from": "1"}, 422, "no Kafka"),
        ({"kind": "replay kafka", "from": "9" * 40}, 422, "no Kafka"),
        ({"kind": "eat"}, 422, "does not fit"), ({"kind": "repair", "person": "x"}, 422, "does not fit"),
        ({"kind": "backfill", "trigger": "identity_card_expiry", "since": "2020-01-01"}, 403, "another agency"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    operator: TestClient, platform: Platform, wanted: dict[str, str], status: int, words: str
) -> None:  # fmt: skip
    """A wrong wish is a problem that names the field, and nothing is begun."""
    answer = operator.post("/jobs", json=wanted)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert platform.jobs.latest(9) == []


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.APPROVER, Role.AUDITOR])
def test_jobs_are_the_operators(platform: Platform, role: Role) -> None:
    """Who is no operator neither sees a job nor begins one."""
    token = add(platform.settings.principals, Principal("saule", "interior", frozenset([role])))
    client = client_of(application(platform), authorization=f"Bearer {token}")
    wanted = {"kind": "replay verify"}
    found = [client.get("/jobs"), client.get("/jobs/1"), client.post("/jobs", json=wanted),
             client.post("/jobs/plan", json=wanted),
             *(client.post(f"/jobs/1/{what}") for what in ("pause", "resume", "cancel"))]  # fmt: skip
    assert {each.status_code for each in found} == {403}
