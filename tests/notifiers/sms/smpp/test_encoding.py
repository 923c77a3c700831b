"""The bytes of an SMS: what is paid for is what is sent, and it can be read again."""

import pytest
from gsm0338 import Codec
from hypothesis import given
from hypothesis import strategies as st

from domain.core.sms import segments
from notifiers.sms.smpp.encoding import HAS_HEADER, Joint, read, wire

ANY_TEXT = st.text(
    alphabet=st.one_of(st.sampled_from("aZ9 @£\nÇ^{}\\[~]|€\f$_'"), st.characters(exclude_categories=["Cs"])),
    max_size=600,
)
GSM_TEXT = st.text(alphabet="aZ9 @£\nÇñ^{}\\[~]|€\f$_-_'\"", max_size=600)
ESCAPE = b"\x1b"


@given(ANY_TEXT | GSM_TEXT)
def test_the_parts_that_are_sent_are_the_parts_that_are_counted(text: str) -> None:
    """One function cuts: what lint and preview count is what goes over the wire, each part in its place."""
    sent = wire(text, 7)
    assert sent is not None
    counted = segments(text)
    back = [read(part, sent.data_coding, sent.esm_class) for part in sent.parts]
    assert [words for words, _ in back] == list(counted.parts)
    total = len(counted.parts)
    joints = [Joint(7, total, n) for n in range(1, total + 1)] if total > 1 else [None]
    assert [joint for _, joint in back] == joints


@given(ANY_TEXT | GSM_TEXT)
def test_no_part_is_longer_than_a_radio_frame(text: str) -> None:
    """140 bytes with the header: 160 septets of GSM 03.38 or 70 units of UCS-2."""
    sent = wire(text, 255)
    assert sent is not None
    for part in sent.parts:
        head = part[: 1 + part[0]] if sent.esm_class & HAS_HEADER else b""
        body = len(part) - len(head)
        bits = len(head) * 8 + (body * 8 if sent.data_coding else body * 7)
        assert bits <= 140 * 8


@given(ANY_TEXT | GSM_TEXT)
def test_nothing_is_torn_apart(text: str) -> None:
    """No part ends within an escape or a surrogate pair: each can be read alone."""
    sent = wire(text, 0)
    assert sent is not None
    for part in sent.parts:
        body = part[6:] if sent.esm_class else part
        if sent.data_coding:
            body.decode("utf-16-be")
        else:
            assert not body.endswith(ESCAPE)


@given(GSM_TEXT)
def test_the_short_way_to_encode_is_the_same_as_the_long(text: str) -> None:
    """What looks like ASCII is encoded as the codec does it."""
    sent = wire(text, 0)
    assert sent is not None
    body = b"".join(part[6:] if sent.esm_class else part for part in sent.parts)
    assert body == Codec().encode(text)[0]


def test_both_know_the_same_alphabet() -> None:
    """The characters that are counted as GSM 03.38 are those that the codec has."""
    for code in range(0x2200):  # beyond lies nothing that GSM 03.38 has
        character = chr(code)
        if code == 0x1B:
            continue
        counted = segments(character).encoding == "gsm7"
        try:
            Codec().encode(character)
        except UnicodeEncodeError:
            assert not counted, hex(code)
        else:
            assert counted, hex(code)


@pytest.mark.parametrize(("parts", "fits"), [(3, True), (2, False)])
def test_no_more_parts_than_are_paid_for(parts: int, fits: bool) -> None:  # noqa: FBT001  the case
    """A text that needs more parts than allowed is not cut at all."""
    assert (wire("a" * 400, 0, parts) is not None) is fits
    assert wire("a" * 153 * 256, 0) is None


def test_half_a_character_is_an_error() -> None:
    """A lone surrogate is not sent as something else."""
    with pytest.raises(UnicodeError):
        wire("\ud83c", 0)


@pytest.mark.parametrize(
    ("data_coding", "content", "text"),
    [
        (0x00, b"\x00\x11\x02", "@_$"),
        (0x01, b"a@b_c$", "a@b_c$"),
        (0x01, b"caf\xe9", "caf\ufffd"),
        (0x03, b"caf\xe9", "café"),
        (0x06, "СТОП".encode("iso8859-5"), "СТОП"),
        (0x07, "שלום".encode("iso8859-8"), "שלום"),
        (0x08, "ИӘ".encode("utf-16-be"), "ИӘ"),
        (0x18, "ИӘ".encode("utf-16-be"), "ИӘ"),  # UCS-2 with a class
        (0x48, "ИӘ".encode("utf-16-be"), "ИӘ"),  # marked for deletion
        (0xE0, "ИӘ".encode("utf-16-be"), "ИӘ"),  # message waiting, in UCS-2
        (0xEF, "ИӘ".encode("utf-16-be"), "ИӘ"),
        (0x10, b"\x00", "@"),
        (0x88, b"\x00", "@"),  # reserved
        (0xC8, b"\x00", "@"),  # message waiting, discarded
        (0xD8, b"\x00", "@"),  # message waiting, stored
        (0xF0, b"\x00", "@"),
    ],
)
def test_each_alphabet_is_read(data_coding: int, content: bytes, text: str) -> None:
    """Those of SMPP's own table and those of the telephones' standard, which says GSM 03.38 for the reserved ones."""
    assert read(content, data_coding, 0) == (text, None)


@given(st.binary(max_size=200), st.integers(0, 255), st.integers(0, 255))
def test_any_bytes_are_read_or_refused(content: bytes, data_coding: int, esm_class: int) -> None:
    """Whatever a telephone sends gives words, or a ValueError."""
    try:
        words, joint = read(content, data_coding, esm_class)
    except ValueError:
        return
    assert isinstance(words, str)
    assert joint is None or 1 <= joint.number <= joint.total
