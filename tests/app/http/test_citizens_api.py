from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.http.citizens import SHOWN
from domain.facts.access_facts import PersonViewed
from domain.facts.principals import Scope
from streams.delivery.inbound.own_limits import MOST_A_DAY
from tests.app.http.test_routes import BODIES
from tests.app.http.wire import client_of, key_of, routes_of, served
from tests.world import World, card, few_triggers, fine, iin, registered

CITIZEN = iin(1)
OFFERS = "work_offers"


@pytest.fixture
async def told(world: World) -> World:
    """A citizen who was told of three fines, and whose card ends."""
    fines = [fine(CITIZEN, f"KZ-{each}", "2025-06-02T11:00:00+05:00") for each in range(3)]
    world.take(*registered(CITIZEN), card(CITIZEN, "2025-07-20"), *fines)
    await world.settle()
    return world


@pytest.fixture
def portal(told: World) -> TestClient:
    """A portal that shows citizens their messages."""
    key = key_of(told.platform, "platform", Scope.CITIZENS)
    return client_of(served(told.platform), authorization=f"Bearer {key}")


def viewed(told: World) -> list[PersonViewed]:
    """What the log says of who read whose data."""
    return [entry.fact for entry in told.entries() if isinstance(entry.fact, PersonViewed)]


def changes(told: World) -> int:
    """How many facts there are beside those."""
    return len(told.entries()) - len(viewed(told))


def test_the_inbox_comes_in_pages(portal: TestClient) -> None:
    """Each message is on exactly one page, the latest first, and the cursor says nothing to who sends it back."""
    person = portal.post("/persons", json={"national_id": CITIZEN}).json()["person"]
    seen: list[str] = []
    after = ""
    while True:
        page = portal.get(f"/persons/{person}/inbox", params={"limit": 1, "after": after}).json()
        seen += [each["nudge"] for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) > 1
    assert portal.get(f"/persons/{person}/inbox", params={"after": "AAAA"}).status_code == 400


def test_why_dispute_and_what_comes(portal: TestClient, told: World) -> None:
    """The clause with the legal basis, a dispute that is stored once, and the dates ahead."""
    person = told.name(CITIZEN)
    nudge = portal.get(f"/persons/{person}/inbox").json()["items"][0]["nudge"]
    why = portal.get(f"/persons/{person}/nudges/{nudge}").json()
    assert (UUID(why["nudge"]), why["agency"]) == (UUID(nudge), "interior")
    assert why["legal_basis"]
    before = changes(told)
    for _ in range(2):
        sent = portal.post(f"/persons/{person}/nudges/{nudge}/dispute", json={"text": "not mine"})
        assert sent.status_code == 204
    assert changes(told) == before + 1
    assert [each["klass"] for each in portal.get(f"/persons/{person}/coming").json()["items"]]
    other = told.name(iin(2))
    assert portal.get(f"/persons/{other}/nudges/{nudge}").status_code == 404


def test_preferences_are_changed_once(portal: TestClient, told: World) -> None:
    """What is chosen holds, the same again stores nothing, and what is no choice is refused by its field."""
    path = f"/persons/{told.name(CITIZEN)}/preferences"
    assert portal.patch(path, json={"quiet_from": "22:00", "quiet_to": "08:00"}).json()["quiet_from"] == "22:00"
    before = changes(told)
    portal.patch(path, json={"quiet_from": "22:00"})
    assert changes(told) == before
    wrong = portal.patch(path, json={"zone": "Asia/Nowhere"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "body.zone")
    assert portal.patch(path, json={"language": "de"}).status_code == 422


@pytest.mark.parametrize(
    ("wished", "field", "reason"),
    [
        ({"quiet_from": "22:00"}, "body.quiet_to", "two ends"),
        ({"quiet_to": "08:00"}, "body.quiet_from", "two ends"),
        ({"quiet_from": "08:00", "quiet_to": "08:00"}, "body.quiet_from", "another time"),
    ],
)
def test_quiet_hours_have_two_ends(
    portal: TestClient, told: World, wished: dict[str, str], field: str, reason: str
) -> None:
    """One end alone, and an end at the time of the beginning, are refused by field and change nothing."""
    path = f"/persons/{told.name(CITIZEN)}/preferences"
    wrong = portal.patch(path, json=wished)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, field)
    assert reason in wrong.json()["errors"][0]["reason"]
    assert portal.get(path).json()["quiet_from"] is None
    assert portal.patch(path, json={"quiet_from": "22:00", "quiet_to": "08:00"}).status_code == 200
    assert portal.patch(path, json={"quiet_to": "22:00"}).status_code == 422
    assert portal.patch(path, json={"quiet_to": "09:00"}).json()["quiet_to"] == "09:00"


def test_consents_are_given_and_taken_back(tmp_path: Path) -> None:
    """What is put is what they consent to, the same again stores nothing, and no offer is made up."""
    told = World(tmp_path, packs=[few_triggers(tmp_path, "training_offer")])
    told.take(*registered(CITIZEN))
    key = key_of(told.platform, "platform", Scope.CITIZENS)
    portal = client_of(served(told.platform), authorization=f"Bearer {key}")
    path = f"/persons/{told.name(CITIZEN)}/consents"
    assert portal.get(path).json() == {"categories": []}
    assert portal.put(path, json={"categories": [OFFERS]}).json() == {"categories": [OFFERS]}
    before = changes(told)
    portal.put(path, json={"categories": [OFFERS, OFFERS]})
    assert changes(told) == before
    wrong = portal.put(path, json={"categories": [OFFERS, "no_such"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "body.categories.1")
    assert portal.put(path, json={"categories": []}).json() == {"categories": []}
    said = [getattr(each.fact, "type", "") for each in told.entries()]
    assert [each for each in said if each.startswith("citizen.consent")] == [
        "citizen.consent_given",
        "citizen.consent_withdrawn",
    ]
    told.close()


def test_the_log_knows_who_read_what_of_whom(portal: TestClient, told: World) -> None:
    """Before any answer about a person, who reads it is a fact; a key without the scope leaves nothing."""
    person = told.name(CITIZEN)
    nudge = portal.get(f"/persons/{person}/inbox").json()["items"][0]["nudge"]
    for path in ("coming", "preferences", f"nudges/{nudge}"):
        portal.get(f"/persons/{person}/{path}")
    stranger = key_of(told.platform, "statistician", Scope.STATISTICS)
    refused = client_of(served(told.platform), authorization=f"Bearer {stranger}").get(f"/persons/{person}/inbox")
    assert refused.status_code == 403
    assert [(each.person, each.what) for each in viewed(told)] == [
        (person, what) for what in ("inbox", "coming", "preferences", "why")
    ]
    assert {each.purpose for each in viewed(told)} == {SHOWN}


WALKED = {"inbox": "inbox", "coming": "coming", "preferences": "preferences", "consents": "consents"}
"""The end of a route about a person -> what the log says was read; the rest is about one message."""


@pytest.mark.parametrize("whose", [iin(1), iin(9)], ids=["somebody", "nobody known"])
def test_every_answer_about_a_person_is_noted(portal: TestClient, told: World, whose: str) -> None:
    """Each route that names a person notes one reading more, whatever it answers: that nothing is known, too."""
    person, filled = told.name(whose), {"person": told.name(whose), "nudge": str(told.nudges()[0].intent.id)}
    bodies: dict[str, Any] = BODIES | {"/persons/{person}/preferences": {}}
    routes = [each for each in routes_of(served(told.platform)) if each.path.startswith("/persons/{person}")]
    asked = [(method, route.path) for route in routes for method in sorted(route.methods or ())]
    assert len(asked) >= 8
    for method, path in asked:
        before = len(viewed(told))
        answer = portal.request(method, path.format(**filled), json=bodies.get(path) if method != "GET" else None)
        assert answer.status_code in (200, 204, 404), (method, path, answer.text)
        assert len(viewed(told)) == before + 1, (method, path)
        last = viewed(told)[-1]
        assert (last.person, last.what, last.purpose) == (person, WALKED.get(path.split("/")[-1], "why"), SHOWN)


def test_who_changes_without_end_is_told_to_wait(portal: TestClient, told: World) -> None:
    """One more change of a kind than a day allows is answered 429, with how many that are."""
    name = told.name(CITIZEN)
    store = told.platform.delivery.inbound.preferences
    for number in range(MOST_A_DAY - 1):  # one more came from a registry
        store.prefer(name, {"language": ("ru", "kk")[number % 2]})
    person = portal.post("/persons", json={"national_id": CITIZEN}).json()["person"]
    refused = portal.patch(f"/persons/{person}/preferences", json={"language": "en"})
    assert (refused.status_code, f"{MOST_A_DAY} times within a day" in refused.text) == (429, True)
