"""The parts of an SMS: what a telephone shows as one message, and the state pays as several."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.core.sms import segments, spelt

KAZAKH = "Ә"
EXTENDED = "€"
EMOJI = "🎓"

ANY_TEXT = st.text(
    alphabet=st.one_of(st.sampled_from("aZ9 @£\nÇ^{}\\[~]|€\f"), st.characters(exclude_categories=["Cs"])),
    max_size=600,
)
GSM_TEXT = st.text(alphabet="aZ9 @£\nÇñ^{}\\[~]|€\f", max_size=600)


@pytest.mark.parametrize(
    ("text", "encoding", "lengths"),
    [
        ("", "gsm7", [0]),
        ("a" * 160, "gsm7", [160]),
        ("a" * 161, "gsm7", [153, 8]),
        ("a" * 306, "gsm7", [153, 153]),
        ("a" * 307, "gsm7", [153, 153, 1]),
        (EXTENDED * 80, "gsm7", [80]),
        (EXTENDED * 80 + "a", "gsm7", [76, 5]),
        (KAZAKH * 70, "ucs2", [70]),
        (KAZAKH * 71, "ucs2", [67, 4]),
        (KAZAKH * 134, "ucs2", [67, 67]),
        (KAZAKH * 135, "ucs2", [67, 67, 1]),
        (EMOJI * 35, "ucs2", [35]),
        (EMOJI * 36, "ucs2", [33, 3]),
    ],
)
def test_the_limits_are_those_of_the_standard(text: str, encoding: str, lengths: list[int]) -> None:
    """160 or 153 septets, 70 or 67 UTF-16 units: at each limit one unit more makes one part more."""
    found = segments(text)
    assert (found.encoding, [len(part) for part in found.parts]) == (encoding, lengths)


@pytest.mark.parametrize(
    ("character", "encoding"),
    [
        ("é", "gsm7"),
        ("Ω", "gsm7"),
        ("Ç", "gsm7"),
        ("\f", "gsm7"),
        ("|", "gsm7"),
        ("\n", "gsm7"),
        ("ç", "ucs2"),
        ("`", "ucs2"),
        ("\t", "ucs2"),
        ("\x1b", "ucs2"),
        ("₸", "ucs2"),
        ("ә", "ucs2"),
        ("’", "ucs2"),
    ],
)
def test_one_character_outside_the_alphabet_makes_the_whole_text_ucs2(character: str, encoding: str) -> None:
    """The alphabet is that of 3GPP TS 23.038, which has a few Greek capitals and no grave accent."""
    assert segments(f"plain {character} words").encoding == encoding


def test_an_escape_stays_with_its_character() -> None:
    """A sign of the extension table that would straddle two parts goes to the second, whole."""
    first, second = segments("a" * 152 + EXTENDED + "b" * 10).parts
    assert (first, second) == ("a" * 152, EXTENDED + "b" * 10)


def test_a_surrogate_pair_stays_together() -> None:
    """A character outside the basic plane that would straddle two parts goes to the second, whole."""
    first, second = segments("б" * 66 + EMOJI + "в" * 10).parts
    assert (first, second) == ("б" * 66, EMOJI + "в" * 10)


@given(ANY_TEXT)
def test_nothing_is_lost_or_added(text: str) -> None:
    """The parts put together are the text, and only an empty text has an empty part."""
    parts = segments(text).parts
    assert "".join(parts) == text
    assert all(parts) or parts == ("",)


@given(ANY_TEXT)
def test_no_part_is_larger_than_a_radio_frame_carries(text: str) -> None:
    """Whoever encodes a part gets at most 140 bytes, the header of a concatenated part included."""
    found = segments(text)
    room = 140 if len(found.parts) == 1 else 134
    assert all(_bytes(part, found.encoding) <= room for part in found.parts)


@given(GSM_TEXT)
def test_a_text_in_the_cheap_alphabet_never_pays_for_the_dear_one(text: str) -> None:
    """What GSM 03.38 can carry is carried by it."""
    assert segments(text).encoding == "gsm7"


@given(ANY_TEXT)
def test_no_part_could_have_taken_more(text: str) -> None:
    """Nobody pays for a part that was not needed: the first character of the next part did not fit."""
    found = segments(text)
    for part, following in zip(found.parts, found.parts[1:], strict=False):
        assert _bytes(part + following[0], found.encoding) > 134


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("Fine No. 2630: 43\u202f250\u00a0₸", "Fine No. 2630: 43 250 KZT"),
        ("It’s “yours” – see №\u00a07…", 'It\'s "yours" - see No. 7...'),
        ("Pay 5 €", "Pay 5 €"),
        ("Штраф 43\u202f250\u00a0₸", "Штраф 43\u202f250\u00a0₸"),
        ("Your garçon’s fee", "Your garçon’s fee"),
    ],
)
def test_typography_alone_does_not_double_the_price(text: str, spelling: str) -> None:
    """What only typography or the tenge sign keeps out of GSM 03.38 is spelt in it; all else goes as written."""
    assert spelt(text) == spelling


@given(st.text(alphabet="aZ9 @€[’“–…№₸\u00a0\u202f\u200bә", max_size=400))
def test_a_spelling_never_costs_more(text: str) -> None:
    """A text spelt otherwise is in the cheap alphabet, and takes no more parts than before."""
    spelling = spelt(text)
    assert spelling == text or segments(spelling).encoding == "gsm7"
    assert len(segments(spelling).parts) <= len(segments(text).parts)


def _bytes(part: str, encoding: str) -> int:
    """What the part takes in the air, counted apart from the code that cuts it."""
    if encoding == "ucs2":
        return len(part.encode("utf-16-be"))
    septets = sum(2 if character in "\f^{}\\[~]|€" else 1 for character in part)
    return (septets * 7 + 7) // 8
