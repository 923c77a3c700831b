import pprint

import pytest
from rich.pretty import pretty_repr

from notifiers.port.interface import Action, Message
from tests.notifiers.letters import NUDGE, letter


@pytest.mark.parametrize(
    "change",
    [{"nudge": NUDGE.__class__(int=7)}, {"recipient": "the other guardian"}, {"channel": "sms"}],
)
def test_the_key_tells_recipients_apart(change: dict[str, object]) -> None:
    """Another nudge, recipient or channel has another key, so that no provider takes them for doubles."""
    assert letter(**change).key != letter().key


@pytest.mark.parametrize(
    "change",
    [{"attempt": 2}, {"text": "other"}, {"title": "other"}, {"language": "kk"}, {"html": "<p>other</p>"}],
)
def test_the_key_outlives_attempts(change: dict[str, object]) -> None:
    """Neither another attempt nor another rendering changes the key."""
    assert letter(**change).key == letter().key


def test_the_key_does_not_know_the_address() -> None:
    """The key is made without the address, which therefore cannot be found from it by trying."""
    first, second = letter("a@mail.test", recipient="p"), letter("b@mail.test", recipient="p")
    assert first.key == second.key


def test_the_key_stays_as_it_was() -> None:
    """A new release gives old nudges their old keys, else their retries would be doubles."""
    assert letter(recipient="p").key == "6f9619ff-8b86-4d01-b42d-00cf4fc964ff:71e6d54bcc9ce7d2d5faf4da"


def secret_message() -> Message:
    """A message that has something to hide everywhere."""
    return letter(
        "secret@mail.test",
        recipient="secret",
        title="secret",
        text="secret",
        html="<p>secret</p>",
        unsubscribe_url="https://gov.test/secret",
        actions=(Action("open", "secret", "https://gov.test/secret"),),
    )


@pytest.mark.parametrize("show", [repr, str, format, pprint.pformat, pretty_repr])
def test_a_message_shows_neither_whom_nor_what(show: object) -> None:
    """However a message is printed, it hides its address and its words, and still says which nudge it is."""
    shown = show(secret_message())  # type: ignore[operator]  # any of the printers
    assert "secret" not in shown
    assert str(NUDGE) in shown
