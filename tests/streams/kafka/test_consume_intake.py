"""Intake from Kafka: the same events as over HTTP, each stored once; what is refused is passed on with its reason."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
import pytest

from app.compose import Platform
from app.http import binding
from streams.intake.cloudevents import Envelope, Refused
from streams.intake.intake import Intake, IntakeOutcome
from streams.intake.validation import Checker
from streams.kafka.consume_intake import read_record
from streams.kafka.worker import IncomingRecord
from streams.queues.refused_events import refused
from tests.streams.distributed import Country, eventually
from tests.streams.registries import STRUCTURED, binary, body, taken, taking_in
from tests.world import LONG_AGO, card, iin, registered

AIGERIM = iin(1)
CARD = card(AIGERIM, "2025-07-20")


def incoming(value: bytes | None, *headers: tuple[str, bytes]) -> IncomingRecord:
    """A record as the worker gives it."""
    return IncomingRecord(0, 0, None, value, headers)


def test_both_modes_give_the_same_event() -> None:
    """Structured and binary mode of one event are read as one and the same."""
    value, headers = binary(CARD)
    structured, binarily = read_record(incoming(body(CARD), *STRUCTURED)), read_record(incoming(value, *headers))
    assert structured == msgspec.structs.replace(binarily, datacontenttype=None)


def test_it_is_the_event_that_http_reads() -> None:
    """What comes through Kafka in binary mode is what comes over HTTP in binary mode."""
    value, headers = binary(CARD)
    http = [(name.replace("ce_", "ce-"), text.decode()) for name, text in headers]
    assert read_record(incoming(value, *headers)) == binding.binary(value, http)


@pytest.mark.parametrize(
    ("value", "headers", "field"),
    [
        (b"{}", [], "content-type"),
        (b"[]", [("content-type", b"application/cloudevents-batch+json")], "content-type"),
        (b"{", STRUCTURED, "$"),
        (None, STRUCTURED, "$"),
        (b"{}", STRUCTURED, "specversion"),
        (b" " * 300_000, STRUCTURED, "$"),
        (b"{", [("ce_specversion", b"1.0")], "data"),
        (b"{}", [("ce_specversion", b"1.0")], "id"),
        (b"{}", [("ce_specversion", b"1.0"), ("ce_id", b"\xff")], "id"),
        (b"{}", [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("CE_ID", b"2")], "id"),
        (b"[" * 5000, [("ce_specversion", b"1.0")], "data"),
        (
            b"{}",
            [(f"ce_{name}", b"1.0") for name in ("specversion", "id", "source", "type", "time")]
            + [("content-type", b"text/xml")],
            "datacontenttype",
        ),
    ],
)
def test_what_is_no_event_is_refused(value: bytes | None, headers: list[tuple[str, bytes]], field: str) -> None:
    """A record that is no CloudEvent is refused by the field that is wrong."""
    with pytest.raises(Refused) as told:
        read_record(incoming(value, *headers))
    assert told.value.field == field


def test_events_of_registries_are_stored_once(land: Country) -> None:
    """Events come in through Kafka in both modes, the same one again is a duplicate, and they wait for their plan."""
    before = land.platform.log.facts.max_notification_id() or 0
    with taking_in(land) as send:
        for envelope in registered(AIGERIM, LONG_AGO):
            send(body(envelope), STRUCTURED)
        send(*binary(CARD))
        send(body(CARD), STRUCTURED)
        eventually(taken(land, 5))
    assert land.platform.log.facts.max_notification_id() == before + 4
    assert land.platform.planning.planning.waiting() == [land.platform.identity.names.pseudonym(AIGERIM)]
    assert land.records(land.topics.life_dead) == []


def test_what_is_refused_is_passed_on_with_its_reason(land: Country) -> None:
    """A refused event goes on with its payload and key, and headers that say field, reason, code and origin."""
    bad = body(CARD, type="kz.nobody.knows")
    with taking_in(land) as send:
        send(bad, [*STRUCTURED, ("trace", b"7")], key=b"k")
        send(body(CARD), STRUCTURED)
        eventually(taken(land, 2))
    [dead] = land.records(land.topics.life_dead)
    assert (dead.key, dead.value, dead.headers["trace"]) == (b"k", bad, b"7")
    why: Mapping[str, str] = {
        name.removeprefix("habarshy_"): text.decode()
        for name, text in dead.headers.items()
        if name.startswith("habarshy_")
    }
    assert set(why) == {"field", "reason", "code", "origin"}
    assert why["field"] == "type"
    assert why["origin"].startswith(f"{land.topics.life_in}/")
    assert land.platform.planning.planning.waiting() == [land.platform.identity.names.pseudonym(AIGERIM)]


def test_what_is_refused_is_counted_for_good(land: Country) -> None:
    """How many events from Kafka were refused, by code, and when last, outlives their topic and the process."""
    with taking_in(land) as send:
        for value in (b"{", b"{", b" " * 300_000):
            send(value, STRUCTURED)
        send(body(CARD), STRUCTURED)
        eventually(taken(land, 4))
    on = land.process()
    with on.database.reading() as connection:
        assert refused(connection) == ({"bad_json": 2, "too_large": 1}, land.clock())
    on.database.close()


class FailsOn(Intake):
    """An intake with a defect that one event meets."""

    def __init__(self, on: Platform, type_: str, error: Exception) -> None:
        super().__init__(on.database, on.log, on.identity.names, lambda: on.rules.library.rules().checker, on.clock)
        self._type, self._error = type_, error

    def accept(
        self,
        envelopes: Iterable[Envelope | Refused],
        ahead_from: datetime | None = None,
        checker: Checker | None = None,
    ) -> list[IntakeOutcome]:
        found = list(envelopes)
        if any(isinstance(each, Envelope) and each.type == self._type for each in found):
            raise self._error
        return super().accept(found, ahead_from, checker)


@pytest.mark.parametrize("error", [KeyError("phone number"), AttributeError("phone number")])
def test_an_event_that_makes_intake_fail_stops_no_other(land: Country, error: Exception) -> None:
    """What the platform fails on is passed on as a defect, without a word of it in the reason; the others go in."""
    before = land.platform.log.facts.max_notification_id() or 0
    with taking_in(land, FailsOn(land.platform, CARD.type, error)) as send:
        for envelope in [*registered(AIGERIM, LONG_AGO), CARD, *registered(iin(2), LONG_AGO)]:
            send(body(envelope), STRUCTURED)
        eventually(taken(land, 7))
    assert land.platform.log.facts.max_notification_id() == before + 6
    [dead] = land.records(land.topics.life_dead)
    assert dead.headers["habarshy_code"] == b"defect"
    assert type(error).__name__.encode() in dead.headers["habarshy_reason"]
    assert b"phone" not in dead.headers["habarshy_reason"]


def test_an_event_that_was_refused_may_come_right(land: Country) -> None:
    """The same id with a body that is in order is accepted after a refusal: nothing was stored of it."""
    with taking_in(land) as send:
        send(body(CARD, data={"kind": 7}), STRUCTURED)
        eventually(taken(land, 1))
        assert land.platform.planning.planning.waiting() == []
        send(body(CARD), STRUCTURED)
        eventually(taken(land, 2))
    assert land.platform.planning.planning.waiting() == [land.platform.identity.names.pseudonym(AIGERIM)]
