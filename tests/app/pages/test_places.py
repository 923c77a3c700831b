"""Officials find their way: home after signing in, and from a page that does not exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.identity.principals import add
from domain.facts.principals import Principal, Role
from tests.app.http.wire import client_of, served
from tests.app.pages.console.office import HTML, Office, office_in, signed_in

HOMES = {"olga": "/console", "adil": "/console/people", "saule": "/work"}
WORDS = {
    "kk": ("Бет табылмады", "Тапсырмалар"),
    "ru": ("Страница не найдена", "Задания"),
    "en": ("Page not found", "Jobs"),
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office in which nothing happened yet."""
    made = office_in(tmp_path)
    yield made
    made.world.close()


@pytest.mark.parametrize("who", HOMES)
def test_who_signs_in_comes_home(office: Office, who: str) -> None:
    """An official who wished for no page gets one that is theirs, also by the site's front page."""
    browser = client_of(served(office.world.platform), **HTML)
    assert browser.post("/sign-in/token", data={"token": office.tokens[who]}).headers["location"] == HOMES[who]
    assert browser.get("/").headers["location"] == HOMES[who]
    assert browser.get(HOMES[who]).status_code == 200


@pytest.mark.parametrize("who", HOMES)
@pytest.mark.parametrize("path", ["/console/nothing", "/work/triggers/nothing", "/nothing"])
def test_an_error_has_their_navigation(office: Office, who: str, path: str) -> None:
    """A page that is not there, or not theirs, leads on to where they are at home."""
    page = signed_in(office, who).get(path)
    assert page.status_code in {403, 404}
    assert f'<a href="{HOMES[who]}"' in page.text


@pytest.mark.parametrize("path", ["//evil.example/a", "///evil.example", "/%5Cevil.example", "//evil.example%3Fb"])
def test_no_address_makes_a_link_to_another_site(office: Office, path: str) -> None:
    """However odd the address of a page that is not there, its links to other languages and the app stay here."""
    page = client_of(served(office.world.platform), **HTML).get(f"http://testserver{path}")
    links = re.findall(r'href="([^"]*language=[^"]*)"', page.text)
    assert (page.status_code, len(links)) == (404, 4)
    for link in links:
        assert re.match(r"/[^/\\?]", link), link


@pytest.mark.parametrize(("role", "there"), [(Role.OPERATOR, "/console"), (Role.AUDITOR, "/console/people")])
def test_who_is_at_home_in_two_places_is_led_from_one_to_the_other(office: Office, role: Role, there: str) -> None:
    """An author who operates or audits too finds the console in the workbench, and the way back; nobody else does."""
    dina = Principal("dina", "interior", frozenset([Role.AUTHOR, role]))
    tokens = {**office.tokens, "dina": add(office.world.platform.settings.principals, dina)}
    both = signed_in(office._replace(tokens=tokens), "dina")
    assert f'<a href="{there}">' in both.get("/work").text
    assert '<a href="/work">' in both.get(there).text
    assert '<a href="/console' not in signed_in(office, "saule").get("/work").text
    assert '<a href="/work">' not in signed_in(office, "olga").get("/console").text


@pytest.mark.parametrize("language", WORDS)
def test_a_job_of_no_kind_is_a_choice(office: Office, language: str) -> None:
    """Without a kind one chooses among all; one that nobody knows is a page in their language, with navigation."""
    browser = signed_in(office, "olga")
    assert browser.get("/console/jobs/new").headers["location"] == "/console/jobs"
    page = browser.get(f"/console/jobs/new?kind=nothing&language={language}")
    assert page.status_code == 404
    for words in WORDS[language]:
        assert words in page.text
