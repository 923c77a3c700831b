import re
from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from notifiers.port.interface import GiveUp, Reason
from notifiers.push.messages import collapse_key, fitted, seconds_to_live
from tests.notifiers.browsers import AT, push


def written(body: str) -> bytes:
    """A payload with a title and a link around the text."""
    return msgspec.json.encode({"title": "Жеке куәлік", "body": body, "url": "https://egov.test/renew"})


def test_the_collapse_key_is_stable() -> None:
    """Attempts at one nudge share the key; nudges, devices and people do not; it is what Topic takes."""
    messages = push("a"), push("b", attempt=2), push("a", recipient="other")
    keys = [collapse_key(message.key) for message in messages]
    assert keys[0] == keys[1] != keys[2]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", key) for key in keys)


def test_it_lives_until_it_expires() -> None:
    """Nobody keeps it longer than it is of use, nor than they promise to, and never for less than nothing."""
    assert seconds_to_live(push("a", expires=AT + timedelta(hours=1)), AT) == 3600
    assert seconds_to_live(push("a", expires=AT - timedelta(hours=1)), AT) == 0
    assert (
        seconds_to_live(push("a", expires=AT + timedelta(days=99)), AT)
        == seconds_to_live(push("a"), AT)
        == 28 * 24 * 3600
    )


@given(st.text(max_size=300), st.integers(0, 400))
def test_what_is_too_long_loses_its_end(text: str, room: int) -> None:
    """A text is cut so that all fits and is still JSON with its title and link, or it is given up."""
    content = fitted(written, text, room)
    if isinstance(content, GiveUp):
        assert content == GiveUp(Reason.TOO_LARGE)
        assert len(written("")) > room
        return
    assert len(content) <= room
    body = msgspec.json.decode(content)["body"]
    assert body == text or (body.endswith("…") and text.startswith(body[:-1])) or not body
    assert msgspec.json.decode(content)["url"] == "https://egov.test/renew"
    if len(written(text)) <= room:
        assert body == text


def test_half_a_character_is_no_text() -> None:
    """A text that has no UTF-8 is given up as bad content."""
    assert fitted(written, "\ud83d", 4000) == GiveUp(Reason.BAD_CONTENT)
