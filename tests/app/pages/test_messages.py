"""The page of a message: its words and date by its channel, as whose parent, and whose links do nothing."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from httpx2 import Response

from app.identity.links import PAGE_LASTS
from domain.core.events import LifeEvent
from templates.words.digest_words import WORDS
from tests.app.pages.visitor import CSRF, visiting
from tests.streams.calls import AIDA, NOON, call, calls_world, prefers, reachable, write_calls
from tests.world import World, birth, card, iin, registered

MOTHER, CHILD, STRANGER = iin(1), iin(2), iin(7)
AS_PARENT = {
    "kk": "Бұл хабарлама сізге ата-ана ретінде арналған. Балаңыз: Дана.",
    "ru": "Это сообщение вам как родителю. Ваш ребёнок: Дана.",
    "en": "This message is for you as a parent. Your child: Дана.",
}
NOT_YOURS = {
    "kk": "Бұл сілтеме сізге арналмаған",
    "ru": "Эта ссылка не ваша",
    "en": "This link is not yours",
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A mother was told by SMS that her child's card will end."""
    made = World(tmp_path)
    made.take(*registered(MOTHER, language="en"), *registered(STRANGER), birth(CHILD, MOTHER, "2008-12-15"))
    made.take(card(CHILD, "2025-07-20"))
    await made.settle("2025-06-20T09:00+05:00")
    made.platform.replay.follower.drain()
    yield made
    made.close()


def path_of(world: World) -> str:
    """The page of the message for who signed in."""
    return f"/my/messages/{world.nudge('month').intent.id}"


def links(world: World) -> tuple[str, str]:
    """The links in her message: to its page, and to stop such messages."""
    made, nudge, name = world.platform.identity.links, world.nudge("month").intent.id, world.name(MOTHER)
    page = made.page(nudge, name, world.clock() + PAGE_LASTS)
    return f"/m/{page.rpartition('/')[2]}", f"/stop/{made.token(nudge, name)}"


def plain(page: Response) -> str:
    """The page with plain spaces: it binds short words to the next one."""
    return page.text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize("language", sorted(AS_PARENT))
def test_a_parent_is_told_as_whose_parent(world: World, language: str) -> None:
    """The message and the page that says why name the child as whose parent they were told."""
    browser = visiting(world, MOTHER, language)
    for page in (path_of(world), f"{path_of(world)}/why"):
        assert AS_PARENT[language] in plain(browser.get(page))
    child = visiting(world, CHILD, language)
    assert AS_PARENT[language] not in plain(child.get(path_of(world)))


def test_the_page_has_the_words_and_the_date_of_its_channel(world: World) -> None:
    """Who was told by SMS reads the words of the SMS, and when it was sent."""
    [sent] = [each for each in world.sent if each.recipient == world.name(MOTHER)]
    page = plain(visiting(world, MOTHER).get(path_of(world)))
    assert sent.channel == "sms"
    words = re.search(r'class="words"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert words is not None
    assert unescape(words[1]).strip() == sent.text.partition("\n")[0]
    assert re.search(r"<dt>Sent</dt><dd>20 June 2025", page)


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("kk", "2025 ж. 20 маусым, 09:00 уақытына жоспарланды"),
        ("ru", "запланировано на 20 июня 2025 г., 09:00"),
        ("en", "planned for 20 June 2025, 09:00"),
    ],
)
def test_what_one_can_do_stands_above_what_became_of_it(world: World, language: str, line: str) -> None:
    """The way to the reasons comes before the details of the sending, and a line of those is a sentence."""
    page = plain(visiting(world, MOTHER, language).get(path_of(world)))
    assert page.index(f'href="{path_of(world)}/why"') < page.index('<dl class="summary"') < page.index(line)


@pytest.mark.parametrize("channel", ["sms", "push"])
async def test_the_page_of_a_digest_has_the_words_of_its_channel(tmp_path: Path, channel: str) -> None:
    """Who was told by SMS, or push, what goes together reads that, and not the letter that was never sent."""
    made = calls_world(tmp_path)
    made.take(prefers(channels=[channel]), *(call(number) for number in range(5)))
    await made.settle()
    [sent] = await made.settle(NOON + timedelta(hours=6))
    assert sent.channel == channel
    page = visiting(made, AIDA).get(f"/my/messages/{sent.nudge}").text
    words = re.search(r'class="words"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert words is not None
    assert unescape(words[1]).strip().endswith(sent.text.partition("\n")[0])
    assert WORDS["en"].why not in words[1]
    made.close()


QUESTION = """\
# yaml-language-server: $schema=../../trigger.schema.json
title: {en: Shall we call you}
owner: north
legal_basis: {en: "Law on calls, art. 7"}
category: questions
class: reminder
on: calls.made
when: event.class == "reminder" && event.number == "9"
due: {ask: {from: event.time}}
expires: P60D
channels: [sms]
actions: [{id: agree, reply: "1", label: {en: I agree}}]
replies: {"1": citizen.replied}
"""
ASKED = """\
---
sms: "Shall we call you? Answer 1 (yes)."
---
Shall we call you? Answer 1 (yes).
"""


async def test_a_question_that_went_with_a_digest_can_be_answered(tmp_path: Path) -> None:
    """It stands once in the inbox, under its digest, with the digest's code; both pages have its button, and the
    digest's reasons are those of its members.
    """
    pack = write_calls(tmp_path / "packs")
    (pack / "question").mkdir()
    (pack / "question/trigger.yaml").write_text(QUESTION)
    (pack / "question/en.md").write_text(ASKED)
    made = World(tmp_path, now=NOON, packs=[pack])
    made.take(*reachable(AIDA), prefers(channels=["sms"]), *(call(number) for number in range(3)))
    await made.settle()
    made.take(call(9))
    assert await made.settle() == []
    [sent] = await made.settle(NOON + timedelta(hours=6))
    browser = visiting(made, AIDA)
    question = next(one.intent.id for one in made.nudges() if one.intent.trigger.endswith("question"))

    inbox = browser.get("/my").text
    assert inbox.count("Shall we call you") == inbox.count(f"/my/messages/{question}") == 1
    link = made.platform.identity.links.page(sent.nudge, made.name(AIDA), made.clock() + PAGE_LASTS)
    code = made.platform.identity.codes.of(sent.nudge, made.name(AIDA))
    for path in (f"/my/messages/{sent.nudge}", f"/m/{link.rpartition('/')[2]}"):
        page = browser.get(path).text
        assert code in page
        why = browser.get(f"{path}/why").text
        assert "Law on calls, art. 7" in why
        [own] = re.findall(r'href="([^"]+)">Shall we call you</a>', page)
        for text in (page, browser.get(own).text):
            [answer] = re.findall(r'href="[^"]*(/answer/[^"]+)"[^>]*>I agree', text)
            assert "Shall we call you" in browser.get(answer).text
            assert "recorded" in browser.post(answer).text
        assert code in browser.get(own).text
        assert "Answer 1 (yes)" in browser.get(own).text
    made.close()


@pytest.mark.parametrize("language", sorted(NOT_YOURS))
def test_a_forwarded_link_changes_nothing(world: World, language: str) -> None:
    """Somebody else who has signed in reads whose the link is not, and neither stops nor disputes anything by it."""
    page, stop = links(world)
    other, before = visiting(world, STRANGER, language), world.entries()
    answers = [other.get(each) for each in (page, f"{page}/why", stop)]
    answers += [other.post(stop), other.post(f"{stop}/undo")]
    answers += [other.post(f"{page}/dispute", data={"csrf": CSRF, "text": "Not me"})]
    assert {each.status_code for each in answers} == {403}
    assert all(NOT_YOURS[language] in plain(each) for each in answers)
    assert not any("Дана" in each.text for each in answers)
    assert world.entries() == before


def test_her_own_links_work_where_she_has_signed_in(world: World) -> None:
    """Who got the message opens its links, whether she has signed in or not."""
    assert [visiting(world, MOTHER).get(each).status_code for each in links(world)] == [200, 200]


def test_an_old_link_still_stops(world: World) -> None:
    """Ninety days later the link to the page shows no message any more, but offers to stop such messages."""
    page, stop = links(world)
    world.at(world.clock() + PAGE_LASTS + timedelta(days=1))
    browser = visiting(world, MOTHER)
    browser.cookies.clear()
    for each in (page, f"{page}/why"):
        over = browser.get(each, headers={"accept-language": "en"})
        assert over.status_code == 410
        assert f'action="{stop}"' in over.text
        other = visiting(world, STRANGER).get(each)
        assert (other.status_code, NOT_YOURS["en"] in plain(other), stop in other.text) == (403, True, False)
    assert browser.post(stop).status_code == 200


def test_thanks_are_said_once(world: World) -> None:
    """After a dispute the page thanks once; a reload, or the same address later, does not."""
    browser = visiting(world, MOTHER)
    path = f"{path_of(world)}/dispute"
    thanked = browser.post(path, data={"csrf": CSRF, "text": "It was renewed"}, follow_redirects=True)
    assert "The office has been told" in thanked.text
    assert "The office has been told" not in browser.get(str(thanked.url)).text


def test_a_dispute_that_is_sent_twice_is_kept_once(world: World) -> None:
    """The same words again, however they are spaced, store nothing, and the page says that they are there already."""
    browser, path = visiting(world, MOTHER), f"{path_of(world)}/dispute"
    link = links(world)[0]
    browser.post(path, data={"csrf": CSRF, "text": "It was renewed"})
    before = world.entries()
    for text in ("It was renewed", "it was  renewed. ", "\r\nIt was renewed!"):
        for way in (path, f"{link}/dispute"):
            again = browser.post(way, data={"csrf": CSRF, "text": text}, follow_redirects=True)
            assert "It is there already" in again.text
            assert "The office has been told" not in again.text
    assert [each for each in world.entries() if each not in before and isinstance(each.fact, LifeEvent)] == []
    other = browser.post(path, data={"csrf": CSRF, "text": "It is not mine"}, follow_redirects=True)
    assert "The office has been told" in other.text


def test_a_dispute_with_a_national_id_is_refused(world: World) -> None:
    """However its digits are spaced, an error stands beside the field, the words stay, and nothing is stored."""
    browser, path = visiting(world, MOTHER, "ru"), f"{path_of(world)}/dispute"
    before = world.entries()
    for number in (MOTHER, f"{MOTHER[:6]} {MOTHER[6:]}", f"{MOTHER[:4]}-{MOTHER[4:8]}-{MOTHER[8:]}"):
        refused = browser.post(path, data={"csrf": CSRF, "text": f"Мой ИИН {number}, карта новая"})
        assert refused.status_code == 422
        assert 'id="text-error">Уберите ИИН' in plain(refused)
        assert f"Мой ИИН {number}, карта новая" in plain(refused)
    assert [each for each in world.entries() if each not in before and isinstance(each.fact, LifeEvent)] == []
    other = browser.post(path, data={"csrf": CSRF, "text": f"Номер {MOTHER[:-1]}x"}, follow_redirects=True)
    assert other.status_code == 200


def test_a_dispute_that_is_too_long_names_the_limit(world: World) -> None:
    """The page says how many characters there may be, as its language writes numbers, and keeps all words."""
    text = "нет " * 600
    for language, limit in (("ru", "2 000 знаков"), ("kk", "2 000 таңбадан"), ("en", "2,000 characters")):
        browser = visiting(world, MOTHER, language)
        refused = browser.post(f"{path_of(world)}/dispute", data={"csrf": CSRF, "text": text})
        assert refused.status_code == 422
        assert limit in plain(refused)
        assert text.strip() in plain(refused)


@pytest.mark.parametrize(
    ("language", "words"), [("kk", "Бұл тым ұзын"), ("ru", "Слишком длинный текст"), ("en", "This is too long")]
)
def test_a_form_that_is_too_large_is_called_too_long(world: World, language: str, words: str) -> None:
    """The page says that it is too long and that nothing was changed, rather than that it cannot be read."""
    form = {"csrf": CSRF, "text": "x" * 100_000}
    refused = visiting(world, MOTHER, language).post(f"{path_of(world)}/dispute", data=form)
    assert (refused.status_code, f"<h1>{words}" in plain(refused)) == (413, True)


def test_a_token_is_shown_once(world: World) -> None:
    """The page of a new token is not the answer to the form: a reload shows no token and makes none."""
    browser = visiting(world, MOTHER)
    made = browser.post("/my/data", data={"csrf": CSRF}, follow_redirects=False)
    assert (made.status_code, made.headers["location"]) == (303, "/my/data")
    found = re.search(r'class="code">([\w-]+)<', browser.get("/my/data").text)
    assert found is not None
    now = world.clock()
    assert world.platform.identity.links.read_person(found[1], now)[0] == world.name(MOTHER)
    assert 'class="code"' not in browser.get("/my/data").text


def test_whoever_wants_something_corrected_is_told_where(world: World) -> None:
    """The page about one's data says who corrects a name or an address, and whose messages these pages show."""
    page = visiting(world, MOTHER).get("/my/data").text
    assert "as the offices registered them. Have them corrected there" in page
    assert "do not show the messages of another adult" in page


def test_a_reader_of_another_language_is_told_in_which_it_was_sent(world: World) -> None:
    """Whoever reads the pages in another language than the message was sent in is told so, in their language."""
    pages = {each: visiting(world, MOTHER, each).get(path_of(world)).text for each in ("kk", "ru", "en")}
    assert "Сообщение отправлено вам на английском языке" in pages["ru"]
    assert "Хабарлама сізге ағылшын тілінде жіберілген" in pages["kk"]
    assert "It was sent to you" not in pages["en"]
