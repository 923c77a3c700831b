"""Delivery receipts of SMPP (3.4, appendix B and 5.3.2.26, 5.3.2.35), in our words."""

import re
from typing import Final

from smpp34 import DeliverSm

from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Reason, Report
from notifiers.sms.smpp.content import carried
from notifiers.sms.smpp.pdus import TLV_MESSAGE_STATE, TLV_RECEIPTED_MESSAGE_ID, one_spelling

_KIND: Final = 0x3C  # of esm_class: the message type (5.2.12)
_RECEIPT: Final = 0x04
_INTERMEDIATE: Final = 0x20

_STATES: Final = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
_FINAL: Final = {
    "DELIVRD": (ReceiptStatus.DELIVERED, None),
    "EXPIRED": (ReceiptStatus.FAILED, Reason.EXPIRED_THERE),
    "DELETED": (ReceiptStatus.FAILED, Reason.UNDELIVERED),
    "UNDELIV": (ReceiptStatus.FAILED, Reason.UNDELIVERED),
    "REJECTD": (ReceiptStatus.FAILED, Reason.REJECTED),
}
_NAME: Final = re.compile(rb"[ -~]{1,65}")
_ID: Final = re.compile(rb"\bid:\s*(?![a-z]+:)([!-~]{1,64})", re.IGNORECASE)
_STAT: Final = re.compile(rb"\bstat:\s*([A-Za-z]{1,8})", re.IGNORECASE)
_ERR: Final = re.compile(rb"\berr:\s*([0-9A-Za-z]{1,6})", re.IGNORECASE)


class UnreadableError(Exception):
    """Raised for a receipt that names no message: nobody can tell what it is about."""


def is_receipt(pdu: DeliverSm) -> bool:
    """Return True if it is about a message of ours, and not a text from a citizen."""
    if pdu.esm_class & _KIND:
        return True
    return any(tlv.tag == TLV_RECEIPTED_MESSAGE_ID for tlv in pdu.tlvs)


def report(pdu: DeliverSm, *, decimal: bool = False) -> Report | None:
    """Return the content of a receipt; None if it is not final. Raises UnreadableError.

    The optional parameters count more than the text, which is the vendors' own. With `decimal` its id is in decimal,
    where the answer to the message had it in hexadecimal.
    """
    if pdu.esm_class & _KIND == _INTERMEDIATE:
        return None
    optional = {tlv.tag: tlv.value for tlv in pdu.tlvs}
    text = carried(pdu)
    reference = optional.get(TLV_RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0") or _first(_ID, text)
    if not _NAME.fullmatch(reference):
        raise UnreadableError
    state = _STATES.get(int.from_bytes(optional.get(TLV_MESSAGE_STATE, b"")))
    word = state or _first(_STAT, text).decode().upper()
    if word not in _FINAL:
        return None
    heard, reason = _FINAL[word]
    detail = " ".join(part for part in (word, _first(_ERR, text).decode()) if part)
    name = one_spelling(reference.decode(), decimal=True) if decimal else reference.decode()
    return Report(name, heard, reason, detail if reason else "")


def _first(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    found = pattern.search(text)
    return found[1] if found else b""
