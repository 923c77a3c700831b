import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyreqwest.http import Url

from notifiers.push.subscription import KNOWN_HOSTS, Hosts, is_subscription
from tests.notifiers.browsers import Browser, base64url

BROWSER = Browser()
LOCAL = "http://127.0.0.1:8090"
HOSTS = Hosts((*KNOWN_HOSTS, LOCAL, "https://push.gov.test:8443"))
KEYS = json.loads(BROWSER.address("x"))["keys"]

SCHEMES = ["https://", "http://", "HTTPS://", "https:", "https:\\\\", "//", "ws://", "file:///", " https://"]
USERS = ["", "", "", "@", "user:pw@", "fcm.googleapis.com@", "\\", "evil.test/", "evil.test#", "evil.test?"]
NAMES = [
    *("fcm.googleapis.com", "web.push.apple.com", "notify.windows.com", "a.notify.windows.com", "push.gov.test"),
    *(
        "xn--a.notify.windows.com",
        "ｆcm.googleapis.com",
        "fcm。googleapis.com",
        "fcm.googleapis.com.",
        "FCM.googleapis.com",
    ),
    *(
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "127.1",
        "169.254.169.254",
        "evil.test",
        "",
    ),
]
TAILS = [
    "",
    "/",
    "/x",
    ":8090/x",
    ":8443/x",
    ":443/x",
    ":80/x",
    ":0/x",
    ":99999/x",
    ":/x",
    "/../x",
    "?x",
    "#x",
    "\\x",
    "%2f",
]


def subscription(endpoint: str, **keys: str) -> str:
    """An address with this endpoint, whose keys are good unless they are given."""
    return json.dumps({"endpoint": endpoint, "keys": {**KEYS, **keys}})


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("https://fcm.googleapis.com/fcm/send/cMw:APA91b_x-Y", "https://fcm.googleapis.com"),
        ("https://updates.push.services.mozilla.com/wpush/v2/gAAA==", "https://updates.push.services.mozilla.com"),
        ("https://eu.push.services.mozilla.com/wpush/v1/x", "https://eu.push.services.mozilla.com"),
        ("https://web.push.apple.com/QGuQyavXutnMH", "https://web.push.apple.com"),
        ("https://wns2-par02p.notify.windows.com/w/?token=BQ%3d%3d", "https://wns2-par02p.notify.windows.com"),
        ("https://push.gov.test:8443/p", "https://push.gov.test:8443"),
        ("http://127.0.0.1:8090/notify/1", LOCAL),
    ],
)
def test_the_known_services_are_reached(endpoint: str, origin: str) -> None:
    """An endpoint of a listed push service is taken as it is."""
    found = HOSTS.subscription(subscription(endpoint))
    assert found is not None
    assert (found.endpoint, found.origin, found.auth) == (endpoint, origin, BROWSER.auth)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.test/fcm.googleapis.com",
        "https://fcm.googleapis.com.evil.test/x",
        "https://notify.windows.com/x",
        "https://xnotify.windows.com/x",
        "https://.notify.windows.com/x",
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:443/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com@evil.test/x",
        "https://user:pw@fcm.googleapis.com/x",
        "https://fcm.googleapis.com\\@evil.test/x",
        "https://evil.test#.notify.windows.com/x",
        "https://evil.test?.notify.windows.com/x",
        "https://fcm.googleapis.com./x",
        "https://FCM.googleapis.com/x",
        "https://ｆcm.googleapis.com/x",
        "https://127.0.0.1:8090/x",
        "http://127.0.0.1:8091/x",
        "http://127.0.0.1/x",
        "http://[::1]:8090/x",
        "http://2130706433:8090/x",
        "https://push.gov.test/x",
        "https://a.push.gov.test:8443/x",
        "https://fcm.googleapis.com/x\r\nhost: evil.test",
        "https://fcm.googleapis.com",
        "javascript:alert(1)",
        "",
    ],
)
def test_nobody_else_is_called(endpoint: str) -> None:
    """An endpoint elsewhere, or written so that parsers could differ, is no address."""
    assert HOSTS.subscription(subscription(endpoint)) is None


@pytest.mark.parametrize(
    "keys",
    [
        {"p256dh": ""},
        {"p256dh": "no base64!"},
        {"p256dh": KEYS["p256dh"][:-4]},
        {"p256dh": base64url(b"\x02" + b"\x01" * 32)},
        {"p256dh": "ключ"},
        {"auth": ""},
        {"auth": base64url(b"x" * 15)},
        {"auth": base64url(b"x" * 17)},
        {"auth": "\ud800"},
    ],
)
def test_keys_that_are_none(keys: dict[str, str]) -> None:
    """Keys of another length or in no base64url make no address."""
    assert HOSTS.subscription(subscription("https://web.push.apple.com/x", **keys)) is None


@pytest.mark.parametrize("point", [b"\x04" + b"\x01" * 64, b"\x04" + b"\x00" * 64])
def test_a_point_off_the_curve_is_no_key(point: bytes) -> None:
    """What could not be agreed on with anybody is refused when it is read."""
    found = HOSTS.subscription(subscription("https://web.push.apple.com/x", p256dh=base64url(point)))
    assert found is not None
    with pytest.raises(ValueError, match="Invalid EC key"):
        found.key()


@pytest.mark.parametrize(
    "padded", [KEYS["p256dh"] + "=", KEYS["p256dh"].replace("-", "+").replace("_", "/")], ids=["padded", "plain"]
)
def test_other_spellings_of_base64_are_read(padded: str) -> None:
    """Keys with padding or in the standard alphabet, as some libraries write them, are the same keys."""
    assert HOSTS.subscription(subscription("https://web.push.apple.com/x", p256dh=padded)) is not None


@pytest.mark.parametrize(
    "address", ["", "{}", "[]", "null", "a@mail.test", "+77010000000", "dQw4w9:APA91b", "[" * 4000]
)
def test_other_addresses_are_told_apart(address: str) -> None:
    """What is no PushSubscription is another kind of address."""
    assert not is_subscription(address)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "*.com",
        "com",
        "https://a.test",
        "http://a.test:80",
        "10.0.0.1",
        "a b",
        "FCM.googleapis.com",
        "*.*.com",
    ],
)
def test_a_host_that_is_none_is_refused(entry: str) -> None:
    """A list that names no host, or half the Internet, is refused."""
    with pytest.raises(ValueError, match="not a host such as"):
        Hosts([entry])


@given(
    st.tuples(
        st.sampled_from(SCHEMES),
        st.sampled_from(USERS),
        st.sampled_from(NAMES),
        st.sampled_from(TAILS),
        st.text(max_size=3),
    ).map("".join)
)
def test_whatever_the_endpoint_no_other_host_is_meant(endpoint: str) -> None:
    """Any endpoint that is taken leads, as the HTTP client reads it, to a listed origin, without a user."""
    found = HOSTS.subscription(json.dumps({"endpoint": endpoint, "keys": KEYS}))
    if found is None or not Url.is_valid(endpoint):
        return
    url = Url.parse(endpoint)
    assert not url.username
    assert url.password is None
    assert url.origin_ascii == found.origin
    host = url.host_str or ""
    listed = {"fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com"}
    named = host in listed or host.endswith((".push.services.mozilla.com", ".notify.windows.com"))
    assert named or found.origin in {LOCAL, "https://push.gov.test:8443"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["endpoint", "keys", "auth", "p256dh"]), inner),
    max_leaves=6,
)


@given(JSON.map(json.dumps) | st.text(alphabet=st.characters(), max_size=50))
def test_whatever_the_address_nothing_is_raised(address: str) -> None:
    """Any JSON and any text is a subscription or none, and never an exception."""
    found: Any = HOSTS.subscription(address)
    assert found is None or is_subscription(address)
