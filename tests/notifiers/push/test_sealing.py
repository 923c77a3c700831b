import json
from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from notifiers.push.sealing import CURVE, LONGEST, OneTimeValues, new_one_time_values, octets, sealed
from tests.notifiers.browsers import Browser

# RFC 8291, appendix A
PLAINTEXT = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A"
    "_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def octets_of(words: str) -> bytes:
    """The octets that the standard writes so."""
    return urlsafe_b64decode(words + "=" * (-len(words) % 4))


def test_the_example_of_the_standard() -> None:
    """The example of RFC 8291, appendix A, comes out octet by octet."""
    point = octets_of(RECEIVER)
    once = OneTimeValues(ec.derive_private_key(int.from_bytes(octets_of(SENDER), "big"), CURVE), octets_of(SALT))
    browser = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    assert sealed(PLAINTEXT, browser, point, octets_of(AUTH), once) == octets_of(BODY)


def test_nothing_is_used_twice() -> None:
    """Every message has a key pair and a salt of its own."""
    first, second = new_one_time_values(), new_one_time_values()
    assert first.salt != second.salt
    assert octets(first.key.public_key()) != octets(second.key.public_key())


@pytest.mark.parametrize("length", [0, 1, LONGEST])
def test_the_longest_fits_what_every_service_takes(length: int) -> None:
    """A plaintext of the greatest length gives a body of 4096 octets (RFC 8030, section 7.2)."""
    browser = Browser()
    key = browser.key.public_key()
    body = sealed(b"x" * length, key, octets(key), browser.auth, new_one_time_values())
    assert len(body) == length + 4096 - LONGEST


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=99)))
def test_only_the_browser_reads_it(content: dict[str, str]) -> None:
    """What is sealed for a browser, that browser opens."""
    browser = Browser()
    key = browser.key.public_key()
    assert (
        browser.read(sealed(json.dumps(content).encode(), key, octets(key), browser.auth, new_one_time_values()))
        == content
    )
