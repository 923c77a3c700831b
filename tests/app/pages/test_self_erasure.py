"""A citizen takes their data along and erases it, by themselves."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.identity.erased_list import erased_persons, list_path
from domain.core.events import LifeEvent
from domain.facts.access_facts import PersonErased
from domain.facts.principals import Principal
from streams.privacy.access_log import note_viewing
from tests.app.pages.visitor import CSRF, visiting
from tests.world import World, birth, card, fine, iin, registered

AIGERIM, CHILD, STRANGER = iin(1), iin(2), iin(7)
PATH = "/my/erase"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Aigerim was told of a fine, and her card will end."""
    made = World(tmp_path, key_file=tmp_path / "key")
    made.take(*registered(AIGERIM), card(AIGERIM, "2025-07-20"), birth(CHILD, AIGERIM, "2025-05-30"))
    made.take(fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    await made.settle("2025-06-03T12:00:00+05:00")
    made.platform.replay.follower.drain()
    yield made
    made.close()


def erasures(world: World) -> list[PersonErased]:
    """Those in the log."""
    return [entry.fact for entry in world.entries() if isinstance(entry.fact, PersonErased)]


def test_the_plan_is_shown_and_changes_nothing(world: World) -> None:
    """Before it is done the page says what goes, what is cancelled and what the law keeps."""
    page = visiting(world, AIGERIM).get(PATH)
    assert page.status_code == 200
    assert re.search(r"\d+ records about you", page.text)
    assert re.search(r"\d+ messages? that (was|were) to come", page.text)
    assert re.search(r"\d+ lines without your data", page.text)
    assert erasures(world) == []


@pytest.mark.parametrize("fields", [{"csrf": CSRF}, {"csrf": CSRF, "word": "yes"}, {"csrf": CSRF, "word": ""}])
def test_without_the_word_nothing_is_erased(world: World, fields: dict[str, str]) -> None:
    """Whoever does not type the word gets the page again, with what to do."""
    answer = visiting(world, AIGERIM).post(PATH, data=fields)
    assert answer.status_code == 422
    assert "Type the word ERASE" in answer.text
    assert erasures(world) == []


def test_another_site_cannot_erase_anybody(world: World) -> None:
    """A form that was not made for this visit does nothing, nor does one of nobody."""
    browser = visiting(world, AIGERIM)
    assert browser.post(PATH, data={"word": "ERASE", "csrf": "other"}).status_code == 403
    browser.cookies.clear()
    assert browser.post(PATH, data={"word": "ERASE", "csrf": CSRF}).status_code == 303
    assert erasures(world) == []


@pytest.mark.parametrize(("language", "word"), [("en", "erase"), ("ru", "УДАЛИТЬ"), ("kk", " өшіру ")])
def test_the_word_erases_and_gives_a_certificate(world: World, language: str, word: str) -> None:
    """In their own language: the data is gone, the visit has ended, and the page proves what was done."""
    browser = visiting(world, AIGERIM, language)
    page = browser.post(PATH, data={"word": word, "csrf": CSRF})
    [erased] = erasures(world)
    assert (page.status_code, erased.by, erased.person) == (200, "citizen", world.name(AIGERIM))
    assert erased.key.hex() in page.text
    assert page.headers["cache-control"] == "no-store"
    assert browser.get("/my").status_code == 303, "signed out"
    assert erased_persons([list_path(world.platform.settings.key_file)]).keys() == {world.name(AIGERIM)}
    contact = [e.fact for e in world.entries() if getattr(e.fact, "type", "") == "citizen.contact_changed"]
    assert all(isinstance(each, LifeEvent) and "citizen" not in each.fields for each in contact)


def test_a_visit_in_another_browser_ends_too(world: World) -> None:
    """Who comes back after an erasure is somebody new: only who signs in again reads and changes what is theirs."""
    other = visiting(world, AIGERIM)
    world.at("2025-06-03T12:05:00+05:00")
    visiting(world, AIGERIM).post(PATH, data={"word": "ERASE", "csrf": CSRF})
    world.at("2025-06-03T12:10:00+05:00")
    world.take(registered(AIGERIM)[0])
    answers = (other.get("/my"), other.get("/my/data.json"), other.post("/my/data", data={"csrf": CSRF}))
    assert [each.status_code for each in answers] == [303, 303, 401]
    assert visiting(world, AIGERIM).get("/my").status_code == 200


def test_a_dispute_that_the_erasure_overtakes_is_not_kept(world: World) -> None:
    """What somebody wrote of a message while they were erased is stored nowhere, and makes them no new key."""
    [told, *_], _ = world.platform.queries.inboxes.messages_page(world.name(AIGERIM))
    visiting(world, AIGERIM).post(PATH, data={"word": "ERASE", "csrf": CSRF})
    assert not world.platform.delivery.inbound.preferences.dispute(world.name(AIGERIM), told.nudge, "not mine")
    assert "citizen.disputed" not in {getattr(entry.fact, "type", "") for entry in world.entries()}


def test_a_link_in_an_old_message_leads_nowhere(world: World) -> None:
    """After the erasure the link that a message carried shows nothing of it, not even what it was about."""
    [told, *_], _ = world.platform.queries.inboxes.messages_page(world.name(AIGERIM))
    link = world.platform.identity.links.page(told.nudge, world.name(AIGERIM), world.clock() + timedelta(days=9))
    path = f"/m/{link.rpartition('/')[2]}"
    browser = visiting(world, AIGERIM)
    assert browser.get(path).status_code == 200
    browser.post(PATH, data={"word": "ERASE", "csrf": CSRF})
    assert browser.get(path).status_code == 404
    assert browser.get(f"{path}/why").status_code == 404


def test_of_whom_nothing_is_known_nothing_is_erased(world: World) -> None:
    """The page says so, and a form by hand leads back to it."""
    browser = visiting(world, STRANGER)
    assert "knows nothing of you" in browser.get(PATH).text
    assert browser.post(PATH, data={"word": "ERASE", "csrf": CSRF}).headers["location"] == PATH
    assert erasures(world) == []


def test_what_one_takes_along_is_everything(world: World) -> None:
    """The file has what was reported, chosen and sent, what went to them about others, and who read their data."""
    officer = Principal("omar", "platform", frozenset())
    note_viewing(world.platform.rules.context, officer, world.name(AIGERIM), "trail", "a complaint")
    world.platform.replay.follower.drain()
    found: dict[str, Any] = visiting(world, AIGERIM).get("/my/data.json").json()
    assert {each["type"] for each in found["events"]} >= {"citizen.contact_changed", "kz.traffic.fine_issued"}
    assert "+77011234567" in str(found["known"])
    mine = [entry for entry in world.entries() if getattr(entry.fact, "recipient", "") == world.name(AIGERIM)]
    assert sum("recipient" in each for each in found["messages"]) == len(mine)
    assert [(each["by"], each["purpose"]) for each in found["readings"]] == [("omar", "a complaint")]
    assert AIGERIM not in str(found)
