from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from sqlalchemy.engine import URL
from standardwebhooks import Webhook
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.compose import Platform
from app.http.limits import GUESSES, LOTS
from app.providers import ProviderSettings
from app.server import application
from app.settings import BadSettings, load_settings
from domain.facts.principals import Role, Scope
from tests.app.http.wire import key_of
from tests.services import postgres
from tests.streams.outage import away
from tests.world import NOON, World

AT_MOST = 40
TOKEN, SECRET = "a-token-that-is-long-enough", "whsec_" + "c2VjcmV0" * 4
Callback = Callable[[TestClient, str], httpx2.Response]


@pytest.fixture
def few(tmp_path: Path) -> Iterator[World]:
    """A platform on which a minute allows few requests."""
    world = World(tmp_path, requests_a_minute=AT_MOST)
    yield world
    world.close()


def at(platform: Platform, address: str = "203.0.113.7") -> TestClient:
    """Somebody at that address."""
    return TestClient(application(platform), client=(address, 50_000), follow_redirects=False)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[World]:
    """The same, with a gateway that calls back in both ways."""
    told = {"kind": "http_sms", "url": "http://127.0.0.1:9/send", "sender": "1414"}
    sms = ProviderSettings.model_validate(told | {"gateway_token": TOKEN, "receipts_secret": SECRET})
    world = World(tmp_path, requests_a_minute=AT_MOST, providers={"sms": sms})
    yield world
    world.close()


def by_token(client: TestClient, token: str) -> httpx2.Response:
    """A receipt as Kannel reports it."""
    return client.get("/gateways/sms/receipts", params={"token": token, "reference": "r", "status": "1"})


def by_signature(client: TestClient, secret: str) -> httpx2.Response:
    """A receipt as Standard Webhooks sign it."""
    text, at = '{"reference": "r", "status": "delivered"}', NOON
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, text),
    }
    return client.post("/receipts/sms", content=text, headers=signed)


def bearer(key: object) -> dict[str, str]:
    """A header with that key."""
    return {"authorization": f"Bearer hby_{key}"}


def refused(answers: list[httpx2.Response]) -> int:
    """How many of them were too much."""
    return sum(each.status_code == 429 for each in answers)


@pytest.mark.parametrize("way", ["/check?code=AAAAA-AAAAA", "/sign-in/token"])
def test_a_made_up_key_buys_no_guesses(platform: Platform, way: str) -> None:
    """Sixty guesses, each with another header, are thirty too many."""
    client, method = at(platform), "GET" if "?" in way else "POST"
    answers = [client.request(method, way, headers=bearer(each)) for each in range(2 * GUESSES)]
    assert refused(answers) == GUESSES


def test_guesses_count_over_all_processes(server: URL, tmp_path: Path) -> None:
    """Who guesses at two processes of one database in turn has no more guesses than at one."""
    with postgres.fresh(server) as url:
        world = World(tmp_path, url=url.render_as_string(hide_password=False))
        clients = [at(world.platform), at(world.platform)]
        answers = [clients[number % 2].get("/check?code=AAAAA-AAAAA") for number in range(GUESSES + 5)]
        assert refused(answers) == 5
        others = [at(world.platform, "203.0.113.8"), at(world.platform, "203.0.113.9")]
        with away(world.platform.database):
            assert [each.get("/check?code=AAAAA-AAAAA").status_code for each in others] == [503, 503]
        world.close()


def test_requests_count_over_all_processes(few: World) -> None:
    """Two processes let a caller do what a minute allows, and not twice that; at most one lot more."""
    first, second = at(few.platform), at(few.platform)
    codes = [each.get("/v1").status_code for _ in range(AT_MOST) for each in (first, second)]
    let_in = len(codes) - codes.count(429)
    assert AT_MOST - 1 <= let_in <= AT_MOST + AT_MOST // LOTS
    assert at(few.platform, "203.0.113.8").get("/v1").headers["RateLimit"].startswith(f'"default";r={AT_MOST - 1}')


def test_a_key_of_ones_own_buys_no_guesses_either(platform: Platform) -> None:
    """Guesses are counted where they come from, also of who has a key."""
    client = at(platform)
    keys = [{"authorization": f"Bearer {key_of(platform, each, Scope.EVENTS)}"} for each in ("interior", "health")]
    assert (
        refused([client.get("/check?code=AAAAA-AAAAA", headers=keys[each % 2]) for each in range(2 * GUESSES)])
        == GUESSES
    )


def test_what_is_right_or_no_guess_uses_up_none(platform: Platform) -> None:
    """Behind one address a right token, a page in another language and a refused method leave all guesses."""
    client, token = at(platform), key_of(platform, "interior", roles=[Role.OPERATOR])
    for _ in range(2 * GUESSES):
        signed_in = client.post("/sign-in/token", data={"token": token})
        assert signed_in.status_code == 303
        assert client.get("/check?language=kk").status_code == 200
        assert client.get("/check?code=").status_code == 422
        assert client.post("/check?code=AAAAA-AAAAA").status_code == 405
    assert refused([client.get("/check?code=AAAAA-AAAAA") for _ in range(GUESSES + 5)]) == 5


def test_keys_that_are_nobodys_count_where_they_come_from(few: World) -> None:
    """Whoever makes up a key for each request has one count, and does not use up anybody else's."""
    client = at(few.platform)
    answers = [client.get("/triggers", headers=bearer(each)) for each in range(AT_MOST + 10)]
    assert (refused(answers), answers[0].status_code) == (10, 401)
    key = {"authorization": f"Bearer {key_of(few.platform, 'interior', roles=[Role.OPERATOR])}"}
    assert client.get("/triggers", headers=key).status_code == 200
    assert at(few.platform, "203.0.113.8").get("/triggers").status_code == 401


def test_a_known_key_has_one_count_wherever_it_comes_from(few: World) -> None:
    """Many addresses are not many callers, where they come with one key."""
    key, app = {"authorization": f"Bearer {key_of(few.platform, 'interior')}"}, application(few.platform)
    clients = [TestClient(app, client=(f"203.0.113.{each}", 50_000), headers=key) for each in range(AT_MOST + 10)]
    assert refused([each.get("/openapi.json") for each in clients]) == 10


@pytest.mark.parametrize(
    ("other", "left"),
    [("2001:db8:1:2:ffff::9", AT_MOST - 2), ("2001:db8:1:3::1", AT_MOST - 1), ("::ffff:198.51.100.1", AT_MOST - 1)],
)
def test_an_ipv6_network_is_one_caller(few: World, other: str, left: int) -> None:
    """Addresses of one /64 share a count; those of another, and IPv4 written as IPv6, have their own."""
    app = application(few.platform)
    for address in ("2001:db8:1:2::1", "::ffff:198.51.100.2"):
        TestClient(app, client=(address, 1)).get("/openapi.json")
    answer = TestClient(app, client=(other, 1)).get("/openapi.json")
    assert f"r={left};" in answer.headers["ratelimit"]


def test_only_a_proxy_that_is_named_says_where_somebody_is(few: World) -> None:
    """X-Forwarded-For counts from the addresses of `proxies`, and of it what the proxy itself added, the last."""
    app: Any = ProxyHeadersMiddleware(cast("Any", application(few.platform)), few.platform.settings.proxies)
    named, stranger = (TestClient(app, client=(each, 1)) for each in ("127.0.0.1", "203.0.113.9"))

    def left(client: TestClient, forwarded: str) -> str:
        return client.get("/openapi.json", headers={"x-forwarded-for": forwarded}).headers["ratelimit"].split(";")[1]

    assert [left(named, f"198.51.100.{each}, 192.0.2.1") for each in range(2)] == ["r=39", "r=38"]
    assert [left(stranger, f"198.51.100.{each}") for each in range(2)] == ["r=39", "r=38"]
    assert left(named, "192.0.2.2") == "r=39"


@pytest.mark.parametrize("proxies", ["*", "proxy.local", "10.0.0.0/8, all"])
def test_proxies_are_addresses(proxies: str) -> None:
    """Whoever would be believed everywhere, or by a name, is refused at the start, with the setting's name."""
    with pytest.raises(BadSettings, match=r"proxies: .*"):
        load_settings(proxies=proxies)


def test_a_minute_later_it_goes_on(few: World) -> None:
    """What was too much is allowed again in the next minute."""
    client = at(few.platform)
    assert refused([client.get("/openapi.json") for _ in range(AT_MOST + 1)]) == 1
    few.clock.advance_to(few.clock() + timedelta(minutes=1))
    assert client.get("/openapi.json").status_code == 200


@pytest.mark.parametrize(("call", "known"), [(by_token, TOKEN), (by_signature, SECRET)])
def test_what_a_provider_reports_is_never_too_much(gateway: World, call: Callback, known: str) -> None:
    """A gateway reports as much as it was given to send, and uses up nobody's count at its address."""
    client = at(gateway.platform)
    assert {call(client, known).status_code for _ in range(2 * AT_MOST)} == {200}
    assert f"r={AT_MOST - 1};" in client.get("/openapi.json").headers["ratelimit"]


@pytest.mark.parametrize(("call", "unknown"), [(by_token, TOKEN + "x"), (by_signature, "whsec_" + "b3RoZXI" * 4)])
def test_who_only_looks_like_a_provider_is_counted(gateway: World, call: Callback, unknown: str) -> None:
    """A wrong token or signature counts where it comes from, as any request of strangers."""
    client = at(gateway.platform)
    assert refused([call(client, unknown) for _ in range(AT_MOST + 10)]) == 10
    assert client.get("/openapi.json").status_code == 429
    assert by_token(client, TOKEN).status_code == 200
