"""The demo's pages, as a browser without JavaScript sees them."""

import json
import re
from base64 import b64decode
from html import unescape
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import select

from app.demo.show import END
from app.demo.story import Storyteller
from app.packs.draft_bench import Bench
from app.pages.catalogues import Speech
from app.pages.work.drafts.stored_drafts import text_of
from app.server import application
from streams.rules.drafts import DraftStore
from streams.storage.tables import fake_messages
from tests.app.demo.running import Lived
from tests.app.http.wire import client_of

LINK = re.compile(r'(?:href|src)="([^"#][^"]*)"')
HEADING = re.compile(r"<h3>([^<]+)</h3>")
SUMS = re.compile(r"</svg><strong>([^<]+)</strong>")
OWN = ("/", "/demo/country", "/demo/assistant")
OFFICIAL = ("gov.kz", "egov.kz", "enbek.kz", "enpf.kz")
"""The hosts to which the packs' own links lead."""
CHAPTERS = [
    "Amina is born",
    "Money for the first months",
    "They move to Alatau",
    "Amina's first vaccination",
    "A place in the kindergarten queue",
    "The river rises",
    "A camera sees Daniyar",
    "A passport in its last months",
    "Aigerim's identity card runs out",
    "A camera sees Daniyar",
]


def visitor(lived: Lived, language: str = "en") -> httpx2.Client:
    """A browser of its own that reads that language."""
    return httpx2.Client(
        base_url=lived.announced[0],
        headers={"accept-language": language, "accept": "text/html"},
        follow_redirects=True,
        timeout=60,
    )


def page(visiting: httpx2.Client, path: str) -> str:
    """The HTML of a page that is there."""
    answer = visiting.get(path)
    assert answer.status_code == 200, path
    return unescape(answer.text)


def test_the_story_is_told_in_the_order_of_time(lived: Lived) -> None:
    """Each chapter stands once, and the sums are those of the events: what was granted, and half a fine."""
    with visitor(lived) as visiting:
        front = page(visiting, "/")
    assert HEADING.findall(front) == CHAPTERS
    received = 38 * 3932 + 11 * 22_648
    assert SUMS.findall(front) == [f"{received:,}\xa0₸".replace(",", "\u202f"), "19\u202f660\xa0₸", "12 hours", "8"]
    assert "2 still open" in front


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_story_is_the_same_in_every_language(lived: Lived, language: str) -> None:
    """The page is in the visitor's language, and so is every chair that they take from it."""
    with visitor(lived, language) as visiting:
        front = page(visiting, "/")
        assert f'<html lang="{language}">' in front
        assert len(HEADING.findall(front)) == len(CHAPTERS)
        assert all(f'<html lang="{language}">' in page(visiting, path) for path in chairs())


def test_the_workbench_has_a_draft_to_try(lived: Lived) -> None:
    """The list shows Dana's draft, nothing is wrong with it, and each of its tests passes."""
    with visitor(lived) as visiting:
        listed = page(visiting, "/demo/as/dana?next=/work")
    (draft,) = DraftStore(lived.platform.database, lived.platform.clock).all("labour")
    assert f"/work/drafts/{draft.id}" in listed
    with Bench(lived.platform.rules.library).laid(text_of(draft)) as laid:
        cases, wrong = laid.cases()
        assert (laid.findings, laid.rendering_findings, wrong) == ((), (), ())
    assert [each.name for each in cases if not each.passed] == []
    assert len(cases) == 3


def chairs() -> list[str]:
    """The ways to the product's own pages."""
    as_family = [f"/demo/as/{who}?next=/my" for who in ("aigerim", "daniyar")]
    officials = [
        "/demo/as/dana?next=/work/triggers/birth_allowance",
        "/demo/as/serik?next=/work",
        "/demo/as/omar?next=/console%3Fspan%3Dweek",
    ]
    return [*as_family, "/demo/as/aigerim?next=/my/entitlements", "/demo/why", *officials]


def test_each_chapter_says_where_its_figures_come_from(lived: Lived) -> None:
    """Nothing is claimed without its source: an event, the law, an agency's words, or an assumption called one."""
    speech = Speech("en", lived.platform.rules.library.rules().defaults.zone)
    for moment in Storyteller(lived.platform).story(speech).moments:
        assert moment.missed, moment.title
        assert "The price of missing it" in moment.sources[0]
        assert "By law:" in moment.sources[-1]
        assert any("assumed" in each for each in moment.sources) == any("hours" in name for name, _ in moment.figures)
        assert moment.words is not None


def test_every_message_of_the_story_says_why(lived: Lived) -> None:
    """The link of a chapter opens the product's own page, signed in as whoever got the message."""
    with visitor(lived) as visiting:
        links = re.findall(r'href="(/demo/message/[^"]+)"', page(visiting, "/"))
        assert len(links) == len(CHAPTERS)
        assert all("You got this because" in page(visiting, link) for link in links)


def test_every_link_leads_somewhere(lived: Lived) -> None:
    """No page of the demo itself has a dead link."""
    with visitor(lived) as visiting:
        links = {link for path in OWN for link in LINK.findall(page(visiting, path))}
        assert {*chairs()} <= links | {"/demo/as/daniyar?next=/my", "/demo/as/serik?next=/work"}
        theirs = sorted(link for link in links if "language=" not in link)
        assert [link for link in theirs if not leads(visiting, link)] == []


def test_the_links_in_all_mails_lead_somewhere(lived: Lived) -> None:
    """Every letter of the year has links of this demo that answer, or of the state's own sites."""
    platform, links = lived.platform, set[str]()
    with platform.database.reading() as connection:
        rows = connection.execute(select(fake_messages.c.recipient, fake_messages.c.nudge)).all()
        for row in rows:
            html = (
                platform.delivery.fake_outbox.last_of_each(connection, row.recipient, [row.nudge])[row.nudge].html
                or ""
            )
            links |= set(re.findall(r'<a href="([^"]+)"', unescape(html)))
    with visitor(lived) as visiting:
        assert len(links) > 20
        assert [link for link in sorted(links) if not leads(visiting, link)] == []


def leads(visiting: httpx2.Client, link: str) -> bool:
    """Whether the link answers, or leads to a site of the state."""
    host = urlsplit(link).hostname
    if host not in (None, "127.0.0.1"):
        return any(host == each or host.endswith(f".{each}") for each in OFFICIAL)
    answer = visiting.get(link)
    day_is_over = link.endswith("/calendar.ics") and answer.status_code == 404
    return answer.status_code in (200, 410) or day_is_over  # after 90 days the page says that the link is over


def test_a_chair_needs_no_issuer_and_is_kept_all_year(lived: Lived) -> None:
    """A link signs in, also where a page asks for it; the visit begins at the year's end, so it is never over."""
    for path, said in (
        ("/work", "Rules of your agency"),
        ("/console", "Everything works"),
        ("/my", "You look through the eyes of: Aigerim."),
    ):
        with visitor(lived) as visiting:
            assert said in page(visiting, path)
            kept = json.loads(b64decode(visiting.cookies["habarshy"].strip('"').split(".")[0]))
            assert kept["since"] == END.timestamp()


@pytest.mark.parametrize("wished", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example"])
def test_a_chair_leads_to_no_other_site(lived: Lived, wished: str) -> None:
    """Whatever the address says, one stays on this site."""
    with visitor(lived) as visiting:
        answer = visiting.get("/demo/as/omar", params={"next": wished}, follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_no_other_command_has_such_links(lived: Lived) -> None:
    """The product's own application has none of the demo's routes, nor its ribbon."""
    product = client_of(application(lived.platform), accept="text/html")
    for path in ("/demo/as/omar", "/demo/as/aigerim", "/demo/why", "/demo/country", "/demo/static/demo.css"):
        assert product.get(path).status_code == 404, path
    assert "/demo" not in product.get("/components").text
    assert product.get("/my", follow_redirects=False).headers["location"].startswith("/sign-in")


def test_the_assistants_answers_are_the_servers_own(lived: Lived) -> None:
    """The recorded questions are asked over MCP anew: the amount is that of the law on the last day of the year."""
    with visitor(lived) as visiting:
        said = page(visiting, "/demo/assistant")
    assert re.findall(r"<code>(\w+)\(", said) == ["messages", "why", "entitlements", "coming"]
    assert "Childcare allowance: 24 912 ₸ a month." in said
    assert '"amount": 24912' in said
    assert "Law of the Republic of Kazakhstan No. 73-V" in said


def test_the_country_shows_messages_in_all_ways(lived: Lived) -> None:
    """Events say whom they are about, messages their channel and language, and what was held back its reason."""
    with visitor(lived) as visiting:
        country = page(visiting, "/demo/country")
    for part in ("What registries report", "What people are told", "Not sent, and why", "A telephone", "A letter"):
        assert f">{part}</h2>" in country
    assert re.search(r"\d parts? · \d+ characters", country)
    assert "the residents" in country


def test_a_letter_is_shown_in_a_frame_that_can_do_nothing(lived: Lived) -> None:
    """The HTML of an email comes sandboxed, without scripts or pictures; its links open a page of their own."""
    with visitor(lived) as visiting:
        [frame] = re.findall(
            r'<iframe sandbox="[^"]+" title="A letter" src="([^"]+)"', page(visiting, "/demo/country")
        )
        answer = visiting.get(frame)
    policy = answer.headers["content-security-policy"]
    assert '<base target="_blank">' in answer.text
    for rule in ("default-src 'none'", "sandbox allow-popups", "frame-ancestors 'self'"):
        assert rule in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in policy


def test_the_pages_allow_nothing_inline_and_nothing_foreign(lived: Lived) -> None:
    """The policy of the pages is strict, and the pages keep it."""
    with visitor(lived) as visiting:
        for path in OWN:
            answer = visiting.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=)|(?:src|href)=\"http", answer.text), path


def test_no_address_carries_words_or_people(lived: Lived) -> None:
    """Addresses end in histories and logs: they hold ids and invented first names, no pseudonym and no words."""
    with visitor(lived) as visiting:
        for path in OWN:
            assert not re.search(r'(?:href|src)="[^"]*[0-9a-f]{32}', page(visiting, path)), path


@pytest.mark.parametrize(
    "path",
    [
        "/demo/message/00000000-0000-0000-0000-000000000000/0",
        "/demo/mail/00000000-0000-0000-0000-000000000000/0",
        "/demo/as/nobody",
        "/nothing",
        "/demo/static/nothing.css",
    ],
)
def test_what_does_not_exist_is_not_found(lived: Lived, path: str) -> None:
    """A wrong address gets an answer that says so, not a defect."""
    with visitor(lived) as visiting:
        assert visiting.get(path).status_code == 404


def test_another_host_name_is_refused(lived: Lived) -> None:
    """A page elsewhere that points its own name at this machine learns nothing."""
    assert lived.client.get("/", headers={"Host": "elsewhere.example"}).status_code == 400


def test_it_listens_on_this_machine_only(lived: Lived) -> None:
    """The one address that was announced is a loopback one."""
    (url,) = lived.announced
    assert httpx2.URL(url).host == "127.0.0.1"


def test_another_chair_never_answers_404(lived: Lived) -> None:
    """Who takes the other parent's chair at the page of a message that is not theirs finds that parent's inbox."""
    with visitor(lived) as visiting:
        path = visiting.get("/demo/why").url.path
        for who in ("aigerim", "daniyar"):
            answer = visiting.get(f"/demo/as/{who}", params={"next": path})
            assert answer.status_code == 200
        fresh = visitor(lived)
        with fresh:
            assert fresh.get("/sign-in", params={"next": path}).url.path == path


def test_who_takes_the_other_chair_stays_at_a_version(lived: Lived) -> None:
    """The author and the approver of a version change places on its page; on other pages they begin at the list."""
    with visitor(lived) as visiting:
        for path, then in (("/work/submissions/x/0123456789ab", None), ("/work/new", "/work")):
            visiting.get("/demo/as/dana", params={"next": path})
            assert f'href="/demo/as/serik?next={then or path}"' in visiting.get(path).text
