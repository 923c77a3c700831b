"""Two guardians of a child get the same message; what one chose and got is nobody else's to read."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from starlette.testclient import TestClient

from domain.facts.principals import Scope
from tests.app.http.wire import client_of, key_of, served
from tests.app.pages.visitor import visiting
from tests.app.reports.assisted import server_for
from tests.world import LONG_AGO, World, birth, card, event, iin, registered

MOTHER, FATHER, CHILD = iin(1), iin(2), iin(3)
UNWANTED = "messages on this topic are not wanted"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The child's card ends; the mother was told by SMS, and the father wants nothing about documents."""
    made = World(tmp_path)
    made.take(
        *registered(MOTHER, LONG_AGO, language="en"),
        *registered(FATHER, LONG_AGO, language="ru"),
        birth(CHILD, MOTHER, "2008-12-15", father=FATHER),
        card(CHILD, "2025-07-20"),
        event("citizen.preferences_changed", FATHER, "2025-01-05T00:00:00Z", {"opted_out": ["documents"]}, id="no"),
    )
    await made.settle("2025-06-20T09:00+05:00")
    yield made
    made.close()


def told_of(world: World) -> str:
    """The nudge of which one of them was told."""
    return str(world.nudge("month").intent.id)


def pages(world: World, who: str) -> tuple[str, str]:
    """The message's page and the one that says why, as they read them."""
    browser, nudge = visiting(world, who), told_of(world)
    return browser.get(f"/my/messages/{nudge}").text, browser.get(f"/my/messages/{nudge}/why").text


@pytest.fixture
def portal(world: World) -> TestClient:
    """A portal that shows citizens their messages."""
    key = key_of(world.platform, "platform", Scope.CITIZENS)
    return client_of(served(world.platform), authorization=f"Bearer {key}")


async def programs(world: World, portal: TestClient, who: str) -> list[Any]:
    """What a portal and their assistant are told of the nudge for them."""
    over_http = portal.get(f"/persons/{world.name(who)}/nudges/{told_of(world)}").json()
    return [over_http, await by_assistant(world, who)]


async def by_assistant(world: World, who: str) -> Any:
    """What their assistant is told of it."""
    async with Client(server_for(world, who)) as client:
        return (await client.call_tool("why", {"nudge": told_of(world)})).structured_content


def became(plain: Any) -> list[tuple[str, str | None]]:
    """What became of it, with reasons."""
    return [(each["what"], each.get("reason")) for each in plain["facts"]]


def test_a_page_tells_what_became_of_it_for_its_reader(world: World) -> None:
    """She reads that it was sent by SMS, he that it was not sent and why; neither reads the other's."""
    message, why = pages(world, MOTHER)
    assert "SMS" in message
    assert UNWANTED not in why
    message, why = pages(world, FATHER)
    assert "not sent" in message
    assert "It has not been sent to you" in message
    assert "SMS" not in message
    assert UNWANTED in why
    assert "SMS" not in why


def test_a_code_that_is_shown_is_known(world: World) -> None:
    """Where a page shows a code, who checks it hears that it is ours; who was sent nothing is shown none."""
    [code] = re.findall(r'class="code">([^<]+)<', pages(world, MOTHER)[0])
    assert world.platform.identity.codes.check(code) is not None
    assert 'class="code"' not in pages(world, FATHER)[0]


async def test_programs_are_told_no_more_than_pages(world: World, portal: TestClient) -> None:
    """A portal and an assistant get the state and the facts of whom they ask for."""
    for plain in await programs(world, portal, MOTHER):
        assert plain["state"] == "sent"
        assert became(plain) == [("planned", None), ("attempted", None), ("sent", None)]
    for plain in await programs(world, portal, FATHER):
        assert plain["state"] == "withheld (opted_out)"
        assert became(plain) == [("planned", None), ("withheld", "opted_out")]
    for plain in await programs(world, portal, CHILD):
        assert plain["state"] == "planned"
        assert became(plain) == [("planned", None)]


def test_downloads_hold_nothing_of_another_recipient(world: World) -> None:
    """The child's and each guardian's download name no other recipient."""
    for who in (CHILD, MOTHER, FATHER):
        others = {world.name(each) for each in (MOTHER, FATHER)} - {world.name(who)}
        messages = visiting(world, who).get("/my/data.json").json()["messages"]
        assert messages
        assert not others & {each.get("recipient") for each in messages}


def test_operators_read_all_of_it(world: World) -> None:
    """The explanation that the trail shows has both recipients, their words and their facts."""
    why = world.why(world.nudge("month").intent.id)
    assert {*why.words} == {world.name(MOTHER), world.name(FATHER)}
    assert {"withheld", "sent"} <= {each.what for each in why.facts}
