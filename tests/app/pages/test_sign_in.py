import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from itsdangerous import TimestampSigner
from starlette.testclient import TestClient

from app.identity.principals import add, remove
from app.pages.visits import CLAIMED_LASTS, VISIT_LASTS
from app.settings import BadSettings, load_settings
from domain.facts.principals import Principal, Role
from tests.app.http.wire import client_of, served
from tests.services.issuer import CLIENT, SECRET, Issuer, issuing
from tests.world import World, iin

CITIZEN = iin(1)
PEOPLE: dict[str, dict[str, Any]] = {
    "aigerim": {"national_id": CITIZEN},
    "nobody": {},
    "saule": {"agency": "interior", "roles": ["author", "admin"]},
    "marat": {"agency": "interior", "roles": ["admin"]},
    "fred": {"agency": "finance", "roles": ["author"]},
    "olga": {"agency": "interior", "roles": ["author", "operator"]},
    "oleg": {"agency": "interior", "roles": ["operator", "auditor"]},
    "newline": {"sub": "a\nb", "agency": "interior", "roles": ["author"]},
}
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer that knows a few people."""
    with issuing(PEOPLE) as made:
        yield made


@pytest.fixture(scope="module")
def other() -> Iterator[Issuer]:
    """An issuer that says the same names."""
    with issuing(PEOPLE) as made:
        yield made


@pytest.fixture
def made(tmp_path: Path, issuer: Issuer, other: Issuer) -> Iterator[World]:
    """A platform whose citizens and officials sign in there."""
    issuer.spoil, issuer.signs = {}, issuer.key
    of = {"issuer": issuer.url, "client_id": CLIENT, "client_secret": SECRET}
    sign_in = {
        "egov": of | {"who": "citizens", "title": "eGov"},
        "staff": of | {"who": "officials", "agency_claim": "agency", "agencies": ["interior"]},
        "listed": of | {"who": "officials", "issuer": other.url},
    }
    world = World(tmp_path, sign_in=sign_in, base_url="http://testserver")
    yield world
    world.close()


@pytest.fixture
def browser(made: World) -> TestClient:
    """Somebody's browser, that has visited nothing yet."""
    return client_of(served(made.platform), **HTML)


def sign_in(browser: TestClient, who: str, by: str = "egov", wished: str = "") -> httpx2.Response:
    """Go to the issuer, say who one is, and come back."""
    away = browser.get(f"/sign-in/{by}", params={"next": wished})
    assert away.status_code == 302
    said = httpx2.post(away.headers["location"], data={"who": who}, follow_redirects=False)
    back = urlsplit(said.headers["location"])
    return browser.get(f"{back.path}?{back.query}")


def test_a_citizen_signs_in(browser: TestClient) -> None:
    """Who the issuer says is a citizen goes on to their pages; the browser keeps no national id."""
    answer = sign_in(browser, "aigerim")
    assert (answer.status_code, answer.headers["location"]) == (303, "/my")
    assert CITIZEN not in str(answer.headers) + str(dict(browser.cookies))
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_the_way_to_the_issuer_is_guarded(browser: TestClient) -> None:
    """The code flow goes with state, nonce and PKCE (S256), and asks for openid."""
    asked = parse_qs(urlsplit(browser.get("/sign-in/egov").headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert all(len(asked[name][0]) > 15 for name in ("state", "nonce", "code_challenge"))
    assert asked["scope"] == ["openid"]


@pytest.mark.parametrize("spoilt", [{"aud": "other"}, {"iss": "http://other"}, {"exp": 1}, {"nonce": "other"}])
def test_a_token_that_is_not_for_us_signs_nobody_in(
    browser: TestClient, issuer: Issuer, spoilt: dict[str, object]
) -> None:
    """An id_token of another audience, issuer, time or visit is refused."""
    issuer.spoil = spoilt
    assert sign_in(browser, "aigerim").status_code == 400
    assert browser.get("/sign-in").text.count("Sign out") == 0


def test_a_token_signed_by_another_signs_nobody_in(browser: TestClient, issuer: Issuer) -> None:
    """Only the keys that the issuer publishes count."""
    issuer.signs = issuer.foreign
    assert sign_in(browser, "aigerim").status_code == 400


def test_a_code_of_another_visit_signs_nobody_in(browser: TestClient, made: World) -> None:
    """Whoever brings a code without having left from here is refused: state belongs to the visit."""
    away = browser.get("/sign-in/egov")
    said = httpx2.post(away.headers["location"], data={"who": "aigerim"}, follow_redirects=False)
    back = urlsplit(said.headers["location"])
    stranger = client_of(served(made.platform), **HTML)
    assert stranger.get(f"{back.path}?{back.query}").status_code == 400


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("kk", ["Кіру мүмкін болмады", "Бұл жолмен кіре алмайсыз"]),
        ("ru", ["Войти не получилось", "Так войти нельзя"]),
        ("en", ["Signing in did not work", "You cannot sign in this way"]),
    ],
)
def test_who_did_not_come_in_is_told_why(browser: TestClient, language: str, words: list[str]) -> None:
    """Who gave up at the issuer, or is nobody here, reads that in their language, with the way to try again."""
    browser.headers["accept-language"] = language
    answers = [browser.get("/sign-in/egov/back?error=access_denied&state=x"), sign_in(browser, "nobody")]
    assert [each.status_code for each in answers] == [400, 403]
    for answer, title in zip(answers, words, strict=True):
        assert f"<h1>{title}</h1>" in answer.text
        assert '<a class="button" href="/sign-in">' in answer.text


def test_whom_the_pages_are_not_for(browser: TestClient) -> None:
    """A citizen without a national id, an official without a role that we know, or on no list, is told so."""
    assert sign_in(browser, "nobody").status_code == 403
    assert sign_in(browser, "marat", "staff").status_code == 403
    assert sign_in(browser, "saule", "listed").status_code == 403


def test_an_official_signs_in_by_claims_or_by_the_list(browser: TestClient, made: World) -> None:
    """Agency and roles come from the issuer where it has them, else from `habarshy principals`."""
    assert sign_in(browser, "saule", "staff").headers["location"] == "/work"
    add(made.platform.settings.principals, Principal("marat", "interior", frozenset([Role.AUTHOR])))
    assert sign_in(browser, "marat", "listed").headers["location"] == "/work"


@pytest.mark.parametrize("who", ["fred", "oleg", "newline"])
def test_an_issuer_speaks_for_its_agencies_and_roles_only(browser: TestClient, who: str) -> None:
    """Whom it puts into another agency, or only into roles that it may not give, or names oddly, is refused."""
    assert sign_in(browser, who, "staff").status_code == 403
    assert browser.get("/work").status_code == 303


@pytest.mark.parametrize("by", ["staff", "listed"])
def test_no_issuer_makes_an_operator_unless_the_settings_say_so(browser: TestClient, made: World, by: str) -> None:
    """Of author and operator, as it says or as the list has it, the author is left; a token still makes both."""
    both = Principal("olga", "interior", frozenset([Role.AUTHOR, Role.OPERATOR]))
    token = add(made.platform.settings.principals, both)
    sign_in(browser, "olga", by)
    assert [browser.get(page).status_code for page in ("/work", "/console")] == [200, 403]
    browser.post("/sign-in/token", data={"token": token})
    assert browser.get("/console").status_code == 200


def test_the_list_may_be_opened_to_operators(tmp_path: Path, other: Issuer) -> None:
    """With `roles` an operator of the list signs in as one; with `agencies` those of others do not."""
    of = {"who": "officials", "issuer": other.url, "client_id": CLIENT, "client_secret": SECRET}
    listed = of | {"roles": ["operator"], "agencies": ["interior"]}
    world = World(tmp_path, sign_in={"listed": listed}, base_url="http://testserver")
    for name, agency in (("olga", "interior"), ("oleg", "finance")):
        add(world.platform.settings.principals, Principal(name, agency, frozenset([Role.OPERATOR])))
    browser = client_of(served(world.platform), **HTML)
    assert sign_in(browser, "oleg", "listed").status_code == 403
    assert (sign_in(browser, "olga", "listed").status_code, browser.get("/console").status_code) == (303, 200)
    world.close()


def test_one_name_of_two_issuers_is_two_people(browser: TestClient, made: World, issuer: Issuer) -> None:
    """Who is described by an issuer has its place in their name, which no name of the list can have."""
    add(made.platform.settings.principals, Principal("saule", "interior", frozenset([Role.AUTHOR])))
    sign_in(browser, "saule", "staff")
    assert f"saule@{issuer.url.partition('://')[2]}" in browser.get("/console").text
    sign_in(browser, "saule", "listed")
    assert "saule is not an operator" in browser.get("/console").text


@pytest.mark.parametrize(("by", "lasts"), [("staff", CLAIMED_LASTS), ("listed", VISIT_LASTS)])
def test_who_is_on_no_list_signs_in_again_soon(browser: TestClient, made: World, by: str, lasts: timedelta) -> None:
    """Roles that only an issuer knows hold for an hour; those of the list are looked up and last for the visit."""
    add(made.platform.settings.principals, Principal("saule", "interior", frozenset([Role.AUTHOR])))
    sign_in(browser, "saule", by)
    began = made.clock()
    made.clock.advance_to(began + lasts - timedelta(seconds=1))
    assert browser.get("/work").status_code == 200
    made.clock.advance_to(began + lasts)
    assert browser.get("/work").status_code == 303
    assert timedelta(hours=1) == CLAIMED_LASTS


ISSUER = {"who": "officials", "issuer": "https://idp.example/staff", "client_id": "x"}


@pytest.mark.parametrize(
    ("sign_in", "told"),
    [
        (
            {"staff": ISSUER | {"agency_claim": "agency"}},
            r"sign_in\.staff\.agencies: with agency_claim, name the agencies",
        ),
        ({"staff": ISSUER | {"roles": ["admin"]}}, r"sign_in\.staff\.roles\.0: "),
        ({"staff": ISSUER | {"roles": []}}, r"sign_in\.staff\.roles: "),
        ({"a": ISSUER, "b": ISSUER | {"issuer": ISSUER["issuer"] + "/"}}, r"sign_in: a and b are one issuer"),
    ],
)
def test_wrong_settings_are_named_at_the_start(sign_in: dict[str, dict[str, Any]], told: str) -> None:
    """Agencies that nobody named, roles that there are not, and two ways in by one issuer stop the start."""
    with pytest.raises(BadSettings, match=told):
        load_settings(sign_in=sign_in)


def test_an_official_signs_in_by_token(browser: TestClient, made: World) -> None:
    """The personal token of a principal with a role opens the pages; anything else does not."""
    path = made.platform.settings.principals
    token = add(path, Principal("saule", "interior", frozenset([Role.AUTHOR])))
    assert browser.post("/sign-in/token", data={"token": "hby_wrong"}).status_code == 401
    assert browser.post("/sign-in/token", data={"token": token}).headers["location"] == "/work"
    remove(path, "saule")
    assert browser.post("/sign-in/token", data={"token": token}).status_code == 401


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 303)])
def test_no_other_site_makes_anybody_an_official(browser: TestClient, made: World, site: str, status: int) -> None:
    """A form of another site with its owner's token does not have a colleague act in their name."""
    token = add(made.platform.settings.principals, Principal("saule", "interior", frozenset([Role.AUTHOR])))
    answer = browser.post("/sign-in/token", data={"token": token}, headers={"sec-fetch-site": site})
    assert (answer.status_code, browser.get("/work").status_code) == (status, 200 if status == 303 else 303)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://testserver", 303),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://testserver@evil.example", 403),
    ],
)
def test_a_form_says_whose_it_is(browser: TestClient, made: World, origin: str, status: int) -> None:
    """A browser that sends no Sec-Fetch-Site says by Origin whose form it is; another site's signs nobody in."""
    token = add(made.platform.settings.principals, Principal("saule", "interior", frozenset([Role.AUTHOR])))
    answer = browser.post("/sign-in/token", data={"token": token}, headers={"origin": origin})
    assert (answer.status_code, browser.get("/work").status_code) == (status, 200 if status == 303 else 303)


def test_a_form_of_a_page_without_referrer_is_ours(browser: TestClient, made: World) -> None:
    """A browser that calls the origin null, but says that the site is the same, signs its official in."""
    token = add(made.platform.settings.principals, Principal("saule", "interior", frozenset([Role.AUTHOR])))
    said = {"origin": "null", "sec-fetch-site": "same-origin"}
    assert browser.post("/sign-in/token", data={"token": token}, headers=said).status_code == 303
    assert browser.get("/sign-in").headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("by", ["token", "listed"])
def test_who_is_taken_out_of_the_list_is_out_at_once(browser: TestClient, made: World, by: str) -> None:
    """The visit of who was taken out, or has other roles by now, is over at the next request."""
    path = made.platform.settings.principals
    for is_changed in (True, False):
        token = add(path, Principal("marat", "interior", frozenset([Role.AUTHOR])))
        if by == "token":
            browser.post("/sign-in/token", data={"token": token})
        else:
            sign_in(browser, "marat", "listed")
        assert browser.get("/work").status_code == 200
        remove(path, "marat")
        if is_changed:
            add(path, Principal("marat", "interior", frozenset([Role.APPROVER])))
        answer = browser.get("/work")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fwork")
        if is_changed:
            remove(path, "marat")


@pytest.mark.parametrize("wished", ["https://evil.example", "//evil.example", "/\\evil.example", "evil"])
def test_signing_in_leads_to_no_other_site(browser: TestClient, wished: str) -> None:
    """Where somebody wanted to go counts only if it is a path of this site."""
    assert sign_in(browser, "aigerim", wished=wished).headers["location"] == "/my"


def test_it_goes_on_where_they_wanted_to_go(browser: TestClient) -> None:
    """Who had to sign in comes back to the page that they asked for."""
    assert sign_in(browser, "aigerim", wished="/my/coming").headers["location"] == "/my/coming"


def test_signing_out_needs_the_form_of_the_visit(browser: TestClient) -> None:
    """Another site can sign nobody out; the button can."""
    sign_in(browser, "aigerim")
    assert browser.post("/sign-out", data={"csrf": "made-up"}).status_code == 403
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/sign-in").text)
    assert found is not None
    assert browser.post("/sign-out", data={"csrf": found[1]}).headers["location"] == "/sign-in"
    assert "Sign out" not in browser.get("/sign-in").text


def test_a_forged_visit_is_none(browser: TestClient) -> None:
    """A cookie that was not signed here says nothing."""
    browser.cookies.set("habarshy", "eyJjaXRpemVuIjogImFiYyJ9.aaaa.bbbb")
    assert "Sign out" not in browser.get("/sign-in").text


class Elsewhere(TimestampSigner):
    """The signer of a process on a machine whose clock is ahead of ours by so much."""

    ahead = timedelta()

    def get_timestamp(self) -> int:
        return super().get_timestamp() + int(self.ahead.total_seconds())


@pytest.mark.parametrize(
    ("ahead", "status"), [(timedelta(seconds=2), 200), (timedelta(minutes=10), 200), (timedelta(days=1), 303)]
)
def test_a_visit_goes_on_at_a_process_whose_clock_is_behind(
    browser: TestClient, made: World, ahead: timedelta, status: int
) -> None:
    """Who signed in where the clock is a little ahead is known everywhere, and not where it is far too much."""
    sign_in(browser, "aigerim")
    signer = Elsewhere(made.platform.identity.links.secret("visits"))
    signer.ahead = ahead
    there = signer.sign(signer.unsign(browser.cookies["habarshy"])).decode()
    browser.cookies.clear()
    browser.cookies.set("habarshy", there)
    assert browser.get("/my").status_code == status


def test_guessing_tokens_is_slowed_down(browser: TestClient, made: World) -> None:
    """After thirty tries a minute the answer is 429 with Retry-After, and a minute later it goes on."""
    answers = [browser.post("/sign-in/token", data={"token": f"hby_{each}"}) for each in range(31)]
    assert [each.status_code for each in answers] == [401] * 30 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    made.clock.advance_to(made.clock() + timedelta(minutes=1))
    assert browser.post("/sign-in/token", data={"token": "hby_x"}).status_code == 401
    assert timedelta(hours=1) < VISIT_LASTS < timedelta(days=1)
