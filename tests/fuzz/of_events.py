"""Targets: what registries report, in all three content modes, up to the life event."""

from contextlib import suppress
from pathlib import Path

import msgspec

from app.http.binding import TooManyEvents, batched, binary, structured
from app.http.events import MAX_BATCH_EVENTS
from domain.core.ids import Names
from domain.core.national_id import is_iin
from streams.intake.cloudevents import Envelope, Refused
from streams.intake.validation import Checker
from templates.checks.loader import shipped
from templates.reading.catalogue import catalogue_of
from tests.beginnings import packs_in
from tests.fuzz.target import Target, Try
from tests.world import annulled, birth, card, corrected, iin, registered

TRACE = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
LIFE = (
    *registered(iin(1)),
    card(iin(1), "2035-01-10"),
    birth(iin(3), iin(1), "2025-06-01", father=iin(2)),
    corrected(card(iin(1), "2035-01-10"), 2),
    annulled(card(iin(1), "2035-01-10"), 3),
)
EVENTS = [msgspec.json.encode(each) for each in LIFE]
WORDS = (
    '"specversion":"1.0"',
    '"id":"a"',
    '"source":"/x"',
    '"type":"kz.document.issued"',
    '"time":',
    '"subject":',
    '"data":{',
    '"corrects":"a"',
    '"revision":2',
    '"annuls":true',
    '"datacontenttype":"application/json"',
    "2025-01-10T12:00:00+05:00",
    "9999-12-31T23:59:59.999999-23:59",
    "-0001",
    "1e999",
    "-0",
    "null",
    "\\ud800",
    "\\u0000",
    "\\udfff\\ud800",
    "[[[[[[",
    '{"":{"":',
    iin(1),
    "NaN",
    "18446744073709551616",
    "/habarshy",
    "kz.civil.birth_registered",
    '"mother":',
    "𝟙",
    "١",
)


def _checker() -> Checker:
    catalogue = catalogue_of([pack.content for pack in packs_in([path for path in shipped() if path.name == "kz"])])
    return Checker(catalogue, Names(bytes(32)), is_iin)


CHECKER = _checker()
"""Made before the campaigns are forked: to read the pack takes longer than one of them."""


def _taken(envelope: Envelope | Refused) -> None:
    """As intake does: a life event that the log can keep, or a refusal that repeats nothing of what came."""
    if isinstance(envelope, Refused):
        return
    with suppress(Refused):
        msgspec.msgpack.encode(CHECKER.check(envelope))


def _structured(_: Path) -> Try:
    def attempt(data: bytes) -> None:
        with suppress(Refused):
            _taken(structured(data, [TRACE]))

    return attempt


def _batched(_: Path) -> Try:
    def attempt(data: bytes) -> None:
        with suppress(Refused, TooManyEvents):
            for each in batched(data, [TRACE], MAX_BATCH_EVENTS):
                _taken(each)

    return attempt


def _binary(_: Path) -> Try:
    def attempt(data: bytes) -> None:
        head, _, body = data.partition(b"\n\n")
        lines = (line.partition(b":") for line in head.split(b"\n"))
        headers = [(name.decode("latin-1"), value.strip().decode("latin-1")) for name, _, value in lines]
        with suppress(Refused):
            _taken(binary(body, headers))

    return attempt


def _in_headers(event: Envelope) -> bytes:
    plain = msgspec.to_builtins(event)
    lines = [f"ce-{name}: {value}" for name, value in plain.items() if value is not None and name != "data"]
    return "\n".join(lines).encode() + b"\n\n" + msgspec.json.encode(event.data)


TARGETS = {
    "event": Target(_structured, EVENTS, WORDS),
    "event-batch": Target(_batched, [b"[" + b",".join(EVENTS) + b"]", b"[]", b"[" + EVENTS[0] + b"]"], WORDS),
    "event-in-headers": Target(_binary, [_in_headers(each) for each in LIFE], ("ce-", "%25", "%ED%A0%80", *WORDS)),
}
