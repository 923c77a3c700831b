"""Facts to bytes and back: msgspec arrays under pinned topics; each role's part sealed with that person's key."""

from collections.abc import Callable, Container, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.core.events import PUBLIC, LifeEvent
from domain.facts.facts import ALL_FACTS, Fact
from streams.log.person_keys import KEY_ID_BYTES, PersonKey, holder_of


class Entry(Struct, frozen=True, gc=False):
    """A fact in the log: its stream, its version there, and (once stored) its position.

    `recorded`: the time of recording of a life event; every other fact carries that itself.
    """

    originator_id: UUID
    originator_version: int
    fact: Fact
    position: int = 0
    recorded: datetime | None = None


class LifeState(Struct, frozen=True, array_like=True, gc=False):
    """A life event as stored: only the roles' parts are sealed. New fields go to the end, with a default."""

    source: str
    id: str
    type: str
    time: datetime
    persons: Mapping[str, tuple[str, ...]]
    public: Mapping[str, Any]
    sealed: Mapping[str, bytes]
    corrects: str | None
    revision: int
    annuls: bool
    area: str | None
    ahead_from: datetime | None
    digest: bytes
    traceparent: str | None
    recorded: datetime

    @property
    def everybody(self) -> list[str]:
        """All persons named, each once."""
        named = [person for persons in self.persons.values() for person in persons]
        return named if len(named) == 1 else list(dict.fromkeys(named))


_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode
decode_life = msgspec.msgpack.Decoder(LifeState).decode
"""Decode a life event, its parts still sealed."""


def sealed_by(state: LifeState) -> list[bytes]:
    """Return the ids of the keys that its parts are sealed with."""
    return [part[:KEY_ID_BYTES] for part in state.sealed.values()]


_decode_part = msgspec.msgpack.Decoder(dict[str, Any]).decode
_DECODERS: Mapping[str, Callable[[bytes], Any]] = {
    fact.TOPIC: msgspec.msgpack.Decoder(fact).decode for fact in ALL_FACTS
}


def encode(fact: Fact) -> bytes:
    """Return any fact but a life event, as stored."""
    return _encode(fact)


def seal(event: LifeEvent, keys: Mapping[str, PersonKey], recorded: datetime, limited: Container[str] = ()) -> bytes:
    """Return a life event as stored, each role's part sealed with the key of the role's person.

    `limited`: the event types with a retention limit, which are sealed with the person's key of the period.
    """
    sealed: dict[str, bytes] = {}
    about, periods = event.stream.bytes, event.type in limited
    for role, part in event.fields.items():
        if role != PUBLIC and part:
            person = event.persons[role][0]
            holder = holder_of(person, event.type, event.time) if periods else person
            sealed[role] = keys[holder].seal(_encode(part), about + role.encode())
    return _encode(
        LifeState(
            event.source,
            event.id,
            event.type,
            event.time,
            event.persons,
            event.fields.get(PUBLIC, {}),
            sealed,
            event.corrects,
            event.revision,
            event.annuls,
            event.area,
            event.ahead_from,
            event.digest,
            event.traceparent,
            recorded,
        )
    )


def holders(event: LifeEvent, limited: Container[str]) -> list[str]:
    """Return the names of the keys of periods that sealing the event needs."""
    if event.type not in limited:
        return []
    roles = [role for role, part in event.fields.items() if role != PUBLIC and part]
    return [holder_of(event.persons[role][0], event.type, event.time) for role in roles]


def unseal(
    stream: UUID, state: LifeState, keys: Mapping[str, PersonKey], missing: list[str] | None = None
) -> LifeEvent:
    """Return the life event; a part whose key is destroyed or not given is absent.

    `missing` takes the names of the keys that were not given, or that did not open their part.
    """
    fields: dict[str, Mapping[str, Any]] = {PUBLIC: state.public} if state.public else {}
    about, persons = stream.int.to_bytes(16), state.persons  # as `stream.bytes`, with two calls fewer
    for role, sealed in state.sealed.items():
        key = keys.get(persons[role][0])
        if key is None:
            if missing is not None:
                missing.append(persons[role][0])
        elif (plain := key.open(sealed, about + role.encode())) is not None:
            fields[role] = _decode_part(plain)
        else:
            holder = holder_of(persons[role][0], state.type, state.time)
            of_period = keys.get(holder)
            if of_period is not None and (plain := of_period.open(sealed, about + role.encode())) is not None:
                fields[role] = _decode_part(plain)
            elif missing is not None:
                missing.append(holder)
    return LifeEvent(
        stream=stream,
        source=state.source,
        id=state.id,
        type=state.type,
        time=state.time,
        persons=persons,
        fields=fields,
        corrects=state.corrects,
        revision=state.revision,
        annuls=state.annuls,
        area=state.area,
        ahead_from=state.ahead_from,
        digest=state.digest,
        traceparent=state.traceparent,
    )


def decode(topic: str, state: bytes) -> Fact:
    """Return the fact of any topic but that of a life event.

    Raises:
        KeyError: this version of the code does not know the topic.
    """
    fact: Fact = _DECODERS[topic](state)
    return fact
