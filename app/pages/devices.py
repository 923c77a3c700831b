"""Devices: the browsers in which a citizen wants to be notified, each with a name, and a way to remove it.

The service worker of a device (worker.js) tells its new address by a token, for it may have no cookie.
Sources: Push API and Notifications API (W3C, WHATWG), RFC 8030, RFC 8292.
"""

import secrets
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from fastapi import Depends, Request
from fastapi.responses import Response
from msgspec import Struct

from app.compose import Platform
from app.http import routes
from app.http.problems import Problem
from app.identity.links import DEVICE_BYTES, BadLink
from app.pages import visits
from app.pages.citizen_pages import CitizenPages
from app.pages.layout import Frame, Pages
from app.pages.visits import Form, OpenForm
from app.settings import Settings
from domain.persons.devices import MOST, Device
from notifiers.push.subscription import BadSubscription, Hosts, endpoint_of
from notifiers.push.vapid import public_key
from notifiers.push.web_push_options import WebPushOptions
from streams.delivery.inbound.devices import NewDevice, TooManyDevices

LONGEST_NAME: Final = 60
DONE: Final = "device-done"
HEADER: Final = "Device-Token"
"""The header in which our service worker sends the token of its device."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""The categories of characters that nobody sees, or that turn the direction of the text around them."""
_BROWSERS = {
    "Edg": "Edge",
    "YaBrowser": "Yandex Browser",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "Mac",
    "Linux": "Linux",
}


class PushService(Struct, frozen=True):
    """The provider to which browsers subscribe: its public key (VAPID), and the hosts that an endpoint may have."""

    key: str
    hosts: Hosts


def push_service_of(settings: Settings) -> PushService | None:
    """Return the first provider that reaches browsers; None where none is configured."""
    for each in settings.providers.values():
        options = each.own()
        if isinstance(options, WebPushOptions):
            return PushService(public_key(options.key()), Hosts(options.hosts))
    return None


class Devices(CitizenPages):
    """The page of a citizen's devices, and the call by which a device renews its address."""

    def __init__(self, platform: Platform, pages: Pages) -> None:
        super().__init__(platform, pages)
        self._links, self._store = platform.identity.links, platform.delivery.inbound.devices
        self._service = push_service_of(platform.settings)

    def endpoints(self) -> Iterator[routes.Parts]:
        """Yield them; the body of a renewal is read only of a device that we know."""
        yield from super().endpoints()
        yield "/devices/renew", self.renew, {"methods": ["POST"], "dependencies": [Depends(self._device_of_token)]}

    @routes.get("/my/devices")
    def show(self, request: Request) -> Response:
        """Show the devices."""
        name, frame = self._visitor(request)
        return self._show(frame, name, done=visits.told_once(request, DONE) or "")

    @routes.post("/my/devices")
    def add(self, request: Request, fields: Form) -> Response:
        """Register this browser for the visitor. It no longer notifies a person who used it before."""
        name, frame = self._visitor(request, fields)
        say = frame.speech.say
        if self._service is None or not self._store.is_known:
            return self._show(frame, name, {"this-device": say("This site does not notify browsers yet")})
        try:
            push = self._service.hosts.checked(visits.field_of(fields, "subscription"))
            replaced = self._release(visits.field_of(fields, "before"), name)
            called = _guessed_name(request.headers.get("user-agent", "")) or say("Browser")
            self._store.add(name, NewDevice(secrets.token_hex(DEVICE_BYTES), called, push), replaced)
        except BadSubscription:
            text = say("This browser cannot be notified: its push service is not one that this site may use")
            return self._show(frame, name, {"this-device": text})
        except TooManyDevices:
            return self._show(frame, name, {"this-device": _full(frame)})
        return self._done(request, "added")

    @routes.post("/my/devices/{device}/name")
    def rename(self, request: Request, device: str, fields: Form) -> Response:
        """Give a device another name."""
        name, frame = self._visitor(request, fields)
        called = plain_name(visits.field_of(fields, "name"))
        if 0 < len(called) <= LONGEST_NAME:
            is_there = self._store.rename(name, device, called)
            return self._done(request, "renamed" if is_there else "removed")
        if called:
            text = frame.speech.say("The name is too long: write {most} characters or fewer")
            text = text.format(most=LONGEST_NAME)
        else:
            text = frame.speech.say("Write a name by which you know the device")
        return self._show(frame, name, {f"name-{device}": text}, called)

    @routes.post("/my/devices/{device}/remove")
    def remove(self, request: Request, device: str, fields: Form) -> Response:
        """Remove a device: nothing is sent to it any more."""
        name, _ = self._visitor(request, fields)
        self._store.remove(name, device)
        return self._done(request, "removed")

    def renew(self, request: Request, fields: OpenForm) -> Response:
        """Store the new address of the device that the token is of. The device may have no cookie."""
        person, device = self._device_of_token(request)
        if self._service is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no provider reaches browsers")
        try:
            push = self._service.hosts.checked(visits.field_of(fields, "subscription"))
        except BadSubscription as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), kind="bad-subscription") from None
        if not self._store.renew(person, device, push):
            raise _removed()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @routes.post("/devices/known")
    def known(self, request: Request) -> Response:
        """Tell a device whether it may still show what has waited for it at its push service."""
        person, device = self._device_of_token(request)
        if all(each.id != device for each in self._store.of(person)):
            raise _removed()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def _device_of_token(self, request: Request) -> tuple[str, str]:
        """Return the person and the device of the token that our service worker sends, in a header."""
        if not visits.is_from_here(request, self._platform.settings.base_url):
            raise Problem(HTTPStatus.FORBIDDEN, "another site asks for this; only our own service worker may")
        try:
            return self._links.read_device(request.headers.get(HEADER, ""))
        except BadLink:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the token is none of ours", kind="bad-token") from None

    def _release(self, token: str, name: str) -> str:
        """Return the device that this browser was for the same citizen; remove the one it was for another."""
        try:
            person, device = self._links.read_device(token)
        except BadLink:
            return ""
        if person == name:
            return device
        self._store.remove(person, device)
        return ""

    def _done(self, request: Request, what: str) -> Response:
        visits.tell_once(request, DONE, what)
        return self._pages.go("/my/devices")

    def _show(
        self, frame: Frame, name: str, errors: Mapping[str, str] | None = None, written: str = "", done: str = ""
    ) -> Response:
        known = self._store.of(name)
        wanted = self._platform.delivery.inbound.preferences.person(name).get("channels")
        offered = self._service is not None and self._store.is_known
        return self._pages.respond(
            "devices.html",
            frame,
            devices=[self._row(each, name, frame) for each in known],
            key=self._service.key if offered and self._service else "",
            full=_full(frame) if len(known) >= MOST else "",
            unwanted=wanted is not None and "push" not in wanted,
            errors=dict(errors or {}),
            written=written,
            done=done,
        )

    def _row(self, device: Device, person: str, frame: Frame) -> dict[str, Any]:
        return {
            "id": device.id,
            "name": device.name,
            "added": frame.speech.moment(device.added),
            "mark": endpoint_hash(device.push),
            "token": self._links.device(person, device.id),
        }


def _removed() -> Problem:
    return Problem(HTTPStatus.GONE, "the device was removed; add it again on the page of devices")


def endpoint_hash(push: str) -> str:
    """Return a hash of an endpoint, by which the script of the page finds the row of its own browser."""
    return urlsafe_b64encode(sha256(endpoint_of(push).encode()).digest()).rstrip(b"=").decode()


def plain_name(text: str) -> str:
    """Return a name without what nobody sees, and without what turns the direction of the page around it."""
    seen = "".join(" " if each.isspace() else each for each in text)
    return " ".join("".join(each for each in seen if unicodedata.category(each) not in _HIDDEN).split())


def _guessed_name(user_agent: str) -> str:
    """Return browser and system in the words of their makers, as far as a browser tells them."""
    names = (
        next((name for mark, name in table.items() if mark in user_agent), "") for table in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(filter(None, names))


def _full(frame: Frame) -> str:
    text = frame.speech.say("You have {count} devices, the most that there can be. Remove one to add this one.")
    return text.format(count=MOST)
