"""From the button to the notification, in Chromium.

What is real: the page, its script, the service worker, our server, the encrypted request to a push service, and the
notification that Chromium keeps. What stands in: Chromium's own connection to a push service. `PushManager.subscribe`
gives a subscription whose keys the test has, and DevTools hands the decrypted message to the worker
(`ServiceWorker.deliverPushMessage`), as the browser does once it decrypted it.
"""

import json
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvloop
from fastapi import FastAPI, Request, Response
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, CDPSession, Page, Worker, expect

from app.server import application
from domain.nudges.delivery import State
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message, Outcome
from notifiers.push.web_push import WebPushNotifier
from streams.delivery.inbound.devices import NewDevice
from tests.app.pages.fingers import PHONE, Keyboard
from tests.app.pages.site import (
    CITIZEN,
    LOOKS,
    OTHER,
    Inspector,
    Site,
    launched_beside,
    ready,
    shot,
)
from tests.notifiers.browsers import Browser, vapid_file, vapid_key, web_push_options
from tests.services.issuer import CLIENT, SECRET, issuing, serving
from tests.world import World, fine

STAND_IN = """
const kept = () => JSON.parse(localStorage.getItem("subscription"));
const made = found => found && {
  endpoint: found.endpoint,
  toJSON: () => found,
  unsubscribe: async () => { localStorage.removeItem("subscription"); return true; },
};
if (globalThis.PushManager) {
  PushManager.prototype.getSubscription = async () => made(kept());
  PushManager.prototype.subscribe = async options => {
    localStorage.setItem("subscription", await subscribed(JSON.stringify(options)));
    return made(kept());
  };
}
"""
ALLOWED = """
Object.defineProperty(Notification, "permission", {get: () => "granted", configurable: true});
Notification.requestPermission = async () => "granted";
"""
"""The citizen's leave in the engine alone, which shows no notifications and lets nobody give it."""
COUNT_SHOWN = """() => {
  globalThis.countOfShown = 0;
  registration.showNotification = async (...given) => {
    await ServiceWorkerRegistration.prototype.showNotification.apply(registration, given);
    countOfShown += 1;
  };
}"""


class PushService:
    """A push service: keeps what it is sent for each browser, and says 410 of one that is gone."""

    def __init__(self) -> None:
        self.browser = Browser()
        self.asked: list[dict[str, Any]] = []
        self.bodies: list[tuple[str, bytes]] = []
        self.url = ""

    def application(self) -> FastAPI:
        """Its route (RFC 8030, section 5)."""
        app = FastAPI()

        async def take(request: Request, number: str) -> Response:
            self.bodies.append((number, await request.body()))
            return Response(status_code=201)

        app.add_api_route("/send/{number}", take, methods=["POST"])
        return app

    def subscribe(self, options: str) -> str:
        """A new subscription, as the browser asks for it."""
        self.asked.append(json.loads(options))
        return self.browser.address(f"{self.url}/send/{len(self.asked)}")

    def read(self) -> list[tuple[str, dict[str, Any]]]:
        """What came since, decrypted, with the number of the subscription."""
        found = [(number, self.browser.read(body)) for number, body in self.bodies]
        self.bodies.clear()
        return found


class Pushing(FakeNotifier):
    """The real notifier, made anew for each batch: each runs on an event loop of its own here."""

    world: World

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__("push", [], reports=True)
        self._options = web_push_options(folder, hosts=(url,), reports_display=True)

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send it to the push service."""
        notifier = WebPushNotifier(self._options, self.world.clock)
        try:
            return await notifier.send(messages)
        finally:
            await notifier.aclose()


class Told(NamedTuple):
    """A site whose messages go to the push service."""

    site: Site
    push: PushService
    folder: Path


@pytest.fixture(scope="module")
def whole_chromium(chromium: Chromium) -> Iterator[Chromium]:
    """The whole browser, for the engine alone shows no notifications."""
    with launched_beside(chromium.browser_type, "chromium") as browser:
        yield browser


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """A platform that reaches browsers, an issuer, and a push service."""
    folder, push = tmp_path_factory.mktemp("devices"), PushService()
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    people: dict[str, dict[str, Any]] = {"aigerim": {"national_id": CITIZEN}, "timur": {"national_id": OTHER}}
    with issuing(people) as issuer, serving(push.application()) as push.url:
        egov = {"who": "citizens", "title": "eGov", "issuer": issuer.url, "client_id": CLIENT}
        provider = {
            "kind": "web_push",
            "key_file": str(vapid_file(folder)),
            "subject": "mailto:push@gov.test",
            "hosts": [push.url],
            "reports_display": True,
        }
        pushing = Pushing(folder, push.url)
        world = pushing.world = World(
            folder,
            notifiers={"push": pushing},
            base_url=base,
            sign_in={"egov": egov | {"client_secret": SECRET}},
            providers={"browsers": provider},
        )
        run(ready(world))
        with serving(application(world.platform), listener):
            yield Told(Site(world, base), push, folder)
        world.close()


def run(work: Any) -> Any:
    """Run it beside Playwright, which has a loop of its own in this thread."""
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(uvloop.run, work).result()


def send(told: Told, number: str) -> dict[str, Any]:
    """Aigerim gets a fine and is told of it by push; gives the decrypted message."""
    world = told.site.world
    world.take(fine(CITIZEN, number, world.clock().isoformat()))
    run(world.settle(world.clock() + timedelta(minutes=70)))
    world.platform.replay.follower.drain()
    [(_, message)] = told.push.read()
    return message


def state_becomes(told: Told, message: dict[str, Any], state: str, page: Page) -> None:
    """The delivery has that state as soon as the worker's report is in."""
    nudges, delivery = told.site.world.nudges, None
    for _ in range(600):
        [delivery] = next(each for each in nudges() if str(each.intent.id) == message["nudge"]).deliveries
        if delivery.state == state:
            return
        page.wait_for_timeout(100)
    raise AssertionError(delivery)


def click(device: "Device", action: str) -> str:
    """Press the notification, or one of its buttons; gives the address that the worker opens.

    Chromium opens a window only after a real press, which no tool can give: so the opening is recorded.
    """
    found: str = device.worker.evaluate(
        """async action => {
          const [notification] = await registration.getNotifications();
          const opened = new Promise(resolve => { clients.openWindow = async address => resolve(address); });
          dispatchEvent(new NotificationEvent("notificationclick", {notification, action}));
          return opened;
        }""",
        action,
    )
    return found


class Device:
    """A browser with the page of devices open."""

    def __init__(self, told: Told, context: BrowserContext) -> None:
        self.told, self.context, self.page = told, context, context.new_page()
        self.page.goto(f"{told.site.base}/my/devices")
        self.tools: CDPSession = context.new_cdp_session(self.page)
        self._ids: list[str] = []
        self.tools.on("ServiceWorker.workerRegistrationUpdated", self._note)
        self.tools.send("ServiceWorker.enable")

    def _note(self, event: dict[str, Any]) -> None:
        self._ids += [each["registrationId"] for each in event["registrations"] if not each["isDeleted"]]

    @property
    def worker(self) -> Worker:
        """The service worker."""
        [found] = self.context.service_workers
        return found

    def deliver(self, message: dict[str, Any]) -> None:
        """Hand a message to the worker as the browser does."""
        self.worker.evaluate(COUNT_SHOWN)
        origin, data = self.told.site.base, json.dumps(message, ensure_ascii=False)
        sent = {"origin": origin, "registrationId": self._ids[-1], "data": data}
        self.tools.send("ServiceWorker.deliverPushMessage", sent)

    def show(self, message: dict[str, Any]) -> dict[str, Any]:
        """Hand a message to the worker; return the only notification of the browser once it is shown.

        The worker says when. Whoever asks the browser in between can lose it: Chromium forgets a notification that is
        stored and not yet on the screen.
        """
        self.deliver(message)
        for _ in range(600):
            if self.worker.evaluate("countOfShown"):
                break
            self.page.wait_for_timeout(100)
        [shown] = self.notifications()
        return shown

    def closed(self) -> None:
        """Wait until the browser has no notification: one closes some time after it is told to."""
        for _ in range(600):
            if not self.notifications():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(self.notifications())

    def notifications(self) -> list[dict[str, Any]]:
        """Return the notifications that the browser has."""
        found: list[dict[str, Any]] = self.page.evaluate(
            "async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(each => ({title: "
            "each.title, body: each.body, lang: each.lang, tag: each.tag, actions: each.actions}))"
        )
        return found


def open_devices(
    told: Told, chromium: Chromium, who: str = "aigerim", language: str = "en", **more: Any
) -> BrowserContext:
    """A browser in which somebody has signed in, and which may show notifications; Aigerim has no other device."""
    leave(told)
    context = told.site.visit(chromium, who, language=language, **more)
    context.grant_permissions(["notifications"], origin=told.site.base)
    context.expose_function("subscribed", told.push.subscribe)
    context.add_init_script(STAND_IN)
    return context


def open_in_engine(told: Told, chromium: Chromium, **more: Any) -> BrowserContext:
    """The same in the engine alone, for what shows no notification."""
    context = open_devices(told, chromium, **more)
    context.add_init_script(ALLOWED)
    return context


def add(device: Device, button: str = "Notify me on this device") -> None:
    """Press the button, by keys."""
    Keyboard(device.page).press(device.page.get_by_role("button", name=button))
    expect(device.page.locator("[data-when=on]")).to_be_visible()


def forgets(device: Device) -> None:
    """The worker has given up what it kept for its device."""
    for _ in range(600):
        if not device.page.evaluate("caches.has('device')"):
            return
        device.page.wait_for_timeout(100)
    raise AssertionError("the worker keeps its token")


def test_from_the_button_to_the_notification(whole_chromium: Chromium, told: Told) -> None:
    """A citizen presses the button; the next message is shown in their language, reported, and opens its page."""
    with open_devices(told, whole_chromium, language="ru", viewport=PHONE) as context:
        device = Device(told, context)
        page = device.page
        expect(page.locator("[data-when=off]")).to_be_visible()
        add(device, "Уведомлять на этом устройстве")
        assert told.push.asked[-1] == {"userVisibleOnly": True, "applicationServerKey": vapid_key(told.folder)}
        expect(page.locator("[data-here]")).to_be_visible()
        message = send(told, "KZ-10")
        shown = device.show(message)
        assert (shown["title"], shown["body"], shown["lang"]) == (message["title"], message["body"], "kk")
        assert shown["tag"] == message["tag"]
        state_becomes(told, message, State.DELIVERED, page)
        opened = click(device, "")
        device.closed()
        assert opened == message["page"]
        state_becomes(told, message, State.OPENED, page)
        anonymous = whole_chromium.new_context()
        there = anonymous.new_page()
        there.goto(opened)
        expect(there.locator(".words")).to_contain_text("43")
        anonymous.close()
        button = {"action": "pay", "title": "Төлеу", "url": f"{told.site.base}/check"}
        again = device.show(message | {"actions": [button]})
        assert [(each["action"], each["title"]) for each in again["actions"]] == [("pay", "Төлеу")]
        assert click(device, "pay") == button["url"]
        device.closed()
        odd = device.show({"odd": 1})
        assert odd["title"] == "Хабаршы", "a push that cannot be read leads to the messages"


def leave(told: Told) -> None:
    """Aigerim removes all her devices elsewhere."""
    devices, person = told.site.world.platform.delivery.inbound.devices, told.site.world.name(CITIZEN)
    for each in devices.of(person):
        devices.remove(person, each.id)


def test_a_device_renews_itself_and_obeys_a_removal(whole_chromium: Chromium, told: Told) -> None:
    """Without a cookie the worker stores a new address; what waited for a removed device is not shown there."""
    world = told.site.world
    with open_devices(told, whole_chromium, viewport=PHONE) as context:
        device = Device(told, context)
        add(device)
        context.clear_cookies()
        renewed = told.push.subscribe("{}")
        ended = device.worker.evaluate(
            """found => new Promise(resolve => {
              const event = new Event("pushsubscriptionchange");
              event.newSubscription = { toJSON: () => JSON.parse(found) };
              event.waitUntil = work => work.then(() => resolve("done"), error => resolve(String(error)));
              dispatchEvent(event);
            })""",
            renewed,
        )
        assert ended == "done"
        message = send(told, "KZ-20")
        [known] = world.platform.delivery.inbound.devices.of(world.name(CITIZEN))
        assert json.loads(known.push)["endpoint"] == json.loads(renewed)["endpoint"]
        device.show(message)
        leave(told)
        device.deliver(message | {"tag": "another"})
        forgets(device)
        assert len(device.notifications()) == 1, "the one that was shown before the removal"


def test_a_shared_tablet_is_told_of_and_taken_over(chromium: Chromium, told: Told) -> None:
    """Another citizen on the same browser is told, and takes it over; a removal there ends the subscription too."""
    world = told.site.world
    with open_in_engine(told, chromium, viewport=PHONE) as context:
        device = Device(told, context)
        add(device)
        context.clear_cookies()
        page = device.page
        page.goto(f"{told.site.base}/sign-in/egov?next=/my/devices")
        page.fill("input[name=who]", "timur")
        page.press("input[name=who]", "Enter")
        page.wait_for_url(f"{told.site.base}/my/devices")
        page.goto(f"{told.site.base}/my/devices?language=en")
        expect(page.locator("[data-when=other]")).to_be_visible()
        add(device)
        devices = world.platform.delivery.inbound.devices
        assert [len(devices.of(world.name(each))) for each in (CITIZEN, OTHER)] == [0, 1]
        Keyboard(page).press(page.get_by_role("button", name="Remove"))
        expect(page.locator(".banner")).to_contain_text("The device is removed")
        expect(page.locator("[data-when=off]")).to_be_visible()
        assert page.evaluate("localStorage.getItem('subscription')") is None
        assert devices.of(world.name(OTHER)) == []


@pytest.mark.parametrize(
    ("state", "script"),
    [
        ("unsupported", "delete Navigator.prototype.serviceWorker"),
        ("home", "delete window.PushManager; navigator.standalone = false"),
        ("denied", "Object.defineProperty(Notification, 'permission', {get: () => 'denied'})"),
        ("failed", "PushManager.prototype.subscribe = async () => { throw new DOMException('no', 'AbortError'); }"),
    ],
)
def test_a_browser_that_cannot_says_why(chromium: Chromium, told: Told, state: str, script: str) -> None:
    """Without service workers, on an iPhone's tab, where it is blocked, or offline: one sentence says what to do."""
    with open_in_engine(told, chromium, viewport=PHONE) as context:
        context.add_init_script(script)
        page = context.new_page()
        page.goto(f"{told.site.base}/my/devices")
        button = page.get_by_role("button", name="Notify me on this device")
        if state == "failed":
            button.click()
        expect(page.locator(f"[data-when={state}]")).to_be_visible()
        assert page.locator("[data-when]:visible").count() == 1
        assert button.is_visible() == (state == "failed")
        seen = Inspector(page, "en", "375")
        seen.look(f"devices-{state}")
        assert seen.wrong == []


def test_the_page_of_devices_is_for_everybody(chromium: Chromium, told: Told) -> None:
    """With and without a device, with an error, without scripts: nothing is wrong on the page."""
    address = f"{told.site.base}/my/devices"
    wrong: list[str] = []
    with open_in_engine(told, chromium) as context:
        device = Device(told, context)
        page = device.page
        for name, (language, viewport) in LOOKS.items():
            page.set_viewport_size(viewport)
            seen = Inspector(page, language, name)
            seen.go(f"{address}?language={language}", "devices-none")
            wrong += seen.wrong
        Keyboard(page).press(page.locator("#notify button"))
        expect(page.locator("[data-when=on]")).to_be_visible()
        told.site.world.platform.delivery.inbound.devices.add(
            told.site.world.name(CITIZEN), NewDevice("e" * 24, "Kitchen tablet", "app:1")
        )
        for name, (language, viewport) in LOOKS.items():
            page.set_viewport_size(viewport)
            page.goto(f"{address}?language={language}")
            assert page.locator("[data-here]:visible").count() == 1, "one row is this device"
            seen = Inspector(page, language, name)
            seen.look("devices-added")
            page.locator("summary").first.click()
            page.locator("input[name=name]").first.fill("ү" * 300)
            page.locator("details button").first.click()
            expect(page.locator(".errors")).to_be_visible()
            seen.look("devices-error")
            wrong += seen.wrong
    with told.site.visit(chromium, java_script_enabled=False) as context:
        page = context.new_page()
        for name, (language, viewport) in LOOKS.items():
            page.set_viewport_size(viewport)
            page.goto(f"{address}?language={language}")
            assert page.locator("noscript p").is_visible()
            shot(page, f"devices-no-script-{name}")
        page.locator(".remove button").first.click()
        expect(page.locator(".devices li")).to_have_count(1)
    assert wrong == []


def test_the_pages_can_be_installed(whole_chromium: Chromium, told: Told) -> None:
    """Chromium finds nothing missing in the manifest, which names what it needs to install the inbox."""
    with told.site.visit(whole_chromium, language="kk") as context:
        page = context.new_page()
        page.goto(f"{told.site.base}/my")
        tools = context.new_cdp_session(page)
        found = tools.send("Page.getAppManifest")
        assert found["errors"] == []
        assert json.loads(found["data"])["name"] == "Хабаршы: мемлекеттен хабарламалар"
        missing = tools.send("Page.getInstallabilityErrors")["installabilityErrors"]
        assert [each["errorId"] for each in missing] == ["in-incognito"], "as every browser of a test is"
