"""Jobs over the API: counted, confirmed, paused, gone on with and cancelled by an operator; nobody else sees any."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec import to_builtins
from starlette.testclient import TestClient

from app.compose import Platform
from app.identity.principals import add
from domain.facts.principals import Principal, Role
from streams.queues.jobs import JobState, Plan
from streams.replay.backfill import BackfillRequest
from streams.storage.leadership import Lane
from tests.app.http.wire import client_of, served
from tests.world import World, card, iin, registered

LONG_SINCE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def operator(world: World) -> Iterator[TestClient]:
    """Speaks as an operator to a platform with one citizen."""
    world.take(*registered(iin(1)), card(iin(1), "2025-07-20"))
    token = add(world.platform.settings.principals, Principal("olga", "platform", frozenset([Role.OPERATOR])))
    yield client_of(served(world.platform), authorization=f"Bearer {token}")
    ended()


def ended() -> None:
    """Wait for the jobs of this process."""
    for thread in threading.enumerate():
        if thread.name.startswith("job-"):
            thread.join()


def asked(operator: TestClient, **wanted: str) -> str:
    """The address of a job that was asked for and has been counted."""
    answer = operator.post("/jobs", json=wanted)
    assert (answer.status_code, answer.json()["state"], answer.json()["plan"]) == (202, "counting", None)
    ended()
    return answer.headers["location"]


def test_a_repair_is_counted_confirmed_and_done(operator: TestClient, world: World) -> None:
    """The wish is accepted with its address, counting changes nothing, and what is confirmed is done, once."""
    path = asked(operator, kind="repair", **{"from": "2020-01-01"})
    counted = operator.get(path).json()
    plan = counted["plan"]
    assert (counted["state"], counted["asked_by"], counted["confirmed_by"]) == ("counted", "olga", None)
    assert (plan["unit"], plan["count"] > 0, plan["what"]) == ("nudges", True, f"repair: {plan['count']} to plan")
    assert world.nudges() == []
    begun = operator.post(f"{path}/confirm", json={"count": plan["count"]})
    assert (begun.status_code, begun.json()["confirmed_by"]) == (202, "olga")
    again = operator.post(f"{path}/confirm", json={"count": plan["count"]})
    assert (again.status_code, "cannot be confirmed" in again.json()["detail"]) == (409, True)
    ended()
    done = operator.get(path).json()
    assert (done["state"], done["done"], done["plan"]) == ("done", plan["count"], None)
    nothing = operator.get(asked(operator, kind="repair")).json()
    assert (nothing["state"], nothing["words"]) == ("done", "There is nothing to do: 1 person looked at.")


def test_only_what_was_seen_is_confirmed(operator: TestClient, world: World, platform: Platform) -> None:
    """Another count, rules that have moved and a job that was cancelled are refused; counted anew it is confirmed."""
    path = asked(operator, kind="repair")
    count = operator.get(path).json()["plan"]["count"]
    other = operator.post(f"{path}/confirm", json={"count": count + 1})
    assert (other.status_code, "were counted, not" in other.json()["detail"]) == (409, True)
    who = Principal("saule", "interior", frozenset([Role.APPROVER]))
    platform.rules.switches.pause("identity_card_expiry", who)
    moved = operator.post(f"{path}/confirm", json={"count": count})
    assert (moved.status_code, "the rules have changed since" in moved.json()["detail"]) == (409, True)
    assert operator.post(f"{path}/resume").json()["state"] in ("counted", "counting")
    ended()
    assert (operator.get(path).json()["state"], world.nudges()) == ("counted", [])
    assert operator.post(f"{path}/confirm", json={"count": count}).status_code == 202
    ended()
    cancelled = asked(operator, kind="replay verify")
    assert operator.post(f"{cancelled}/cancel").json()["state"] == "cancelled"
    assert operator.post(f"{cancelled}/confirm", json={"count": 1}).status_code == 409
    assert operator.post("/jobs/99/confirm", json={"count": 1}).status_code == 404


def test_who_confirms_must_be_allowed_to_ask(operator: TestClient, platform: Platform) -> None:
    """A backfill that the trigger's agency asked for is no other agency's to confirm."""
    further = to_builtins(BackfillRequest("identity_card_expiry", LONG_SINCE))
    id_ = platform.queues.jobs.ask("backfill", Lane.NUDGES, {"further": further, "by": "saule"}, "saule").id
    answer = operator.post(f"/jobs/{id_}/confirm", json={"count": 1})
    assert (answer.status_code, "another agency" in answer.json()["detail"]) == (403, True)


def test_a_job_is_paused_gone_on_with_and_cancelled(operator: TestClient, platform: Platform) -> None:
    """Each does what its command does, and says 409 where that cannot be now."""
    jobs = platform.queues.jobs
    first = jobs.add("replay verify", Lane.VIEWS, {}, Plan("verify", 10, "facts", 1.0), "olga").id
    assert operator.post(f"/jobs/{first}/pause").json()["state"] == "paused"
    assert operator.post("/jobs", json={"kind": "replay verify"}).status_code == 409
    assert operator.post(f"/jobs/{first}/resume").status_code == 200
    ended()
    assert jobs.job(first).state is JobState.DONE
    assert operator.post(f"/jobs/{first}/resume").status_code == 409
    second = jobs.add("replay verify", Lane.VIEWS, {}, Plan("verify", 10, "facts", 1.0), "olga").id
    assert operator.post(f"/jobs/{second}/cancel").json()["state"] == "cancelled"
    assert operator.post("/jobs/99/cancel").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "status", "words"),
    [
        ({"kind": "repair", "from": "soon"}, 422, "from: 'soon' is no time"),
        ({"kind": "repair", "trigger": "none"}, 404, "No published trigger"),
        ({"kind": "replay views"}, 422, "views: name at least one"),
        ({"kind": "replay kafka", "from": "1"}, 422, "no Kafka"),
        ({"kind": "replay kafka", "from": "9" * 40}, 422, "no Kafka"),
        ({"kind": "eat"}, 422, "does not fit"),
        ({"kind": "repair", "person": "x"}, 422, "does not fit"),
        ({"kind": "backfill", "trigger": "identity_card_expiry", "since": "2020-01-01"}, 403, "another agency"),
    ],
)
def test_what_is_wrong_is_named(
    operator: TestClient, platform: Platform, wanted: dict[str, str], status: int, words: str
) -> None:
    """A wrong wish is a problem that names the field, and nothing is begun."""
    answer = operator.post("/jobs", json=wanted)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert platform.queues.jobs.latest(9) == []


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.APPROVER, Role.AUDITOR])
def test_jobs_are_the_operators(platform: Platform, role: Role) -> None:
    """Who is no operator neither sees a job nor begins one."""
    token = add(platform.settings.principals, Principal("saule", "interior", frozenset([role])))
    client = client_of(served(platform), authorization=f"Bearer {token}")
    wanted = {"kind": "replay verify"}
    found = [
        client.get("/jobs"),
        client.get("/jobs/1"),
        client.post("/jobs", json=wanted),
        client.post("/jobs/1/confirm", json={"count": 1}),
        *(client.post(f"/jobs/1/{what}") for what in ("pause", "resume", "cancel")),
    ]
    assert {each.status_code for each in found} == {403}
