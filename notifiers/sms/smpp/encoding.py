"""The encoding of texts for SMPP: the bytes of each part, and the header that joins it to the others.

Source: 3GPP TS 23.038 (alphabets), 3GPP TS 23.040, 9.2.3.24.1 (concatenation), SMPP 3.4, 5.2.12 and 5.2.19.
"""

from dataclasses import dataclass
from typing import Final

from gsm0338 import Codec

from domain.core.sms import segments

GSM_DEFAULT: Final = 0x00
LATIN_1: Final = 0x03
UCS2: Final = 0x08
HAS_HEADER: Final = 0x40
"""The bit of `esm_class` that says: the short message begins with a user data header."""

_GSM: Final = Codec()
_JOINED_8: Final = 0x00
_JOINED_16: Final = 0x08
_MOST_PARTS: Final = 255
_MOST_PER_PART: Final = 160
_UTF_16: Final = "utf-16-be"
_ALPHABETS: Final = {0x01: "ascii", LATIN_1: "latin-1", 0x06: "iso8859-5", 0x07: "iso8859-8", UCS2: _UTF_16}
"""By the data codings that are SMPP's own (5.2.19); the greater ones are those of 3GPP TS 23.038, section 4."""
_LAST_OF_SMPP: Final = 0x0F
_RESERVED: Final = 0x80  # below it are the groups of general data coding, whose alphabet two bits tell
_ALPHABET_BITS: Final = 0x0C
_GROUP: Final = 0xF0
_WAITING_UCS2: Final = 0xE0  # "message waiting indication", in UCS-2


@dataclass(frozen=True, slots=True)
class Wire:
    """A text as submit_sm carries it: `parts` are its short messages, header and all."""

    data_coding: int
    esm_class: int
    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Joint:
    """The place of a part: the `number`th (from 1) of `total` parts of the message that is `reference`."""

    reference: int
    total: int
    number: int


def wire(text: str, reference: int, most: int = _MOST_PARTS) -> Wire | None:
    """Cut and encode a text; None if it needs more than `most` parts. Raises UnicodeError for half a character.

    The last byte of `reference` tells the parts of one message from those of another.
    """
    if len(text) > most * _MOST_PER_PART:
        return None
    cut = segments(text)
    if len(cut.parts) > min(most, _MOST_PARTS):
        return None
    encode = _gsm if cut.encoding == "gsm7" else _ucs2
    coding = GSM_DEFAULT if cut.encoding == "gsm7" else UCS2
    if len(cut.parts) == 1:
        return Wire(coding, 0, (encode(text),))
    head = bytes((5, _JOINED_8, 3, reference & 0xFF, len(cut.parts)))
    return Wire(
        coding, HAS_HEADER, tuple(head + bytes((n,)) + encode(part) for n, part in enumerate(cut.parts, start=1))
    )


def read(content: bytes, data_coding: int, esm_class: int) -> tuple[str, Joint | None]:
    """Return the words of a short message, and where they belong if it is a part of a longer one.

    What its alphabet does not have becomes U+FFFD. Raises ValueError if the header is longer than the message.
    """
    joint = None
    if esm_class & HAS_HEADER:
        joint = _joint(content[1 : 1 + content[0]]) if content else None
        if not content or len(content) <= content[0]:
            raise ValueError("the header of a short message is longer than the message")
        content = content[1 + content[0] :]
    return _words(content, data_coding), joint


def _gsm(part: str) -> bytes:
    return part.encode("ascii") if _same_in_ascii(part) else bytes(_GSM.encode(part)[0])


def _ucs2(part: str) -> bytes:
    return part.encode(_UTF_16)


def _same_in_ascii(part: str) -> bool:
    """Return True if GSM 03.38 encodes all its characters as ASCII does: then there is a short way."""
    return part.isascii() and part.translate(_ALIKE).isalnum()


_ALIKE: Final = dict.fromkeys(map(ord, " \n\r!\"#%&'()*+,-./:;<=>?"), "x")


def _words(content: bytes, data_coding: int) -> str:
    alphabet = _alphabet(data_coding)
    return _from_gsm(content) if alphabet is None else content.decode(alphabet, "replace")


def _alphabet(data_coding: int) -> str | None:
    """Return Python's name of the alphabet.

    None is GSM 03.38, which also stands for reserved codes (3GPP TS 23.038).
    """
    if data_coding <= _LAST_OF_SMPP:
        return _ALPHABETS.get(data_coding)
    general = data_coding < _RESERVED and data_coding & _ALPHABET_BITS == UCS2
    return _UTF_16 if general or data_coding & _GROUP == _WAITING_UCS2 else None


def _from_gsm(content: bytes) -> str:
    try:
        return str(_GSM.decode(content)[0])
    except UnicodeError:
        return content.decode("ascii", "replace")


def _joint(header: bytes) -> Joint | None:
    at = 0
    while at + 2 <= len(header):
        kind, length = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + length]
        if (kind, len(value)) in {(_JOINED_8, 3), (_JOINED_16, 4)} and 0 < value[-1] <= value[-2]:
            return Joint(int.from_bytes(value[:-2]), value[-2], value[-1])
        at += 2 + length
    return None
