"""One person's trail over the API: the reason first, the viewing a fact, nothing about anybody in an address."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.compose import Platform
from app.identity.principals import add
from domain.facts.access_facts import PersonViewed
from domain.facts.principals import Principal, Role
from streams.privacy.access_log import PAGE
from tests.app.http.wire import client_of, served
from tests.world import World, card, fine, iin, registered

CITIZEN, WHY = iin(1), "request 17 of the citizen"


@pytest.fixture
def told(world: World) -> World:
    """A citizen about whom more is known than fits a page."""
    world.take(*registered(CITIZEN), card(CITIZEN, "2025-07-20"))
    world.take(*(fine(CITIZEN, f"KZ-{number}", "2025-06-02T11:00:00+05:00") for number in range(PAGE)))
    world.plan()
    return world


def somebody(platform: Platform, name: str, *roles: Role) -> TestClient:
    """Speaks as an official of the platform."""
    token = add(platform.settings.principals, Principal(name, "platform", frozenset(roles)))
    return client_of(served(platform), authorization=f"Bearer {token}")


def readings(world: World) -> list[tuple[str, str, str]]:
    """Who read whose data, and why."""
    facts = [entry.fact for entry in world.entries()]
    return [(each.by, each.person, each.purpose) for each in facts if isinstance(each, PersonViewed)]


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
def test_a_trail_is_read_by_who_said_why(told: World, role: Role) -> None:
    """By national id or pseudonym, page after page, every fact once and in order; each beginning is in the log."""
    reader, person = somebody(told.platform, "olga", role), told.name(CITIZEN)
    for named in (CITIZEN, person):
        begun = reader.post("/trails", json={"person": named, "purpose": WHY})
        assert (begun.status_code, person in begun.headers["location"]) == (201, False)
        found = list(facts_at(reader, begun.headers["location"]))
        positions = [each["position"] for each in found]
        assert len(positions) > PAGE
        assert positions == sorted(set(positions))
        assert (found[0]["fact"], found[0]["type"]) == ("life/1", "kz.citizen.registered")
    assert readings(told) == [("olga", person, WHY)] * 2


def facts_at(reader: TestClient, where: str) -> Iterator[dict[str, Any]]:
    """All facts of a trail, page by page."""
    after: int | None = 0
    while after is not None:
        page = reader.get(f"{where}?after={after}").json()
        yield from page["items"]
        after = page["after"]


def test_a_trail_is_nobody_elses(told: World) -> None:
    """Authors may not read one, another auditor not by somebody's name for it, and that nobody is known is noted."""
    author = somebody(told.platform, "aida", Role.AUTHOR)
    wanted = {"person": CITIZEN, "purpose": WHY}
    assert author.post("/trails", json=wanted).status_code == 403
    assert readings(told) == []
    where = somebody(told.platform, "adil", Role.AUDITOR).post("/trails", json=wanted).headers["location"]
    other = somebody(told.platform, "omar", Role.AUDITOR)
    assert other.get(where).status_code == 404
    assert other.post("/trails", json=wanted | {"person": iin(9)}).status_code == 404
    assert [by for by, *_ in readings(told)] == ["adil", "omar"]


@pytest.mark.parametrize("wrong", [{"purpose": "hm"}, {"person": "Aigerim"}, {"purpose": "a\x00bcdef"}, {"more": 1}])
def test_who_says_no_reason_reads_nothing(told: World, wrong: dict[str, object]) -> None:
    """Without whom or why the answer is 422, and nothing is noted."""
    reader = somebody(told.platform, "olga", Role.OPERATOR)
    assert reader.post("/trails", json={"person": CITIZEN, "purpose": WHY} | wrong).status_code == 422
    assert readings(told) == []
