"""The contract of everything that wraps the keys of persons. A KMS of one's own is added to WRAPPERS."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.identity.key_file import KeptKeys, load_keyring, new_keyring
from streams.log.master_key import KEY_BYTES, OlderKeyFile, Wrapper, WrongKeyFile

KEY = bytes(range(KEY_BYTES))
WRAPPERS: dict[str, Callable[[Path], Wrapper]] = {
    "in memory": lambda _: new_keyring(),
    "a key file": lambda folder: KeptKeys(load_keyring(folder / "key", create=True), folder / "key"),
}


@pytest.fixture(params=list(WRAPPERS.values()), ids=list(WRAPPERS))
def wrapper(request: pytest.FixtureRequest, tmp_path: Path) -> Wrapper:
    """One of them."""
    made: Wrapper = request.param(tmp_path)
    return made


def test_what_was_wrapped_is_unwrapped(wrapper: Wrapper) -> None:
    """A key comes back whole, by the version that was the current one, and is not in what is kept of it."""
    wrapped = wrapper.wrap(KEY, b"about")

    assert wrapped.version == wrapper.current
    assert wrapper.unwrap(*wrapped, b"about") == KEY
    assert KEY not in wrapped.key


def test_one_key_is_never_wrapped_alike(wrapper: Wrapper) -> None:
    """Whoever sees two wrapped keys does not learn whether they are the same."""
    assert wrapper.wrap(KEY, b"about").key != wrapper.wrap(KEY, b"about").key


@pytest.mark.parametrize("about", [b"", b"other", b"about "])
def test_a_key_opens_only_for_what_it_is_about(wrapper: Wrapper, about: bytes) -> None:
    """A wrapped key that was moved to another person is refused."""
    with pytest.raises(WrongKeyFile):
        wrapper.unwrap(*wrapper.wrap(KEY, b"about"), about)


def test_what_is_damaged_is_refused(wrapper: Wrapper) -> None:
    """A flipped or a lost byte, or nothing at all, is refused by the same word; a later version by another."""
    now, wrapped = wrapper.wrap(KEY, b"about")
    flipped = [wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :] for at in range(len(wrapped))]

    for damaged in (*flipped, wrapped[:-1], b""):
        with pytest.raises(WrongKeyFile):
            wrapper.unwrap(now, damaged, b"about")
    with pytest.raises(OlderKeyFile):
        wrapper.unwrap(now + 1, wrapped, b"about")
