"""The content of a deliver_sm, wherever the centre puts it: the words, and their place in a long message."""

from typing import Final

from smpp34 import DeliverSm

from notifiers.sms.smpp import pdus
from notifiers.sms.smpp.encoding import Joint

_SAR: Final = (pdus.TLV_SAR_MSG_REF_NUM, pdus.TLV_SAR_TOTAL_SEGMENTS, pdus.TLV_SAR_SEGMENT_SEQNUM)
_MOST_PARTS, _LAST_REFERENCE = 0xFF, 0xFFFF
"""In one octet and in two; but a centre may send any number."""


def carried(pdu: DeliverSm) -> bytes:
    """Return the words, those of a receipt too: from short_message, or message_payload (SMPP 3.4, 5.3.2.32)."""
    payload = (tlv.value for tlv in pdu.tlvs if tlv.tag == pdus.TLV_MESSAGE_PAYLOAD)
    return pdu.short_message or next(payload, b"")


def joint_of(pdu: DeliverSm) -> Joint | None:
    """Return the place of a part by the optional parameters (SMPP 3.4, 5.3.2.22 to 24)."""
    found = {tlv.tag: int.from_bytes(tlv.value) for tlv in pdu.tlvs}
    reference, total, number = (found.get(tag, 0) for tag in _SAR)
    joins = 0 < number <= total <= _MOST_PARTS and reference <= _LAST_REFERENCE
    return Joint(reference, total, number) if joins else None
