import string
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.core.events import PUBLIC, LifeEvent
from domain.facts.facts import ALL_FACTS, Fact
from streams.log.mapper import LifeState, decode, decode_life, encode, seal, unseal
from streams.log.person_keys import KEY_ID_BYTES, PersonKey
from tests.streams.storing import AIDA, BOLAT, DANA, NAMES, NOW, Store, life, modest, person_key, url_in

KEYS = {AIDA: person_key(b"A"), BOLAT: person_key(b"B"), DANA: person_key(b"D")}

TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  (zoned by `timezones`)
TEXTS = st.text(max_size=20)
NUMBERS = st.integers(-(2**63), 2**64 - 1)
LEAVES = st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
PARTS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4)
ROLES = st.text(string.ascii_lowercase, min_size=1, max_size=8).filter(lambda role: role != PUBLIC)
NAMED = st.lists(st.sampled_from(sorted(KEYS)), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def life_events(draw: st.DrawFn) -> LifeEvent:
    """Any life event: some of its roles have a part, and so has perhaps nobody in particular."""
    persons = draw(st.dictionaries(ROLES, NAMED, max_size=4))
    owners = draw(st.lists(st.sampled_from([PUBLIC, *persons]), unique=True))
    return LifeEvent(
        stream=draw(st.uuids()),
        source=draw(TEXTS),
        id=draw(TEXTS),
        type=draw(TEXTS),
        time=draw(TIMES),
        persons=persons,
        fields={owner: draw(PARTS) for owner in owners},
        corrects=draw(st.none() | TEXTS),
        revision=draw(st.integers(1, 2**31)),
        annuls=draw(st.booleans()),
        area=draw(st.none() | TEXTS),
        ahead_from=draw(st.none() | TIMES),
        digest=draw(st.binary(max_size=16)),
        traceparent=draw(st.none() | TEXTS),
    )


STRATEGIES: Mapping[Any, st.SearchStrategy[Any]] = {
    datetime: TIMES,
    datetime | None: st.none() | TIMES,
    str: TEXTS,
    int: NUMBERS,
    float: st.floats(0, 1),
    bool: st.booleans(),
    UUID: st.uuids(),
    tuple[str, ...]: st.lists(TEXTS).map(tuple),
    Mapping[str, Any]: PARTS,
    tuple[bytes, ...]: st.lists(st.binary(max_size=32)).map(tuple),
    bytes: st.binary(max_size=32),
    Mapping[str, int]: st.dictionaries(TEXTS, NUMBERS, max_size=4),
}


def facts_of(kind: type) -> st.SearchStrategy[Fact]:
    """Any fact of the kind."""
    return st.builds(kind, **{field.name: STRATEGIES[field.type] for field in msgspec.structs.fields(kind)})


def opened(event: LifeEvent, state: bytes, keys: Mapping[str, PersonKey]) -> LifeEvent:
    """The stored event as its own stream reads it."""
    return unseal(event.stream, decode_life(state), keys)


@modest
@given(life_events(), TIMES)
def test_a_life_event_comes_back_whole(event: LifeEvent, recorded: datetime) -> None:
    """Whatever a life event holds, it is the same after storing, and the time of recording is kept beside it."""
    state = seal(event, KEYS, recorded)

    assert opened(event, state, KEYS) == event
    assert decode_life(state).recorded == recorded


@modest
@given(st.one_of([facts_of(kind) for kind in ALL_FACTS]))
def test_any_other_fact_comes_back_whole(fact: Fact) -> None:
    """Whatever a fact holds, it is the same after storing, and so is its kind."""
    back = decode(fact.TOPIC, encode(fact))

    assert back == fact
    assert type(back) is type(fact)


def test_times_come_back_in_utc() -> None:
    """A moment is kept, not the zone in which it was written."""
    local = life(time=datetime.fromisoformat("2025-05-30T11:00:00+05:00"))
    back = opened(local, seal(local, KEYS, NOW), KEYS)

    assert back.time == local.time
    assert back.time.tzinfo is UTC


@modest
@given(life_events(), st.sampled_from(sorted(KEYS)))
def test_without_a_key_only_the_parts_of_that_person_are_absent(event: LifeEvent, erased: str) -> None:
    """A part opens with its own person's key only; all else of the event is there, and nothing fails."""
    left = {person: key for person, key in KEYS.items() if person != erased}

    kept = {owner: part for owner, part in event.fields.items() if owner_of(event, owner) != erased}
    assert opened(event, seal(event, KEYS, NOW), left) == msgspec.structs.replace(event, fields=kept)


def owner_of(event: LifeEvent, owner: str) -> str | None:
    """The person with whose key an owner's part is sealed."""
    return None if owner == PUBLIC else event.persons[owner][0]


def test_without_any_key_the_clear_part_is_left() -> None:
    """An event all of whose persons were erased still counts: its type, time and persons, without their parts."""
    event = life()

    erased = opened(event, seal(event, KEYS, NOW), {})
    assert erased == msgspec.structs.replace(event, fields={"public": {"area": "75"}})


def test_a_later_key_of_the_same_person_opens_nothing_old() -> None:
    """Who comes back after an erasure has a new key, which does not bring the old parts back."""
    event = life()
    state = seal(event, KEYS, NOW)

    assert "child" not in opened(event, state, KEYS | {AIDA: person_key(b"Z")}).fields
    same_id = KEYS[AIDA]._replace(cipher=person_key(b"Z").cipher)
    assert "child" not in opened(event, state, KEYS | {AIDA: same_id}).fields


def test_a_part_does_not_open_in_another_event() -> None:
    """A part that is moved to another stream is absent there: nobody can put words into another event."""
    event = life()

    moved = unseal(life("2").stream, decode_life(seal(event, KEYS, NOW)), KEYS)
    assert moved.fields == {"public": {"area": "75"}}


def test_a_part_does_not_open_in_another_role() -> None:
    """A part that is moved to another role of the same person is absent there."""
    event = life(persons={"child": (AIDA,), "mother": (AIDA,)})
    state = decode_life(seal(event, KEYS, NOW))

    swapped = {"child": state.sealed["mother"], "mother": state.sealed["child"]}
    back = unseal(event.stream, msgspec.structs.replace(state, sealed=swapped), KEYS)
    assert back.fields == {"public": {"area": "75"}}


@pytest.mark.parametrize("at", [0, KEY_ID_BYTES, -1], ids=["key id", "nonce", "tag"])
def test_a_changed_byte_makes_a_part_absent(at: int) -> None:
    """A part that was tampered with is not read as something else."""
    event = life(fields={"child": {"given_name": "Айда"}})
    state = decode_life(seal(event, KEYS, NOW))

    changed = bytearray(state.sealed["child"])
    changed[at] ^= 1
    broken: LifeState = msgspec.structs.replace(state, sealed={"child": bytes(changed)})
    assert unseal(event.stream, broken, KEYS).fields == {}


def test_the_same_part_is_never_sealed_alike() -> None:
    """Two sealings of one part have nothing in common but the key's id: equal contents cannot be told."""
    first, second = (decode_life(seal(life(), KEYS, NOW)).sealed["child"] for _ in range(2))

    assert first[:KEY_ID_BYTES] == second[:KEY_ID_BYTES]
    assert not set(windows(first[KEY_ID_BYTES:])) & set(windows(second[KEY_ID_BYTES:]))


def windows(data: bytes, size: int = 6) -> list[bytes]:
    """All pieces of that size."""
    return [data[at : at + size] for at in range(len(data) - size + 1)]


def test_nothing_personal_is_in_the_file(tmp_path: Path) -> None:
    """No national id, name, phone or address that an event held can be found in any file of the database."""
    national = "850312300123"
    personal = {"given_name": "Айгерім", "address": "Абай көшесі 7", "phone": "+77011234567"}
    person = NAMES.pseudonym(national)
    store = Store(url_in(tmp_path))
    store.take(life(persons={"citizen": (person,)}, fields={"citizen": personal, "public": {"area": "visible"}}))
    (entry,) = store.scanned()
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    store.database.close()

    assert isinstance(entry.fact, LifeEvent)
    assert entry.fact.fields["citizen"] == personal
    assert b"visible" in files, "else this test looked in the wrong place"
    assert person.encode() in files
    for secret in (national, *personal, *personal.values()):
        assert secret.encode() not in files
