"""The demo's pages, as a browser without JavaScript sees them."""

import re
from html import unescape

import httpx2
import pytest

from tests.app.demo.running import Lived

LINK = re.compile(r'href="(/why/[^"]+)"')
FRAME = re.compile(r'src="(/mail/[^"]+)"')
ADDRESS = re.compile(r'(?:href|src)="([^"]*)"')
LAW = re.compile(r"Law|Code")


def page(lived: Lived, path: str) -> str:
    """The HTML of a page that is there."""
    answer = lived.client.get(path)
    assert answer.status_code == 200, path
    return answer.text


def inbox(lived: Lived, language: str) -> list[str]:
    """Where the messages of the list lead to."""
    front = page(lived, f"/?language={language}")
    return LINK.findall(front[front.index('id="inbox"') : front.index('id="phone"')])


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_filter_shows_messages_of_one_language(lived: Lived, language: str) -> None:
    """Each language can be seen for itself, marked with its lang, and no other one is in the list."""
    front = page(lived, f"/?language={language}")
    listed = front[front.index('id="inbox"') : front.index('id="phone"')]
    assert set(re.findall(r'lang="(\w+)"', listed)) == {language}


def test_the_whole_page_is_there_without_javascript(lived: Lived) -> None:
    """Events, nudges, telephone and mail are in the first answer, and a link brings the next one."""
    front = page(lived, "/")
    for part in ("Life events arriving", "Latest nudges", "Telephone", "Mail"):
        assert f">{part}</h2>" in front
    assert LINK.findall(front)
    assert FRAME.findall(front)
    assert 'id="refresh" href="/"' in front
    assert 'id="pause" type="button" hidden' in front


def test_every_event_says_whom_it_is_about(lived: Lived) -> None:
    """An event of a person has their first name, one of an area says that it is about all residents."""
    front = page(lived, "/")
    listed = front[front.index("Life events arriving") : front.index("Latest nudges")]
    about = re.findall(r'<p class="meta">([^<]*) · <time', listed)
    assert len(about) == listed.count("<li>")
    assert all(about)
    assert "the residents" in about


def test_the_telephone_counts_the_parts_of_an_sms(lived: Lived) -> None:
    """Under every SMS stands in how many parts it goes, and in which alphabet."""
    front = page(lived, "/?language=kk")
    bubbles = front.count('class="bubble"')
    assert bubbles == len(re.findall(r"<strong>\d+ parts?</strong> · \d+ characters · UCS-2", front)) > 0


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_every_message_says_why(lived: Lived, language: str) -> None:
    """The page behind a message has the facts, the rule in words and as written, the law, the words and its life."""
    links = inbox(lived, language)
    assert links
    for link in links:
        why = page(lived, link)
        for heading in ("What was recorded", "The rule", "The words sent", "The life of this nudge"):
            assert f">{heading}</h2>" in why
        basis = re.search(r"<dt>Legal basis</dt><dd>([^<]+)</dd>", why)
        assert basis
        assert LAW.search(basis[1])
        assert "Planned for" in why
        assert re.search(r"When this (is recorded|person becomes|person ceases)", why)


def test_the_why_page_shows_the_words_that_were_sent(lived: Lived) -> None:
    """What the telephone shows stands on the why page, letter for letter."""
    front = page(lived, "/?language=ru")
    shown = re.search(
        r'class="sms card".*?<p class="bubble"[^>]*>([^<]+)</p>.*?href="(/why/[^"]+)"', front, re.DOTALL
    )
    assert shown
    assert shown[1] in page(lived, shown[2])


def test_what_was_withheld_says_the_reason(lived: Lived) -> None:
    """A nudge that was not sent has a page as well, which says why nobody was told."""
    front = page(lived, "/")
    link = LINK.search(front, front.index("Not sent, and why"))
    assert link
    assert "This was not sent: " in page(lived, link[1])


def test_no_address_carries_words_or_people(lived: Lived) -> None:
    """Addresses end in histories and logs: they hold ids and a language, nothing of a message and no pseudonym."""
    allowed = re.compile(
        r"/|/\?language=(kk|ru|en)|#main|/static/[a-z]+\.(css|js|svg)|/why/[0-9a-f-]{36}|/mail/[0-9a-f-]{36}/\d+"
    )
    for path in ["/", "/?language=kk", *inbox(lived, "kk")]:
        for address in ADDRESS.findall(page(lived, path)):
            assert allowed.fullmatch(address), address


def test_a_letter_is_shown_in_a_frame_that_can_do_nothing(lived: Lived) -> None:
    """The HTML of an email comes sandboxed, without scripts or pictures, and only for our own pages."""
    front = page(lived, "/")
    assert re.search(r"<iframe [^>]*\bsandbox\b(?!=)", front)
    answer = lived.client.get(FRAME.findall(front)[0])
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert "<html" in answer.text
    for rule in ("default-src 'none'", "sandbox", "frame-ancestors 'self'"):
        assert rule in policy
    assert "script-src" not in policy


def test_the_pages_allow_nothing_inline_and_nothing_foreign(lived: Lived) -> None:
    """The policy of the pages is strict, and the pages keep it."""
    for path in ("/", inbox(lived, "kk")[0]):
        answer = lived.client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=)|(?:src|href)=\"http", answer.text)


def test_values_are_escaped(lived: Lived) -> None:
    """What a page shows is text: the only tags are its own, also where words have quotes and signs."""
    why = page(lived, inbox(lived, "kk")[0])
    clause = re.search(r"<pre[^>]*><code>(.*?)</code></pre>", why, re.DOTALL)
    assert clause
    assert "<" not in clause[1]
    assert "on: kz." in unescape(clause[1])


def test_the_live_parts_are_those_of_the_page(lived: Lived) -> None:
    """What JavaScript puts in place is what the page without it has."""
    live = lived.client.get("/live?language=ru").json()
    front = page(lived, "/?language=ru")
    assert live["done"] is True
    assert set(live["parts"]) == {"top", "events", "inbox", "phone", "mail"}
    assert all(part.strip() in front for part in live["parts"].values())


@pytest.mark.parametrize(
    "path",
    [
        "/why/none",
        "/why/00000000-0000-0000-0000-000000000000",
        "/mail/none/0",
        "/mail/00000000-0000-0000-0000-000000000000/0",
        "/nothing",
        "/static/nothing.css",
    ],
)
def test_what_does_not_exist_is_not_found(lived: Lived, path: str) -> None:
    """A wrong address gets a page that says so, not a defect."""
    answer = lived.client.get(path)
    assert (answer.status_code, "There is no such page" in answer.text) == (404, True)


def test_an_unknown_language_shows_all(lived: Lived) -> None:
    """A language that nobody writes in is no filter."""
    assert page(lived, "/?language=xx") == page(lived, "/")


def test_another_host_name_is_refused(lived: Lived) -> None:
    """A page elsewhere that points its own name at this machine learns nothing."""
    assert lived.client.get("/", headers={"Host": "elsewhere.example"}).status_code == 400


def test_it_listens_on_this_machine_only(lived: Lived) -> None:
    """The one address that was announced is a loopback one."""
    (url,) = lived.announced
    assert httpx2.URL(url).host == "127.0.0.1"
