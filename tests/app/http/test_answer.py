"""The button that answers a message: GET shows the answer, POST gives it, once, and only as who got the message."""

from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from app.identity.links import Links
from app.pages.answer import answerable_until
from notifiers.port.interface import Message
from tests.app.http.wire import client_of, served, stored
from tests.app.pages.visitor import visiting
from tests.world import LONG_AGO, World, event, few_triggers, iin, registered

AIGERIM = iin(1)
HTML = {"accept": "text/html,application/xhtml+xml"}
BUTTON = '<button type="submit">'
ASKED, OFFER = "2025-06-04T10:00+05:00", "2025-06-16T11:00+05:00"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Aigerim, who reads email only, was registered as unemployed."""
    made = World(tmp_path, packs=[few_triggers(tmp_path, "work_offers_consent", "training_offer")])
    made.take(
        *registered(AIGERIM, LONG_AGO, language="ru"),
        event(
            "citizen.preferences_changed",
            AIGERIM,
            "2024-01-03T00:00:00+05:00",
            {"channels": ["email"]},
            id="email only",
        ),
        event(
            "kz.social.unemployment_registered",
            AIGERIM,
            "2025-06-02T11:00:00+05:00",
            {"registered_on": "2025-06-02", "insured_months": 0},
        ),
    )
    return made


async def asked(world: World) -> tuple[Message, str, str]:
    """The question, and the paths of its buttons: yes, and no."""
    [message] = await world.settle(ASKED)
    yes, no = (urlsplit(action.url).path for action in message.actions)
    return message, yes, no


def answers(world: World) -> list[Any]:
    """The life events that answers became."""
    return [one for one in stored(world.platform) if one.source == "/habarshy/reply/link"]


async def test_the_buttons_are_in_the_message(world: World) -> None:
    """Both parts of the email have them, each with a link of its own for this recipient."""
    message, yes, no = await asked(world)
    assert [action.label for action in message.actions] == ["Согласен", "Не согласен"]
    assert yes != no
    assert message.html is not None
    for path in (yes, no):
        assert path.startswith("/answer/")
        assert path in message.text
        assert f'{path}"' in message.html


async def test_looking_at_the_link_changes_nothing(world: World) -> None:
    """GET shows the answer, the message and a button, in the person's language; however often, nothing is stored."""
    _, yes, _ = await asked(world)
    before = stored(world.platform)
    pages = [client(world).get(yes) for _ in range(3)]
    assert {page.status_code for page in pages} == {200}
    assert '<html lang="ru">' in pages[0].text
    assert "<h1>Согласен</h1>" in pages[0].text
    assert "Согласие на предложения работы и обучения" in pages[0].text
    assert f"{BUTTON}Подтвердить" in pages[0].text
    assert stored(world.platform) == before


async def test_pressing_it_answers_once(world: World) -> None:
    """POST gives the consent, the asking ends and the offer goes; pressed again it stores nothing."""
    _, yes, _ = await asked(world)
    pages = [client(world).post(yes) for _ in range(2)]
    assert {page.status_code for page in pages} == {200}
    assert "Ваш ответ принят" in pages[0].text
    assert BUTTON not in pages[0].text
    [consent] = answers(world)
    assert (consent.type, consent.values["event.categories"]) == ("citizen.consent_given", ["work_offers"])
    assert world.nudge("ask").state == "answered"
    assert ["бесплатные курсы" in message.text for message in await world.settle(OFFER)] == [True]


async def test_somebody_else_who_has_signed_in_does_not_answer(world: World) -> None:
    """Whoever was passed the button on reads that it is not theirs, not what it asks, and gives no answer by it."""
    _, yes, _ = await asked(world)
    world.take(*registered(iin(7), LONG_AGO))
    other, before = visiting(world, iin(7), "ru"), stored(world.platform)
    pages = [other.get(yes), other.post(yes)]
    assert [page.status_code for page in pages] == [403, 403]
    assert all("Эта ссылка не ваша" in unescape(page.text).replace("\u00a0", " ") for page in pages)
    assert stored(world.platform) == before


async def test_a_no_is_no_consent(world: World) -> None:
    """The other button ends the asking, and nothing more."""
    _, _, no = await asked(world)
    client(world).post(no)
    assert [one.type for one in answers(world)] == ["citizen.replied"]
    assert await world.settle(OFFER) == []


async def test_a_link_that_was_not_made_here_is_refused(world: World) -> None:
    """Damaged, of another code, or a stop link: a page for people, a problem for programs, and nothing stored."""
    message, yes, _ = await asked(world)
    links = world.platform.identity.links
    other = Links("", b"another key").answer(message.nudge, message.recipient, "1")
    forged = [
        yes[:-3],
        f"/answer/{links.token(message.nudge, message.recipient)}",
        urlsplit(other).path,
        urlsplit(links.answer(message.nudge, message.recipient, "7")).path,
        urlsplit(links.answer(UUID(bytes=b"0000" + bytes(12)), message.recipient, "1")).path,
        "/answer/-",
        "/answer/%D0%B4%D0%B0",
    ]
    for path in forged:
        for answer in (client(world).get(path, headers=HTML), client(world).post(path, headers=HTML)):
            assert answer.status_code == 404
            assert BUTTON not in answer.text
        assert client(world).post(path).json()["status"] == 404
    assert answers(world) == []


async def test_an_answer_ends_with_its_message(world: World) -> None:
    """Up to when the message expires its button answers; after that it says so, and nothing is stored."""
    _, yes, _ = await asked(world)
    expires = world.nudge("ask").intent.expires
    assert expires is not None
    world.at(expires - timedelta(seconds=1))
    assert client(world).get(yes).status_code == 200
    world.at(expires)
    for answer in (client(world).get(yes), client(world).post(yes)):
        assert (answer.status_code, "too late to answer" in answer.text) == (404, True)
    assert answers(world) == []


async def test_an_answer_ends_ninety_days_after_the_message_went(world: World) -> None:
    """What is of interest for ever is answered for ninety days: who finds it years later means something else."""
    await asked(world)
    nudge = world.nudge("ask")
    lasting = replace(nudge, intent=replace(nudge.intent, expires=None))
    went = world.clock()
    assert answerable_until(lasting, nudge.deliveries[0].recipient) == went + timedelta(days=90)
    endless = replace(nudge, intent=replace(nudge.intent, expires=went + timedelta(days=9000)))
    assert answerable_until(endless, nudge.deliveries[0].recipient) == went + timedelta(days=90)


def client(world: World) -> TestClient:
    """Speaks to the world's platform over HTTP."""
    return client_of(served(world.platform))
