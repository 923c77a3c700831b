"""The inbox: grouped by what there is to do, with for whom, which one, until when; unread, searched, filtered."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest

from app.pages.catalogues import LANGUAGES
from app.pages.inbox import OPEN_CARDS, PAGE
from domain.nudges.delivery import State
from templates.checks.loader import shipped
from tests.app.pages.visitor import visiting
from tests.world import World, birth, card, event, fine, iin, registered

MOTHER, CHILD, STRANGER = iin(1), iin(2), iin(7)
PAID = {"number": "KZ-1", "amount": 7864, "paid_on": "2025-06-28"}
HEADINGS = {
    "en": ["Do now", "To do soon", "News"],
    "ru": ["Нужно сделать сейчас", "Скоро нужно сделать", "Новости"],
    "kk": ["Қазір жасау керек", "Жақында жасау керек", "Жаңалықтар"],
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A mother of a newborn, with a fine and with a card that ends in six days, was told of all that."""
    started = datetime.fromisoformat("2025-05-20T09:00+05:00")
    made = World(tmp_path, packs=[each for each in shipped() if each.name == "kz"], now=started)
    made.take(*registered(MOTHER, "1996-05-05"), *registered(STRANGER, "1996-05-05"), card(MOTHER, "2025-07-05"))
    made.plan()
    made.at("2025-06-02T12:00+05:00")
    made.take(fine(MOTHER, "KZ-1", "2025-06-02T11:00:00+05:00"), birth(CHILD, MOTHER, "2025-05-30"))
    for day in ("2025-06-02", "2025-06-05", "2025-06-08", "2025-06-12", "2025-06-29"):
        await made.settle(f"{day}T12:00+05:00")
    made.platform.replay.follower.drain()
    yield made
    made.close()


def inbox(world: World, query: str = "", language: str = "en", who: str = MOTHER) -> str:
    """The page, with plain spaces."""
    text = unescape(visiting(world, who, language).get(f"/my{query}").text)
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def groups(page: str) -> dict[str, str]:
    """Heading of a group -> its cards."""
    parts = re.split(r"<h2>(.*?) <span", page)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def card_of(page: str, title: str) -> str:
    """The card of that title."""
    return next(each for each in page.split('<li class="card ')[1:] if f">{title}</a>" in each)


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_stand_by_what_there_is_to_do(world: World, language: str) -> None:
    """First what ends within a week, then what can be done, then what is only to be known."""
    assert list(groups(inbox(world, language=language))) == HEADINGS[language]


def test_a_card_says_which_one_for_whom_and_until_when(world: World) -> None:
    """The number of the document, the last day with the days left, and the first name of the child."""
    found = groups(inbox(world))
    ends = card_of(found["Do now"], "Identity card renewal")
    for said in (
        "Identity card, number N1",
        "Until 5 July 2025 – 6 days left",
        "Ministry of Internal Affairs",
        "SMS · 29 June 2025",
    ):
        assert said in ends, ends
    assert "For your child Дана" in card_of(found["To do soon"], "Childcare allowance")
    assert "Number KZ-1" in card_of(found["News"], "Unpaid fine")


@pytest.mark.parametrize(
    ("language", "labels"), [("en", ["I agree", "I do not agree"]), ("ru", ["Согласен", "Не согласен"])]
)
async def test_a_card_shows_the_emblem_of_its_agency_and_the_action(
    world: World, language: str, labels: list[str]
) -> None:
    """The drawing of the agency's emblem is in the page, and what is to be done is a button that leads there."""
    lost = {"registered_on": "2025-06-29", "insured_months": 12}
    world.take(event("kz.social.unemployment_registered", MOTHER, "2025-06-29T13:00:00+05:00", lost, id="lost"))
    await world.settle("2025-07-02T13:00+05:00")
    world.platform.replay.follower.drain()
    page = inbox(world, "?topic=work_offers", language)
    [asked] = page.split('<li class="card ')[1:]
    assert re.findall(r'class="emblem"><svg[^>]*><use href="#([a-z-]+)"', asked) == ["icon-briefcase"]
    assert '<symbol id="icon-briefcase"' in page
    buttons = re.findall(r'<a class="button[^"]*" href="([^"]+)"[^>]*>(.*?)</a>', asked)
    assert [label for _, label in buttons] == labels
    answer = visiting(world, MOTHER, language).get(buttons[0][0].removeprefix(world.platform.settings.base_url))
    assert answer.status_code == 200
    assert labels[0] in answer.text


def test_messages_about_one_matter_share_a_card(world: World) -> None:
    """The reminder a week before stands there, and the one a month before under it."""
    page = inbox(world)
    assert page.count(">Identity card renewal</a>") == 1
    earlier = card_of(page, "Identity card renewal").partition("Earlier about this:")[2]
    assert str(world.nudge("month", "identity_card_expiry").intent.id) in earlier


async def test_what_was_done_stands_last(world: World) -> None:
    """Once the payment is reported, the fine is done, in the inbox and on the page of its message."""
    world.take(event("kz.traffic.fine_paid", MOTHER, "2025-06-28T11:00:00+05:00", PAID, id="paid"))
    await world.settle("2025-06-29T13:00+05:00")
    world.platform.replay.follower.drain()
    found = groups(inbox(world))
    assert list(found)[-1] == "Done"
    assert "Done: 28 June 2025" in card_of(found["Done"], "Unpaid fine")
    nudge = world.nudge("discount_over").intent.id
    assert "recorded as done on 28 June 2025" in visiting(world, MOTHER).get(f"/my/messages/{nudge}").text.replace(
        "\u202f", " "
    )


def test_reading_a_message_takes_its_mark_away(world: World) -> None:
    """Its recipient's visit is kept as opened, once; a visit by its link is not, for machines follow links."""
    nudge = world.nudge("discount_over").intent.id
    assert "unread" in card_of(inbox(world), "Unpaid fine")
    link = world.platform.identity.links.page(nudge, world.name(MOTHER), world.clock())
    visiting(world, STRANGER).get(f"/m/{link.rpartition('/')[2]}")
    assert world.nudge("discount_over").state is not State.OPENED
    for _ in range(2):
        visiting(world, MOTHER).get(f"/my/messages/{nudge}")
    assert [type(each).__name__ for each in world.facts(nudge)].count("NudgeOpened") == 1
    world.platform.replay.follower.drain()
    assert "unread" not in card_of(inbox(world), "Unpaid fine")


def test_old_news_are_not_unread_for_ever(world: World) -> None:
    """What is no news any more has no mark, though nobody opened it; what is still to be done keeps its."""
    assert inbox(world).count(">unread<") > 2
    world.at("2026-02-01T12:00+05:00")
    found = groups(inbox(world))
    assert {heading: cards.count(">unread<") for heading, cards in found.items() if heading in ("News", "Done")} == {
        heading: 0 for heading in found if heading in ("News", "Done")
    }
    assert "News" in found


def test_a_message_shows_its_line_of_time(world: World) -> None:
    """What was sent on which channel, and when."""
    nudge = world.nudge("discount_over").intent.id
    page = visiting(world, MOTHER).get(f"/my/messages/{nudge}").text.replace("\u202f", " ")
    line = re.findall(r'<span class="when">(.*?)</span> <span>(.*?)</span>', page)
    assert ("12 June 2025, 12:00", "being sent: SMS") in line
    assert "sent" in [words for _, words in line]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("?q=kz-1", {"Unpaid fine", "Half price of a traffic fine"}),
        ("?q=Дана", {"Childcare allowance", "Birth allowance"}),
        ("?topic=documents", {"Identity card renewal"}),
        ("?q=nothing+like+this", set()),
    ],
)
def test_search_and_topic(world: World, query: str, titles: set[str]) -> None:
    """By a number, a name of a child, or a topic; nothing found says so and leads back."""
    page = inbox(world, query)
    assert set(re.findall(r'<h3><a href="[^"]+">(.*?)</a>', page)) == titles
    assert ("Nothing was found." in page) is (not titles)


async def fined(world: World, many: int, *, paid: bool) -> None:
    """So many fines after everything else; `paid`: all of them at once."""
    numbers = [f"KZ-F{number}" for number in range(many)]
    world.take(*(fine(MOTHER, each, "2025-06-29T13:00:00+05:00") for each in numbers))
    await world.settle("2025-06-29T15:00+05:00")
    if paid:
        data = {"amount": 7864, "paid_on": "2025-06-29"}
        at = "2025-06-29T16:00:00+05:00"
        world.take(
            *(event("kz.traffic.fine_paid", MOTHER, at, {"number": each} | data, id=f"p{each}") for each in numbers)
        )
        await world.settle("2025-06-29T17:00+05:00")
    world.platform.replay.follower.drain()


async def test_what_is_open_stands_on_the_first_page_however_old_it_is(world: World) -> None:
    """Thirty later messages that are done do not move it; these are paged, and each stands once."""
    await fined(world, 30, paid=True)
    first = inbox(world)
    assert ">Identity card renewal</a>" in groups(first)["Do now"]
    assert ">Childcare allowance</a>" in groups(first)["To do soon"]
    assert first.count('<li class="card ') == PAGE
    older = unescape(re.findall(r'rel="next" href="([^"]+)"', first)[0]).removeprefix("/my")
    second = inbox(world, older)
    assert set(groups(second)) == {"News", "Done"}
    numbers = re.findall(r"Number KZ-F(\d+)", first + second)
    assert sorted(map(int, numbers)) == list(range(30))


async def test_sixty_open_matters_stand_on_one_page(world: World) -> None:
    """The most urgent have cards, the others a line each; the page stays small, and news have a place on it.

    That the messages themselves have ended by then does not end what is to be done.
    """
    await fined(world, 60, paid=False)
    await world.settle("2025-07-02T09:30+05:00")
    world.platform.replay.follower.drain()
    page = inbox(world)
    now = groups(page)["Do now"]
    assert set(re.findall(r"Number KZ-F(\d+)", now)) == {str(number) for number in range(60)}
    assert now.count('<li class="card ') == OPEN_CARDS
    assert ">Unpaid fine</a>" in groups(page)["News"]
    assert len(visiting(world, MOTHER, "kk").get("/my").content) < 40_000


def test_a_stranger_has_an_empty_inbox(world: World) -> None:
    """Nobody sees another's messages; the page says what will stand there."""
    assert "There is no message yet." in inbox(world, who=STRANGER)


def test_the_inbox_is_small(world: World) -> None:
    """A full page of cards stays below 40 kB: these cards, and what twenty-five of the largest would add."""
    page = visiting(world, MOTHER, "kk").get("/my").text
    cards = [len(each.partition("</li>")[0].encode()) for each in page.split('<li class="card ')[1:]]
    frame = len(page.encode()) - sum(cards)
    assert frame + 25 * max(cards) < 40_000
