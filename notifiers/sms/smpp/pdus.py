"""The PDUs of SMPP 3.4 that are no submit_sm or deliver_sm: cut out of the stream, written and read."""

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

GENERIC_NACK: Final = 0x80000000
SUBMIT_SM: Final = 0x00000004
SUBMIT_SM_RESP: Final = 0x80000004
DELIVER_SM: Final = 0x00000005
DELIVER_SM_RESP: Final = 0x80000005
UNBIND: Final = 0x00000006
UNBIND_RESP: Final = 0x80000006
BIND_TRANSCEIVER: Final = 0x00000009
BIND_TRANSCEIVER_RESP: Final = 0x80000009
OUTBIND: Final = 0x0000000B
ALERT_NOTIFICATION: Final = 0x00000102
ENQUIRE_LINK: Final = 0x00000015
ENQUIRE_LINK_RESP: Final = 0x80000015
RESPONSE: Final = 0x80000000
"""The bit of a command id that makes it an answer."""

TLV_RECEIPTED_MESSAGE_ID: Final = 0x001E
TLV_SAR_MSG_REF_NUM: Final = 0x020C
TLV_SAR_TOTAL_SEGMENTS: Final = 0x020E
TLV_SAR_SEGMENT_SEQNUM: Final = 0x020F
TLV_MESSAGE_PAYLOAD: Final = 0x0424
TLV_MESSAGE_STATE: Final = 0x0427

HEADER: Final = 16
LONGEST: Final = 70_000
"""More than any PDU of the standard: message_payload has at most 65,535 octets."""

_HEAD: Final = struct.Struct(">IIII")
_SEQUENCE: Final = struct.Struct(">I")
_VERSION: Final = 0x34
_LONGEST_ID: Final = 65  # SMPP 3.4, 4.4.2: message_id, with its zero
_LAST_SEQUENCE: Final = 0x7FFFFFFF
_DECIMAL: Final = re.compile("[0-9]+")
_HEXADECIMAL: Final = re.compile("[0-9A-Fa-f]+")


class GarbledError(Exception):
    """Raised for bytes that are no SMPP; the link ends."""


class Pdu(NamedTuple):
    """A PDU: the fields of its header, and all its bytes."""

    command: int
    status: int
    sequence: int
    whole: bytes


class Frames:
    """Cuts a stream into PDUs; it never keeps more than one unfinished PDU."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Pdu]:
        """Yield the PDUs that are complete now. Raises GarbledError at an absurd length, after those before it."""
        buffer = self._rest + data if self._rest else data
        at, end = 0, len(buffer)
        while end - at >= HEADER:
            length, command, status, sequence = _HEAD.unpack_from(buffer, at)
            if not HEADER <= length <= LONGEST:
                raise GarbledError
            if end - at < length:
                break
            yield Pdu(command, status, sequence, buffer[at : at + length])
            at += length
        self._rest = buffer[at:]


def following(sequence: int) -> int:
    """Return the sequence number after this one (SMPP 3.4, 5.1.4: 1 to 0x7FFFFFFF)."""
    return sequence + 1 if sequence < _LAST_SEQUENCE else 1


def numbered(pdu: bytes, sequence: int) -> bytes:
    """Return the PDU with this sequence number."""
    return pdu[:12] + _SEQUENCE.pack(sequence) + pdu[HEADER:]


def bare(command: int, sequence: int, status: int = 0, body: bytes = b"") -> bytes:
    """Return a PDU of this command with this body."""
    return _HEAD.pack(HEADER + len(body), command, status, sequence) + body


def bind(system_id: str, password: str, system_type: str, sequence: int) -> bytes:
    """bind_transceiver (4.1.5), for all addresses."""
    words = b"".join(word.encode("ascii") + b"\0" for word in (system_id, password, system_type))
    return bare(BIND_TRANSCEIVER, sequence, body=words + bytes((_VERSION, 0, 0, 0)))


def delivered(sequence: int, status: int) -> bytes:
    """deliver_sm_resp (4.6.2); its message_id is unused."""
    return bare(DELIVER_SM_RESP, sequence, status, b"\0")


def message_id(answer: Pdu, *, decimal: bool = False) -> str | None:
    """Return the id in a submit_sm_resp, "" if there is none.

    None if that is not readable, or if it is another answer.

    With `decimal`, receipts have in decimal what is in hexadecimal here: see `one_spelling`.
    """
    raw, zero, _ = answer.whole[HEADER : _LONGEST_ID + HEADER].partition(b"\0")
    if answer.command != SUBMIT_SM_RESP or not raw.isascii() or (raw and not zero):
        return None
    return one_spelling(raw.decode("ascii"), decimal=False) if decimal else raw.decode("ascii")


def one_spelling(number: str, *, decimal: bool) -> str:
    """Return a number in decimal or hexadecimal as hexadecimal, lower case and without zeros before.

    What is none as it is.

    What has hexadecimal digits is in hexadecimal, whatever is said of it.
    """
    if decimal and _DECIMAL.fullmatch(number):
        return f"{int(number):x}"
    return f"{int(number, 16):x}" if _HEXADECIMAL.fullmatch(number) else number
