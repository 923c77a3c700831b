"""Whether an SMS is the state's: it says its office and its code, and `/check` answers for both."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.identity.links import PAGE_LASTS
from domain.core.sms import segments
from tests.app.pages.visitor import anybody
from tests.streams.calls import NOON, call, calls_world, prefers
from tests.world import World, card, iin, registered

AIGERIM = iin(1)
SITE = "https://h.test"
CODE = re.compile(r"\n(?P<office>\S+) (?:код|code) (?P<code>[0-9A-Z]{5}-[0-9A-Z]{5})$")
COMPARE = {
    "kk": (
        "Хабарламаңызбен салыстырыңыз",
        "Ішкі істер министрлігі (ІІМ)",
        "SMS",
        "Жеке куәлікті ауыстыру",
        "20 маусым",
    ),
    "ru": (
        "Сравните со своим сообщением",
        "Министерство внутренних дел (МВД)",
        "SMS",
        "Замена удостоверения личности",
        "20 июня",
    ),
    "en": (
        "Compare with your message",
        "Ministry of Internal Affairs (MIA)",
        "SMS",
        "Identity card renewal",
        "20 June",
    ),
}
UNKNOWN = {
    "kk": "Бұл кодпен хабарлама жібермегенбіз",
    "ru": "Мы не отправляли сообщения с таким кодом",
    "en": "We sent no message with this code",
}


OURS = {"kk": "Бұл мекенжай біздікі", "ru": "Это наш адрес", "en": "This address is ours"}
NO_CODE = {"kk": "Бұл мәтінде код жоқ", "ru": "В этом тексте нет кода", "en": "There is no code in this text"}
NOTHING = {"kk": "Кодты жазыңыз", "ru": "Введите код", "en": "Write the code"}
TYPED_WRONG = {"kk": "Бұл код емес", "ru": "Это не код", "en": "This is no code"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A platform whose pages are reached by https; an identity card will end, and its holder is told by SMS."""
    made = World(tmp_path, base_url=SITE)
    made.take(*registered(AIGERIM, language="ru"), card(AIGERIM, "2025-07-20"))
    yield made
    made.close()


async def sent(world: World) -> str:
    """The SMS that went."""
    [message] = await world.settle("2025-06-20T09:00+05:00")
    assert message.channel == "sms"
    return message.text


def asked(world: World, code: str, language: str = "en") -> str:
    """What the page says of a code to somebody who is not signed in, with plain spaces."""
    browser: TestClient = anybody(world, language)
    page = browser.get("/check", params={"code": code})
    assert page.status_code == 200
    return page.text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize("language", sorted(COMPARE))
async def test_the_code_of_an_sms_says_what_to_compare(world: World, language: str) -> None:
    """Whoever types it reads office, day, channel and topic to compare, and nothing personal."""
    text = await sent(world)
    found = CODE.search(text)
    assert found is not None, text
    assert found["office"] == "МВД"
    for typed in (found["code"], found["code"].lower().replace("-", " ")):
        page = asked(world, typed, language)
        assert [words for words in COMPARE[language] if words not in page] == []
        assert AIGERIM not in page
        assert world.name(AIGERIM) not in page


async def test_the_page_of_an_sms_shows_it_as_the_phone_does(world: World) -> None:
    """Office, code and link end it, so that its text can be pasted from there and is known as genuine."""
    text = await sent(world)
    world.platform.replay.follower.drain()
    link = world.platform.identity.links.page(
        world.nudge("month").intent.id, world.name(AIGERIM), world.clock() + PAGE_LASTS
    )
    page = anybody(world).get(f"/m/{link.rpartition('/')[2]}")
    words = re.search(r'class="words"[^>]*>(.*?)</div>', page.text, re.DOTALL)
    assert words is not None
    shown = unescape(words[1]).strip()
    assert shown.replace("\u00a0", " ") == text.replace("\u00a0", " ")
    assert COMPARE["en"][1] in asked(world, shown)


async def test_a_made_up_code_is_not_ours(world: World) -> None:
    """The answer is a warning, in every language, and the same for a code that differs in one letter."""
    found = CODE.search(await sent(world))
    assert found is not None
    near = found["code"][:-1] + ("0" if found["code"][-1] != "0" else "1")
    for language, words in UNKNOWN.items():
        for code in (near, "AAAAA-AAAAA", f"МВД код {near}", "https://evil.test/m/1"):
            assert words in asked(world, code, language)
        for code in ("7K2MQ", "?", "7K2MQ-X9DP"):
            assert TYPED_WRONG[language] in asked(world, code, language)


async def test_a_text_without_a_code_is_neither_genuine_nor_false(world: World) -> None:
    """The page says where the code of an SMS stands, and warns of links all the same; two words make no code."""
    words = (await sent(world)).rpartition("\n")[0]
    for text in (words, f"{words} https://egov.kz", "Your right to adult child care ends in 10000 tenge steps"):
        for language, said in NO_CODE.items():
            page = asked(world, text, language)
            assert said in page
            assert all(others[language] not in page for others in (UNKNOWN, TYPED_WRONG, OURS))
            assert COMPARE[language][0] not in page
    assert "do not follow its links" in asked(world, words)


def test_an_empty_form_asks_for_the_code(tmp_path: Path) -> None:
    """The error stands beside the field, in every language; who has just opened the page reads none."""
    world = World(tmp_path, base_url=SITE)
    for language, said in NOTHING.items():
        for nothing in ("", "  "):
            page = anybody(world, language).get("/check", params={"code": nothing})
            assert page.status_code == 422
            assert f'id="code-error">{said}' in page.text.replace("\u00a0", " ")
            assert 'aria-invalid="true"' in page.text
        assert said not in anybody(world, language).get("/check").text
    world.close()


async def test_a_pasted_message_is_checked_by_its_code(world: World) -> None:
    """Whatever stands around the code, and letters that a Cyrillic keyboard gives for Latin ones, do no harm."""
    text = await sent(world)
    found = CODE.search(text)
    assert found is not None
    code = found["code"]
    cyrillic = code.translate(str.maketrans("ABCEHKMPTXY", "АВСЕНКМРТХУ"))
    for pasted in (text, f"{found['office']} код {code}", f"Код: {code}.", code.replace("-", " — "), cyrillic):
        assert COMPARE["en"][1] in asked(world, pasted)


async def test_a_pasted_letter_is_checked_by_its_code(world: World) -> None:
    """The code in the foot of a long letter is found: the field cuts nothing off, and other words do not hinder."""
    found = CODE.search(await sent(world))
    assert found is not None
    foot = (
        f"Code of this message: {found['code']}. Check that it is genuine: {SITE}/check (type the address yourself)"
    )
    assert COMPARE["en"][1] in asked(world, f"{'Adult child costs, usual terms, early rates. ' * 40}\n{foot}")
    assert "maxlength" not in anybody(world).get("/check").text


def test_a_text_that_is_too_long_is_told_so_at_its_field(tmp_path: Path) -> None:
    """Nothing is said of a text that was not looked at, but how long it may be, as the language writes numbers."""
    world = World(tmp_path, base_url=SITE)
    for language, limit in (("ru", "2 000 знаков"), ("kk", "2 000 таңбадан"), ("en", "2,000 characters")):
        page = anybody(world, language).get("/check", params={"code": "Read this " * 201})
        text = page.text.replace("\u00a0", " ").replace("\u202f", " ")
        assert (page.status_code, limit in text, 'id="code-error">' in text) == (422, True, True)
        assert all(each[language] not in text for each in (NO_CODE, UNKNOWN, OURS, TYPED_WRONG))
    world.close()


async def test_a_pasted_link_is_checked_too(world: World) -> None:
    """The link to a message's page is ours for as long as the message is; on another host, or changed, it is not."""
    await sent(world)
    nudge = world.nudge("month").intent.id
    link = world.platform.identity.links.page(nudge, world.name(AIGERIM), world.clock() + PAGE_LASTS)
    for ours in (link, link.removeprefix("https://"), f" {link}/ ", f"Read: {link}.", f"{link}?utm=1"):
        assert COMPARE["en"][1] in asked(world, ours)
    token = link.rpartition("/")[2]
    for theirs in (
        f"https://evil.test/m/{token}",
        f"https://h.test.evil.test/m/{token}",
        f"{link}@evil.test",
        f"https://evil.test/?to={link}",
        link[:-1],
    ):
        assert UNKNOWN["en"] in asked(world, theirs)
    world.at(world.clock() + PAGE_LASTS + timedelta(days=2))
    assert COMPARE["en"][1] in asked(world, link)


async def test_every_link_of_a_message_is_checked(world: World) -> None:
    """The links that stop, answer or open a message are ours too; an address of our pages is, and proves nothing."""
    await sent(world)
    links, nudge, name = world.platform.identity.links, world.nudge("month").intent.id, world.name(AIGERIM)
    page = links.page(nudge, name, world.clock() + PAGE_LASTS)
    stop, answer, seen = (
        f"{SITE}/stop/{links.token(nudge, name)}",
        links.answer(nudge, name, "1"),
        links.seen(nudge, name, 1),
    )
    for ours in (stop, f"Stop: {stop}", f"<{stop}>", f"{stop}/undo", answer, seen, f"{page}/why"):
        assert COMPARE["en"][1] in asked(world, ours)
        theirs = asked(world, ours.replace("h.test", "evil.test"))
        assert UNKNOWN["en"] in theirs or NO_CODE["en"] in theirs
        assert COMPARE["en"][0] not in theirs
    assert UNKNOWN["en"] in asked(world, stop[:-1])
    for language, words in OURS.items():
        for address in (SITE, f"{SITE}/check", "h.test/my/coming"):
            assert words in asked(world, address, language)
    for theirs in (
        "https://h.test.evil.test/check",
        "https://h.test@evil.test/",
        f"Pay here: {SITE}/check evil.test",
    ):
        assert OURS["en"] not in asked(world, theirs)


async def test_a_digest_is_checked_too(tmp_path: Path) -> None:
    """What goes together is signed by the platform, in two parts at most, and its code is accepted."""
    world = calls_world(tmp_path, base_url=SITE)
    world.take(prefers(channels=["sms"]), *(call(number) for number in range(5)))
    await world.settle()
    [digest] = await world.settle(NOON + timedelta(hours=6))
    found = CODE.search(digest.text)
    assert (digest.channel, len(segments(digest.text).parts) <= 2) == ("sms", True)
    assert found is not None, digest.text
    page = asked(world, found["code"])
    assert [words for words in ("Habarshy platform (Habarshy)", "Digest of messages") if words not in page] == []
    world.close()
