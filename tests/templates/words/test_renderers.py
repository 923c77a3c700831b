"""The words of published versions are compiled when they are read, and not before."""

from datetime import UTC, datetime

import pytest

from templates.words.compiled_texts import BadWords
from templates.words.renderers import Renderers, Source
from templates.words.rendering import context

NOON = datetime(2025, 6, 2, 7, tzinfo=UTC)
GOOD = Source("fine", {"en": {"sms": "Pay {{ event.number }}"}}, {})
BAD = Source("bad", {"en": {"sms": "{{ event.number"}}, {})


def test_only_words_that_are_read_are_compiled() -> None:
    """Words that nobody reads cost nothing, so even broken ones stand in nobody's way until they are asked for."""
    renderers = Renderers({"good": GOOD, "bad": BAD}, "en")
    values = context({"event.number": "7"}, {}, {}, NOON)
    assert renderers["good"].render("kk", "first", values).sms == "Pay 7"
    assert (list(renderers), len(renderers)) == (["good", "bad"], 2)
    with pytest.raises(BadWords):
        renderers["bad"]


def test_words_are_compiled_once() -> None:
    """Whoever asks again gets the same."""
    renderers = Renderers({"good": GOOD}, "en")
    assert renderers["good"] is renderers["good"]
    with pytest.raises(KeyError):
        renderers["absent"]
