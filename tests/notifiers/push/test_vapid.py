from datetime import timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from notifiers.push.sealing import CURVE, octets
from notifiers.push.vapid import Vapid
from tests.notifiers.browsers import AT, Clock, base64url

KEY = ec.generate_private_key(CURVE)
APPLE, MOZILLA = "https://web.push.apple.com", "https://updates.push.services.mozilla.com"


def test_the_header_says_who_sends() -> None:
    """The token names the push service and our contact, ends within a day, and the key beside it verifies it."""
    scheme, token, key = Vapid(KEY, "mailto:push@gov.test", Clock()).header(APPLE).split(" ")
    assert scheme == "vapid"
    assert key == f"k={base64url(octets(KEY.public_key()))}"
    claims = jwt.decode(
        token.removeprefix("t=").removesuffix(","),
        KEY.public_key(),
        algorithms=["ES256"],
        audience=APPLE,
        options={"verify_exp": False},  # by the wall clock
    )
    assert claims["sub"] == "mailto:push@gov.test"
    assert AT < AT.fromtimestamp(claims["exp"], AT.tzinfo) <= AT + timedelta(hours=24)


def test_it_is_signed_once_and_renewed_in_time() -> None:
    """The same header serves until an hour before its end, and then another."""
    clock = Clock()
    vapid = Vapid(KEY, "mailto:push@gov.test", clock)
    first = vapid.header(APPLE)
    clock.now += timedelta(hours=10, minutes=59)
    assert vapid.header(APPLE) == first
    clock.now += timedelta(minutes=1)
    assert vapid.header(APPLE) != first


def test_every_service_gets_its_own() -> None:
    """The token of one push service is never shown to another, in whatever order they are called."""
    vapid = Vapid(KEY, "mailto:push@gov.test", Clock())
    headers = [vapid.header(origin) for origin in (APPLE, MOZILLA, APPLE)]
    assert headers[0] == headers[2] != headers[1]
    for origin, header in zip((APPLE, MOZILLA), headers, strict=False):
        token = header.split(" ")[1].removeprefix("t=").removesuffix(",")
        assert jwt.decode(token, options={"verify_signature": False})["aud"] == origin


def test_a_clock_that_goes_back_is_no_trouble() -> None:
    """After the clock was set back no token reaches further than a day."""
    clock = Clock()
    vapid = Vapid(KEY, "mailto:push@gov.test", clock)
    vapid.header(APPLE)
    clock.now -= timedelta(days=3)
    token = vapid.header(APPLE).split(" ")[1].removeprefix("t=").removesuffix(",")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] == (clock.now + timedelta(hours=12)).timestamp()


def test_invented_hosts_fill_no_memory() -> None:
    """However many origins are named, only so many headers are kept."""
    vapid = Vapid(KEY, "mailto:push@gov.test", Clock())
    for number in range(1100):
        vapid.header(f"https://a{number}.notify.windows.com")
    assert len(vapid._kept) <= 1000
