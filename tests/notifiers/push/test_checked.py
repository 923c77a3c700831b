"""What a browser gives is checked before it is stored: the host, and keys that are keys."""

import json

import pytest

from notifiers.push.subscription import BadSubscription, Hosts, endpoint_of
from tests.notifiers.browsers import Browser, base64url

HOSTS = Hosts(["push.example.org"])
GOOD = "https://push.example.org/send/1"


def changed(**keys: str) -> str:
    """A subscription with other keys."""
    found = json.loads(Browser().address(GOOD))
    return json.dumps(found | {"keys": found["keys"] | keys})


def test_a_subscription_is_stored_without_what_a_browser_adds() -> None:
    """Only endpoint and keys are kept, and the same subscription is always the same text."""
    browser = Browser()
    kept = HOSTS.checked(browser.address(GOOD))
    assert json.loads(kept).keys() == {"endpoint", "keys"}
    assert HOSTS.checked(kept) == kept
    assert (endpoint_of(kept), endpoint_of("app:1")) == (GOOD, "app:1")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "not a PushSubscription"),
        ("[]", "not a PushSubscription"),
        ("x" * 5000, "not a PushSubscription"),
        (Browser().address("https://evil.example.org/1"), "not listed"),
        (Browser().address("https://push.example.org.evil.example/1"), "not listed"),
        (Browser().address("http://push.example.org/1"), "not listed"),
        (Browser().address("https://push.example.org:8443/1"), "not listed"),
        (Browser().address("https://127.0.0.1:80/1"), "not listed"),
        (Browser().address("ftp://push.example.org/1"), "a key is none"),
        (changed(auth=base64url(b"short")), "a key is none"),
        (changed(p256dh=base64url(bytes(64))), "a key is none"),
        (changed(p256dh=base64url(b"\x04" + bytes(range(64)))), "a key is none"),
        (changed(p256dh="no base64!"), "a key is none"),
    ],
)
def test_what_is_no_subscription_is_refused(address: str, words: str) -> None:
    """The error says what is wrong, and never repeats the address."""
    with pytest.raises(BadSubscription, match=words) as error:
        HOSTS.checked(address)
    assert "evil" not in str(error.value)
