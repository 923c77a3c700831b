"""What a deliver_sm carries, wherever the centre puts it: the words, and where they belong."""

from smpp34 import DeliverSm

from notifiers import smpp_pdus as pdus
from notifiers.sms_wire import Joint


def carried(pdu: DeliverSm) -> bytes:
    """Its words, those of a receipt too: in short_message, or in message_payload (SMPP 3.4, 5.3.2.32)."""
    payload = (tlv.value for tlv in pdu.tlvs if tlv.tag == pdus.TLV_MESSAGE_PAYLOAD)
    return pdu.short_message or next(payload, b"")


def joint_of(pdu: DeliverSm) -> Joint | None:
    """Where a part belongs by the optional parameters (SMPP 3.4, 5.3.2.22 to 24)."""
    found = {tlv.tag: int.from_bytes(tlv.value) for tlv in pdu.tlvs}
    total, number = found.get(pdus.TLV_SAR_TOTAL_SEGMENTS, 0), found.get(pdus.TLV_SAR_SEGMENT_SEQNUM, 0)
    return Joint(found.get(pdus.TLV_SAR_MSG_REF_NUM, 0), total, number) if 0 < number <= total else None
