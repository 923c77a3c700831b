import json

import pytest
from starlette.testclient import TestClient

from app.compose import Platform
from app.http.binding import COUNTED
from app.http.events import AT_ONCE, MAX_BATCH_BYTES, MAX_BATCH_EVENTS
from tests.app.http.wire import BATCHED, DRIVER, FINE, event, post_batch, stored


def test_a_good_batch_is_stored_whole(client: TestClient, platform: Platform) -> None:
    """200: every event is stored, in the order of the batch."""
    answer = post_batch(client, [event(id="b"), event(id="a")])
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [{"status": "accepted"}, {"status": "accepted"}],
        "accepted": 2,
        "duplicates": 0,
        "rejected": 0,
    }
    assert [one.id for one in stored(platform)] == ["b", "a"]


def test_one_bad_event_does_not_hold_up_the_others(client: TestClient, platform: Platform) -> None:
    """207: each event has its own result, in order, and the good ones are stored."""
    batch = [
        event(id="a"),
        event(id="b", data=FINE | {"amount": "much"}),
        7,
        event(id="a"),
        event(id="a", subject=DRIVER, data=FINE | {"amount": 5}),
        event(id="c"),
    ]
    answer = post_batch(client, batch)
    results = answer.json().pop("results")
    assert answer.status_code == 207
    assert [one["status"] for one in results] == [
        "accepted",
        "refused",
        "refused",
        "duplicate",
        "refused",
        "accepted",
    ]
    assert results[1]["error"] == {"field": "data.amount", "reason": "must be of type integer", "code": "bad_data"}
    assert results[4]["error"]["code"] == "id_reused"
    assert [answer.json()[name] for name in ("accepted", "duplicates", "rejected")] == [2, 1, 3]
    assert [one.id for one in stored(platform)] == ["a", "c"]


def test_an_event_over_its_limit_is_refused_alone(client: TestClient) -> None:
    """What is too large by itself is too large in a batch, and only that."""
    answer = post_batch(client, [event(id="a", data=FINE | {"number": "9" * 300_000}), event(id="b")])
    assert answer.status_code == 207
    assert [one.get("error", {}).get("code") for one in answer.json()["results"]] == ["too_large", None]


def test_a_short_body_has_no_long_answer(client: TestClient) -> None:
    """Of ten thousand mistakes in 20 kB the first twenty are told; those of real events are all told."""
    answer = client.post("/events", content="[" + "1," * 9_999 + "1]", headers=BATCHED)
    results = answer.json()["results"]
    assert (answer.status_code, len(results)) == (207, 10_000)
    assert {each["status"] for each in results} == {"refused"}
    assert len(answer.content) < 300_000
    assert [bool(each.get("error")) for each in results[:20]] == [True] * 20
    wrong = post_batch(client, [event(id=f"{each}", data=FINE | {"amount": "much"}) for each in range(30)]).json()
    assert {each["error"]["field"] for each in wrong["results"]} == {"data.amount"}


def test_a_batch_of_many_keeps_its_order(client: TestClient) -> None:
    """Results stay in the order of the batch also where it is stored in several parts."""
    batch = [event(id=str(number % (AT_ONCE + 1))) for number in range(AT_ONCE + 3)]
    results = post_batch(client, batch).json()["results"]
    assert [one["status"] for one in results] == ["accepted"] * (AT_ONCE + 1) + ["duplicate"] * 2


def test_an_empty_batch_is_fine(client: TestClient) -> None:
    """A batch may be empty (CloudEvents JSON batch format)."""
    assert post_batch(client, []).json() == {"results": [], "accepted": 0, "duplicates": 0, "rejected": 0}


@pytest.mark.parametrize("body", ["{}", '"words"', "null"])
def test_a_batch_is_an_array(client: TestClient, body: str) -> None:
    """Anything but an array is a 400 for the whole body."""
    answer = client.post("/events", content=body, headers=BATCHED)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "$")


def test_a_batch_has_limits(client: TestClient, platform: Platform) -> None:
    """413 for too many events as for too many bytes, and nothing of it is stored."""
    many = client.post("/events", content=json.dumps([event()] + [0] * MAX_BATCH_EVENTS), headers=BATCHED)
    more = client.post("/events", content=json.dumps([event()] + [0] * COUNTED), headers=BATCHED)
    large = client.post("/events", content=b" " * (MAX_BATCH_BYTES + 1), headers=BATCHED)
    assert [many.status_code, more.status_code, large.status_code] == [413, 413, 413]
    assert stored(platform) == []
