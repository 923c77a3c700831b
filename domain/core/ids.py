"""Names that are derived, never drawn: keyed hashes of what a thing is about."""

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NewType
from uuid import UUID

from msgspec import Struct, msgpack

Pseudonym = NewType("Pseudonym", str)
"""A person, as the platform knows them: 32 hex digits (see `Names.pseudonym`)."""
Position = NewType("Position", int)
"""The place of a fact in the log, from 1 on; 0 is before the first."""
Micros = NewType("Micros", int)
"""A moment in microseconds since 1970-01-01 UTC."""

_decode = msgpack.Decoder(UUID).decode
_SIXTEEN = b"\xc4\x10"
"""The beginning of 16 bytes in MessagePack."""


def keyed_hash(key: bytes, *parts: str) -> bytes:
    """Return 16 bytes of keyed BLAKE2b over the parts, each prefixed by its length, to keep them apart."""
    joined = "".join([f"{len(part)}:{part}" for part in parts])
    return hashlib.blake2b(joined.encode(), key=key, digest_size=16).digest()


def _uuid(digest: bytes) -> UUID:
    """Return the digest as a UUID; by msgspec, because UUID's own constructor takes longer than the hash."""
    return _decode(_SIXTEEN + digest)


class Names(Struct, frozen=True, dict=True):
    """Derives pseudonyms and ids from one secret key, which is never rotated."""

    key: bytes

    @cached_property
    def _keyed(self) -> "hashlib.blake2b":
        """BLAKE2b with the key taken in already: a copy of it costs two thirds of a fresh one."""
        return hashlib.blake2b(key=self.key, digest_size=16)

    @cached_property
    def _bodies(self) -> "hashlib.blake2b":
        return hashlib.blake2b(key=self.key, digest_size=16, person=b"body")

    def _hash(self, joined: str) -> bytes:
        """Return the `keyed_hash` over parts that were joined by hand: it is made several times for every event."""
        hasher = self._keyed.copy()
        hasher.update(joined.encode())
        return hasher.digest()

    def pseudonym(self, national_id: str) -> Pseudonym:
        """Return the person's pseudonym."""
        return Pseudonym(self._hash(f"6:person{len(national_id)}:{national_id}").hex())

    def stream(self, source: str, event_id: str) -> UUID:
        """Return the stream of a life event: the same (source, id) is the same stream, whatever its date or body."""
        return _uuid(self._hash(f"4:life{len(source)}:{source}{len(event_id)}:{event_id}"))

    def digest(self, body: bytes) -> bytes:
        """Return a fingerprint of an event's body that only the holder of the key can try guesses against."""
        hasher = self._bodies.copy()
        hasher.update(body)
        return hasher.digest()

    def occurrence(self, trigger: str, person: str, *subject: str) -> UUID:
        """Return the id of a trigger's subject for this person (this document, this fine), without its value in
        clear.
        """
        about = "".join([f"{len(part)}:{part}" for part in subject])
        return _uuid(self._hash(f"10:occurrence{len(trigger)}:{trigger}{len(person)}:{person}{about}"))

    def nudge(self, trigger: str, person: str, occurrence: UUID, step: str) -> UUID:
        """Return the nudge's id: no date, no version and no due time in it, so a corrected date reschedules it.

        It begins like the pseudonym: what one person is told lies together in every index, and what is planned in the
        order of persons is written in that of ids. The rest is the `keyed_hash` over these parts, joined by hand: it
        is made for every step of every plan.
        """
        return self.nudges(trigger, person, occurrence)(step)

    def nudges(self, trigger: str, person: str, occurrence: UUID) -> Callable[[str], UUID]:
        """Return step -> the nudge's id; what the steps of an occurrence share is hashed once."""
        common = self._keyed.copy()
        common.update(f"5:nudge{len(trigger)}:{trigger}{len(person)}:{person}32:{occurrence.int:032x}".encode())
        begin = _SIXTEEN + person.encode()[:4].ljust(4)

        def of(step: str) -> UUID:
            hasher = common.copy()
            hasher.update(f"{len(step)}:{step}".encode())
            return _decode(begin + hasher.digest()[4:])

        return of

    def home(self, area: str, zone: str | None, levels: Sequence[int]) -> str:
        """Return a keyed name of a home: its area and time zone. All who live there have the same.

        The homes of all places in an area begin alike, see `within`.
        """
        parts = [self._place(area[:level]) for level in levels]
        return "".join([*parts, keyed_hash(self.key, "home", area, zone or "").hex()])

    def within(self, area: str, levels: Sequence[int]) -> str:
        """Return the prefix of all homes in an area. Others may share it where the area's code fits no level."""
        parts = []
        for level in levels:
            if level > len(area):
                break
            parts.append(self._place(area[:level]))
            if not area[level:].strip("0"):
                break
        return "".join(parts)

    def _place(self, code: str) -> str:
        return keyed_hash(self.key, "place", code).hex()[:8]

    def lot(self, trigger: str, version: str, person: str) -> float:
        """Return a number from 0 up to (not including) 1 that each person draws once and for all for each version."""
        return int.from_bytes(keyed_hash(self.key, "lot", trigger, version, person)[:6]) / 2**48

    def number_hash(self, telephone: str) -> bytes:
        """Return a telephone number (E.164), without saying it in clear."""
        return keyed_hash(self.key, "number", telephone)

    def long_sms(self, provider: str, sender: str, receiver: str, reference: int, total: int) -> bytes:
        """Return a longer SMS by what its pieces have in common, without saying in clear who sent it."""
        return keyed_hash(self.key, "long sms", provider, sender, receiver, str(reference), str(total))

    def piece_hash(self, number: int, words: str) -> bytes:
        """Return a piece of a longer SMS, without saying its words in clear."""
        return keyed_hash(self.key, "piece", str(number), words)

    def mark(self, nudge: UUID) -> str:
        """Return two digits that tell a question from others at its number."""
        return str(10 + int.from_bytes(keyed_hash(self.key, "mark", str(nudge))[:4]) % 90)

    def registry_stream(self, kind: str, name: str) -> UUID:
        """Return the stream of a governance fact: a pack, a trigger, a switch."""
        return _uuid(keyed_hash(self.key, "governance", kind, name))

    def dead_letter(self, kind: str, key: str) -> UUID:
        """Return the id of a dead letter: the same failed thing of that kind is the same letter."""
        return _uuid(keyed_hash(self.key, "dead letter", kind, key))


_WHO, _REST = 4, 96
"""A nudge's id begins with so many hexadecimal digits of its person's pseudonym; so many bits follow."""


def shortened(nudge: UUID, bits: int) -> int:
    """Return the beginning of a nudge's id in so many bits, each of which tells ids apart.

    Of a digit only its value.
    """
    who, rest = nudge.bytes[:_WHO], int.from_bytes(nudge.bytes[_WHO:])
    more = bits - 4 * _WHO
    return (int(who, 16) << more) | (rest >> (_REST - more))


def first_and_last_id(number: int, bits: int) -> tuple[UUID, UUID]:
    """Return the first and the last id whose `shortened` is this number: they are neighbours in every index."""
    more = bits - 4 * _WHO
    who, first = f"{number >> more:04x}".encode(), (number & ((1 << more) - 1)) << (_REST - more)
    last = first | ((1 << (_REST - more)) - 1)
    return UUID(bytes=who + first.to_bytes(12)), UUID(bytes=who + last.to_bytes(12))


def first_id_of_share(number: int, of: int) -> UUID:
    """Return the first id of share `number` (from 0) of `of`. All shares hold nudges of about as many persons."""
    return first_and_last_id((1 << 4 * _WHO) * number // of, 4 * _WHO)[0]


def traced(trace: str | None, *span: str) -> str | None:
    """Return a trace (W3C) as we hand it on: the same trace id, and a parent id that is this span's own."""
    if trace is None:
        return None
    version, id_, _, flags = trace.split("-")
    parent = hashlib.blake2b("\0".join(span).encode(), digest_size=8).hexdigest()
    return f"{version}-{id_}-{parent}-{flags}"
