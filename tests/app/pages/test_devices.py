"""The page of devices over HTTP: adding, naming, moving and removing them, and the app that can be installed."""

import json
import logging
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from struct import unpack

import pytest
from starlette.testclient import TestClient

from domain.core.events import LifeEvent
from domain.persons.devices import Device
from streams.delivery.inbound.devices import NewDevice
from tests.app.pages.visitor import CSRF, anybody, visiting
from tests.notifiers.browsers import Browser, vapid_file, vapid_key
from tests.world import World, iin, registered

AIGERIM, OMAR = iin(1), iin(2)
PATH = "/my/devices"
STATIC = Path(__file__).parents[3] / "app/pages/static"
ANDROID = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two people, and a provider that reaches browsers by the push service of the tests."""
    browsers = {"kind": "web_push", "key_file": str(vapid_file(tmp_path)), "subject": "mailto:push@gov.test"}
    made = World(tmp_path, providers={"browsers": browsers | {"hosts": ["push.example.org"]}})
    made.take(*registered(AIGERIM), *registered(OMAR))
    yield made
    made.close()


@pytest.fixture
def browser(world: World) -> TestClient:
    """Aigerim's."""
    return visiting(world, AIGERIM)


def subscription(number: int = 1, host: str = "push.example.org") -> str:
    """What a browser gives."""
    return Browser().address(f"https://{host}/send/{number}")


def add(browser: TestClient, given: str = "", **fields: str) -> int:
    """Press the button; the script sends what the browser gave."""
    sent = {"csrf": CSRF, "subscription": given or subscription()} | fields
    return browser.post(PATH, data=sent, headers={"User-Agent": ANDROID}).status_code


def known(world: World, person: str = AIGERIM) -> list[Device]:
    """Their devices."""
    return world.platform.delivery.inbound.devices.of(world.name(person))


def token(world: World, person: str = AIGERIM) -> str:
    """The token that the service worker of their only device keeps."""
    [device] = known(world, person)
    return world.platform.identity.links.device(world.name(person), device.id)


def test_a_browser_is_added_named_and_removed(world: World, browser: TestClient, tmp_path: Path) -> None:
    """It has a name at once, takes another one, says when it was added, and goes; each time the page says so."""
    assert f'data-key="{vapid_key(tmp_path)}"' in browser.get(PATH).text
    assert add(browser) == 303
    page = browser.get(PATH).text
    [device] = known(world)
    assert device.name == "Chrome, Android"
    assert json.loads(device.push).keys() == {"endpoint", "keys"}
    for said in ("This device is added", "Chrome, Android", "Added on 2 June 2025, 12:00"):
        assert said in page
    assert "This device is added" not in browser.get(PATH).text
    browser.post(f"{PATH}/{device.id}/name", data={"csrf": CSRF, "name": "  Kitchen\u202e\x07 tablet \u200b"})
    assert [each.name for each in known(world)] == ["Kitchen tablet"]
    assert "The device has its new name" in browser.get(PATH).text
    browser.post(f"{PATH}/{device.id}/remove", data={"csrf": CSRF})
    assert known(world) == []
    assert "The device is removed" in browser.get(PATH).text


def test_a_device_that_is_gone_gets_no_name(browser: TestClient) -> None:
    """Whoever names a device that another page has removed is told that it is removed."""
    browser.post(f"{PATH}/{'b' * 24}/name", data={"csrf": CSRF, "name": "Kitchen"})
    page = browser.get(PATH).text
    assert "The device is removed" in page
    assert "new name" not in page


def test_a_name_is_somebodys_own_text(world: World, browser: TestClient) -> None:
    """A name of 300 letters gets an error beside it and stays in its field; markup is text, letters go either way."""
    add(browser)
    [device] = known(world)
    address = f"{PATH}/{device.id}/name"
    long = browser.post(address, data={"csrf": CSRF, "name": "қ" * 300})
    assert long.status_code == 422
    assert "The name is too long: write 60 characters or fewer" in long.text
    assert "қ" * 300 in long.text
    assert browser.post(address, data={"csrf": CSRF, "name": "\u202e\x00 "}).status_code == 422
    assert [each.name for each in known(world)] == ["Chrome, Android"]
    browser.post(address, data={"csrf": CSRF, "name": "<b>לוח</b>"})
    assert "<bdi>&lt;b&gt;לוח&lt;/b&gt;</bdi>" in browser.get(PATH).text


@pytest.mark.parametrize(
    "given",
    [subscription(host="evil.example.org"), "{}", "", Browser().address("http://127.0.0.1:1/x"), "x" * 20_000],
)
def test_what_leads_elsewhere_is_refused(
    world: World, browser: TestClient, caplog: pytest.LogCaptureFixture, given: str
) -> None:
    """A subscription to a host that is not listed, or that is none, changes nothing, and stands in no log."""
    caplog.set_level(logging.DEBUG)
    answer = browser.post(PATH, data={"csrf": CSRF, "subscription": given})
    assert answer.status_code == 422
    assert "This browser cannot be notified" in answer.text
    assert known(world) == []
    assert "evil" not in caplog.text


def test_the_eleventh_device_is_refused(world: World, browser: TestClient) -> None:
    """Whoever has ten is told so before and after they press the button, and loses none."""
    for number in range(10):
        add(browser, subscription(number))
    assert "You have 10 devices, the most that there can be" in browser.get(PATH).text
    assert add(browser, subscription(11)) == 422
    assert len(known(world)) == 10


def test_another_site_adds_nothing(world: World, browser: TestClient) -> None:
    """A form that was not made for this visit is refused, and so is one that another site's page sends."""
    assert browser.post(PATH, data={"csrf": "guess", "subscription": subscription()}).status_code == 403
    assert known(world) == []
    add(browser)
    fields, kept = {"subscription": subscription(2)}, {"Device-Token": token(world)}
    for path in ("/devices/renew", "/devices/known"):
        for header in ({"Origin": "https://evil.example.org"}, {"Sec-Fetch-Site": "cross-site"}):
            assert anybody(world).post(path, data=fields, headers=header | kept).status_code == 403
    assert json.loads(known(world)[0].push)["endpoint"].endswith("/1")


def test_a_shared_tablet_moves_with_whoever_signs_in(world: World, browser: TestClient) -> None:
    """Who adds a browser that notified somebody else takes it over: nothing of the other is shown there any more."""
    add(browser)
    assert add(visiting(world, OMAR), subscription(2), before=token(world)) == 303
    assert known(world) == []
    assert [each.name for each in known(world, OMAR)] == ["Chrome, Android"]


def test_the_same_browser_again_keeps_its_name_and_time(world: World, browser: TestClient) -> None:
    """Whoever adds their own browser again has it once, with the name that they gave it and the time of the first."""
    add(browser)
    [device] = known(world)
    browser.post(f"{PATH}/{device.id}/name", data={"csrf": CSRF, "name": "Kitchen"})
    add(browser, subscription(2), before=token(world))
    [again] = known(world)
    assert (again.name, json.loads(again.push)["endpoint"][-1], again.added) == ("Kitchen", "2", device.added)


def test_nobody_changes_the_devices_of_others(world: World, browser: TestClient) -> None:
    """The id of somebody else's device neither names nor removes it; a made-up token lets go of nothing."""
    add(browser)
    [device] = known(world)
    other = visiting(world, OMAR)
    other.post(f"{PATH}/{device.id}/remove", data={"csrf": CSRF})
    other.post(f"{PATH}/{device.id}/name", data={"csrf": CSRF, "name": "Mine"})
    add(other, subscription(2), before="A" * len(token(world)))
    assert known(world) == [device]
    assert device.id not in other.get(PATH).text


def test_a_service_worker_renews_without_a_cookie(world: World, browser: TestClient) -> None:
    """By the token of its device it stores the new address; without one, or once it was removed, it does not."""
    add(browser)
    worker, kept = anybody(world), token(world)

    def renew(token: str, number: int, host: str = "push.example.org") -> int:
        told = {"subscription": subscription(number, host)}
        return worker.post("/devices/renew", data=told, headers={"Device-Token": token}).status_code

    assert renew(kept, 2) == 204
    assert json.loads(known(world)[0].push)["endpoint"].endswith("/2")
    assert worker.post("/devices/known", headers={"Device-Token": kept}).status_code == 204
    for bad in ("x", kept[:-2] + "AA", ""):
        assert renew(bad, 3) == 422
    assert renew(kept, 3, "evil.example.org") == 422
    browser.post(f"{PATH}/{known(world)[0].id}/remove", data={"csrf": CSRF})
    assert renew(kept, 4) == 410
    assert worker.post("/devices/known", headers={"Device-Token": kept}).status_code == 410
    assert known(world) == []


def test_the_page_says_when_push_is_not_wanted(world: World, browser: TestClient) -> None:
    """Whoever turned push messages off is told why a device shows little, and where that is changed."""
    assert "You do not want push messages now" not in browser.get(PATH).text
    world.platform.delivery.inbound.preferences.prefer(world.name(AIGERIM), {"channels": ["sms"]})
    assert "You do not want push messages now" in browser.get(PATH).text


def test_a_site_that_reaches_no_browser_says_so(tmp_path: Path) -> None:
    """Without a provider of the kind web_push there is no button, and nothing can be added."""
    made = World(tmp_path)
    made.take(*registered(AIGERIM))
    browser = visiting(made, AIGERIM)
    page = browser.get(PATH).text
    assert "This site does not notify browsers yet" in page
    assert "Be told at once" not in page
    assert "devices.js" not in page
    assert add(browser) == 422
    assert known(made) == []
    made.close()


def test_nothing_of_a_device_is_written_in_clear(world: World, browser: TestClient) -> None:
    """The log has endpoint and name only sealed under the person's key."""
    add(browser)
    [event] = [
        entry.fact
        for entry in world.entries()
        if isinstance(entry.fact, LifeEvent) and entry.fact.type == "citizen.devices_changed"
    ]
    assert "citizen" in event.fields
    stored = world.file.read_bytes() + (world.file.parent / f"{world.file.name}-wal").read_bytes()
    assert b"push.example.org" not in stored
    assert b"Chrome, Android" not in stored


def test_devices_need_a_visit(world: World) -> None:
    """Who did not sign in is led to where that is done, and back."""
    answer = anybody(world).get(PATH, follow_redirects=False)
    assert answer.headers["location"] == "/sign-in?next=%2Fmy%2Fdevices"


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("kk", "Хабаршы: мемлекеттен хабарламалар"),
        ("ru", "Хабаршы: сообщения от государства"),
        ("en", "Habarshy: messages from the state"),
    ],
)
def test_the_app_has_a_name_in_each_language(world: World, language: str, name: str) -> None:
    """The page names a manifest in its own language; each icon is there in the size that it says."""
    browser = anybody(world, language)
    page = browser.get("/check").text
    found = re.search(r'<link rel="manifest" href="([^"]+)">', page)
    assert found is not None
    answer = browser.get(found[1])
    assert answer.headers["content-type"] == "application/manifest+json"
    assert "set-cookie" not in answer.headers
    manifest = answer.json()
    assert (manifest["name"], manifest["lang"]) == (name, language)
    assert {"id", "start_url", "scope", "display", "short_name", "description"} <= manifest.keys()
    for icon in manifest["icons"]:
        served = browser.get(icon["src"])
        assert served.headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            width, height = unpack(">II", served.content[16:24])
            assert icon["sizes"] == f"{width}x{height}"


def test_the_worker_rules_the_site_and_is_small(world: World) -> None:
    """It is a script at the root with a policy of its own, looked up at each visit; both scripts are under 30 kB."""
    answer = anybody(world).get("/worker.js")
    assert answer.status_code == HTTPStatus.OK
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"
    assert "set-cookie" not in answer.headers
    assert len(answer.content) + (STATIC / "devices.js").stat().st_size < 30_000


def test_what_a_portal_registered_is_listed_too(world: World, browser: TestClient) -> None:
    """A device whose address is no PushSubscription is shown; naming what is not there changes nothing."""
    store = world.platform.delivery.inbound.devices
    store.add(world.name(AIGERIM), NewDevice("a" * 24, "Phone", "app:1"))
    assert "Phone" in browser.get(PATH).text
    assert not store.rename(world.name(AIGERIM), "b" * 24, "Nobody's")
