"""Intake from Kafka: CloudEvents that registries send to a topic, accepted like those over HTTP.

Refused records go to a topic of their own with the reason in headers; both topics keep records for a short time only.
Where Kafka never accepts such a record with its payload, it goes without, so that one record stops no other.
Source: Kafka Protocol Binding for CloudEvents 1.0.2, sections 3.2 (binary) and 3.3 (structured).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streams.intake.cloudevents import MAX_BYTES, Envelope, Refused, envelope_of, read_data, read_envelope
from streams.intake.intake import Intake, IntakeOutcome
from streams.kafka.producer import NeverAccepted, Record, Sender
from streams.kafka.topics import Topics
from streams.kafka.worker import IncomingRecord
from streams.queues.refused_events import RefusedEvents
from streams.storage.errors import SYSTEM_ERRORS

STRUCTURED, BATCHED = "application/cloudevents", "application/cloudevents-batch"
_PREFIX = "ce_"
_OURS = "habarshy_"
MOST = 1000
"""The longest text of a header of ours, in characters: it may quote the name of a field, of any length."""


class IntakeHandler:
    """The handler that stores the events of records, and passes on the refused ones."""

    def __init__(self, intake: Intake, topics: Topics, sender: Sender, dead: RefusedEvents) -> None:
        self._intake, self._sender, self._counted = intake, sender, dead
        self.topic, self._dead = topics.life_in, topics.life_dead

    def take(self, records: Sequence[IncomingRecord]) -> None:
        """Store the events; one that comes again is a duplicate.

        Raises:
            NotDelivered: the refused ones could not be passed on.
        """
        outcomes = self._accept([_read(record) for record in records])
        refused = [
            (record, outcome.refused)
            for record, outcome in zip(records, outcomes, strict=True)
            if outcome.refused is not None
        ]
        self._pass_on([self._refused(record, why) for record, why in refused])
        self._counted.note(why.code for _, why in refused)

    def _pass_on(self, refused: Sequence[Record]) -> None:
        """Send the records as they are; where Kafka refuses one, without its value, then with our headers."""
        for smaller in (_without_value, _without_anything):
            try:
                self._sender.send(refused)
            except NeverAccepted as never:
                refused = [smaller(record) for record in never.records]
            else:
                return
        self._sender.send(refused)

    def _accept(self, envelopes: Sequence[Envelope | Refused]) -> list[IntakeOutcome]:
        """Accept the events; where that fails, in ever smaller parts, so that one event stops no other."""
        try:
            return self._intake.accept(envelopes)
        except SYSTEM_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  (a defect that one event causes may raise anything)
            if len(envelopes) == 1:
                self._intake.accept(())  # raises if the failure does not depend on the event
                reason = f"made the platform fail ({type(error).__name__}); report it, it is a defect"
                return [IntakeOutcome(accepted=False, refused=Refused("$", reason, "defect"))]
        half = len(envelopes) // 2
        return self._accept(envelopes[:half]) + self._accept(envelopes[half:])

    def _refused(self, record: IncomingRecord, refused: Refused) -> Record:
        why = {
            "field": refused.field,
            "reason": refused.reason,
            "code": refused.code,
            "origin": f"{self.topic}/{record.partition}/{record.offset}",
        }
        kept = [(name, value) for name, value in record.headers if not name.startswith(_OURS)]
        return Record(
            self._dead,
            record.key,
            record.value,
            [*kept, *((_OURS + name, text[:MOST].encode()) for name, text in why.items())],
        )


def _without_value(record: Record) -> Record:
    size = str(len(record.value or b"")).encode()
    return msgspec.structs.replace(record, value=None, headers=[*record.headers, (_OURS + "left_out_bytes", size)])


def _without_anything(record: Record) -> Record:
    ours = [(name, value) for name, value in record.headers if name.startswith(_OURS)]
    return msgspec.structs.replace(record, key=None, headers=ours)


def _read(record: IncomingRecord) -> Envelope | Refused:
    try:
        return read_record(record)
    except Refused as refused:
        return refused


def read_record(record: IncomingRecord) -> Envelope:
    """Return the event of a record, in structured mode (by its content type) or else in binary mode.

    Raises:
        Refused: it is not an event, or an attribute is missing or wrong.
    """
    headers = _headers(record)
    body = record.value or b""
    if len(body) > MAX_BYTES:
        raise Refused("$", f"the event is larger than {MAX_BYTES // 1024} kB", "too_large")
    content = headers.get("content-type", "").split(";")[0].strip().lower()
    if content.startswith(BATCHED):
        raise Refused("content-type", "batches do not exist in the Kafka binding; send a record for each event")
    if content.startswith(STRUCTURED):
        return read_envelope(body)
    if f"{_PREFIX}specversion" not in headers:
        raise Refused(
            "content-type", "must be application/cloudevents+json, or the attributes must stand in ce_ headers"
        )
    attributes: dict[str, Any] = {
        name.removeprefix(_PREFIX): value for name, value in headers.items() if name.startswith(_PREFIX)
    }
    return envelope_of(attributes | {"data": read_data(body), "datacontenttype": content or None})


def _headers(record: IncomingRecord) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in record.headers:
        low = name.lower()
        if low in found and low.startswith(_PREFIX):
            raise Refused(low.removeprefix(_PREFIX), "stands in two headers", "repeated")
        try:
            found[low] = (value or b"").decode()
        except UnicodeDecodeError:
            if low.startswith(_PREFIX):
                raise Refused(low.removeprefix(_PREFIX), "is no UTF-8", "bad_encoding") from None
    return found
