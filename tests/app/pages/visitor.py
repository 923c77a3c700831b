"""A citizen's browser that has signed in already, without a browser and without an issuer."""

import json
from base64 import b64encode

from itsdangerous import TimestampSigner
from starlette.testclient import TestClient

from tests.app.http.wire import client_of, served
from tests.world import World

CSRF = "csrf-of-the-tests"


def visiting(world: World, national_id: str, language: str = "en") -> TestClient:
    """Their browser, with the cookie that signing in would have left."""
    visit = {"citizen": world.name(national_id), "since": int(world.clock().timestamp()), "csrf": CSRF}
    body = b64encode(json.dumps(visit | {"language": language}).encode())
    cookie = TimestampSigner(world.platform.identity.links.secret("visits")).sign(body).decode()
    browser = client_of(served(world.platform), accept="text/html")
    browser.cookies.set("habarshy", cookie)
    return browser


def token_of(world: World, national_id: str) -> str:
    """A token that they made for an assistant."""
    return world.platform.identity.links.person(world.name(national_id), world.clock())


def anybody(world: World, language: str = "en") -> TestClient:
    """The browser of somebody who has not signed in, and reads that language."""
    browser = client_of(served(world.platform), accept="text/html")
    browser.headers["Accept-Language"] = language
    return browser
