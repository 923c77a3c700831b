"""A letter carries its own page: why it came, stopped and taken back from the letter alone, without signing in."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.compose_sending import compose_engine, compose_routes
from app.providers import ProviderSettings
from streams.planning import histories
from tests.app.http.wire import TRACE, client_of, served
from tests.notifiers.peers import Box, real
from tests.world import World, card, event, iin, registered

AIGERIM = iin(1)
SITE = "http://habarshy.test"
NAMES = re.compile(r"900101|Айгерім|aigerim|%40|@")


class Post:
    """The platform, the mail server that it writes to, and a browser that signed in nowhere."""

    def __init__(self, world: World, box: Box) -> None:
        self.world, self.box = world, box
        self.browser: TestClient = client_of(served(world.platform), **{"accept-language": "en"})

    async def letter(self) -> tuple[str, str, str]:
        """Aigerim's letter: its text, its HTML, and the header that names its page."""
        wishes = event(
            "citizen.preferences_changed",
            AIGERIM,
            "2020-02-01T00:00:00+05:00",
            {"language": "en", "channels": ["email"]},
            id="wishes",
        )
        self.world.take(
            *registered(AIGERIM, email="aigerim@mail.test"), wishes, card(AIGERIM, "2025-07-20", traceparent=TRACE)
        )
        self.world.plan()
        self.world.at("2025-06-20T12:00:00+05:00")
        await self.world.engine.until_idle()
        read = self.read()
        text, html = (read.get_body([kind]) for kind in ("plain", "html"))
        assert text is not None
        assert html is not None
        return text.get_content(), html.get_content(), str(read["List-Help"]).strip("<>")

    def read(self) -> EmailMessage:
        """The letter as it came."""
        [envelope] = self.box.envelopes
        assert envelope.original_content is not None
        return message_from_bytes(envelope.original_content, policy=default)

    def opted_out(self) -> list[str]:
        """The topics of which she wants nothing more."""
        platform = self.world.platform
        with platform.database.reading() as connection:
            rulebook, name = platform.rules.library.rules().rulebook, self.world.name(AIGERIM)
            [person] = histories.persons(connection, platform.log, [name], rulebook).values()
        return person.get("opted_out") or []


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    """Everything runs, on private ports of this machine."""
    box = Box()
    async with real(box) as port:
        mail = ProviderSettings.model_validate(
            {
                "kind": "smtp",
                "host": "127.0.0.1",
                "port": port,
                "security": "none",
                "sender": "habarshy@gov.test",
            }
        )
        world = World(tmp_path, providers={"mail": mail}, base_url=SITE)
        routes = compose_routes(world.platform)
        world.engine = compose_engine(world.platform, routes)
        yield Post(world, box)
        for route in routes.values():
            await route.aclose()
        world.close()


async def test_why_stop_and_undo_from_the_letter(post: Post) -> None:
    """The link in the letter opens its page, which says why; from there such messages stop, and come again."""
    text, html, help_ = await post.letter()
    [link] = set(re.findall(rf"{SITE}/m/[\w-]+", text))
    assert link == help_
    assert f'href="{link}"' in html
    assert not NAMES.search(link)

    page = post.browser.get(link)
    assert page.status_code == 200
    assert "Identity card" in page.text
    assert "Ministry of Internal Affairs" in post.browser.get(f"{link}/why").text
    [stop] = re.findall(r'href="(/stop/[\w-]+)"', page.text)
    post.browser.get(stop)
    assert post.opted_out() == [], "to look at it changes nothing"
    stopped = post.browser.post(stop, data={"List-Unsubscribe": "One-Click"})
    assert post.opted_out() == ["documents"]
    [undo] = re.findall(r'action="(/stop/[\w-]+/undo)"', stopped.text)
    assert post.browser.post(undo).status_code == 200
    assert post.opted_out() == []


async def test_the_code_in_the_letter_is_genuine(post: Post) -> None:
    """Whoever types the letter's code reads what was sent with it; the page to type it at is no link."""
    text, html, _ = await post.letter()
    [code] = re.findall(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", text)
    assert "habarshy.test/check" in html
    assert f"{SITE}/check" not in html
    assert "We sent a message with this code" in post.browser.get("/check", params={"code": code}).text


async def test_the_link_of_a_letter_ends(post: Post) -> None:
    """After ninety days the page still offers to stop, as the letter itself does; a changed link leads nowhere."""
    text, _, _ = await post.letter()
    [link] = set(re.findall(rf"{SITE}/m/[\w-]+", text))
    for place in range(len(SITE) + 3, len(link)):
        other = link[:place] + ("B" if link[place] == "A" else "A") + link[place + 1 :]
        assert post.browser.get(other).status_code == 404, other
    post.world.at(post.world.clock() + timedelta(days=90))
    assert post.browser.get(link).status_code == 200
    post.world.at(post.world.clock() + timedelta(days=1))
    over = post.browser.get(link)
    assert over.status_code == 410
    [stop] = re.findall(rf"{SITE}(/stop/[\w-]+)", text)
    assert f'action="{stop}"' in over.text
    assert "Identity card" in over.text
    assert post.browser.get(stop).status_code == 200
    post.browser.post(stop)
    assert post.opted_out() == ["documents"]


async def test_the_trace_of_the_event_goes_on_with_the_letter(post: Post) -> None:
    """Whoever follows a trace finds the letter by its header: the event's trace id, and a parent id of its own."""
    await post.letter()
    [version, id_, parent, flags] = str(post.read()["traceparent"]).split("-")
    assert (version, id_, flags) == ("00", TRACE.split("-")[1], "01")
    assert parent not in (TRACE.split("-")[2], "0" * 16)
