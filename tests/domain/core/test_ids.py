import math
from uuid import UUID

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.core.ids import Names, first_and_last_id, first_id_of_share, keyed_hash, shortened
from tests.domain.given import before, given, modest, published, rules
from tests.domain.world import correction, paper

NAMES = Names(b"golden key")
CARD = rules("paper.issued", {"month": before(30)})


@pytest.mark.parametrize(
    ("made", "golden"),
    [
        (NAMES.pseudonym("900101300017"), "13ff9bee7254dabad4b5fbcd6a39eb99"),
        (NAMES.stream("registry", "e-1").hex, "13e1450866f6a4339f560541bfc71609"),
        (NAMES.digest(b'{"a":1}').hex(), "94885311f0ea428b668f5a86b2bbb4ca"),
        (NAMES.occurrence("card", "aida", "registry", "e-1").hex, "0f97244f3d11c1011c7fcb389ccaf920"),
        (NAMES.occurrence("card", "aida", "N1").hex, "f85804fe9b94870241d7c082c9b5b5f2"),
        (NAMES.nudge("card", "aida", UUID(int=7), "month").hex, "61696461972271cdac029da7f970fb2e"),
        (NAMES.registry_stream("trigger", "card").hex, "c2f7a8795cbfb5a296ce5e20b10d43d5"),
    ],
)
def test_the_format_of_ids_is_frozen(made: str, golden: str) -> None:
    """Ids are in the log for ever: the same key and parts give the same id in every release."""
    assert made == golden


@modest
@examples(st.text(max_size=8), st.text(max_size=8), st.lists(st.text(max_size=8), max_size=3), st.uuids())
def test_ids_are_keyed_hashes_of_their_parts(trigger: str, person: str, about: list[str], occurrence: UUID) -> None:
    """The ids joined by hand for speed are the keyed hashes of their parts, whatever the parts."""
    key = NAMES.key
    nudge = NAMES.nudge(trigger, person, occurrence, "month").bytes
    assert nudge[4:] == keyed_hash(key, "nudge", trigger, person, occurrence.hex, "month")[4:]
    assert nudge[:4] == person.encode()[:4].ljust(4)
    assert NAMES.pseudonym(person) == keyed_hash(key, "person", person).hex()
    assert NAMES.stream(trigger, person).bytes == keyed_hash(key, "life", trigger, person)
    assert NAMES.occurrence(trigger, person, *about).bytes == keyed_hash(key, "occurrence", trigger, person, *about)


def test_no_part_leaks_into_the_next() -> None:
    """Parts that read the same when joined are still different parts."""
    assert keyed_hash(b"k", "ab", "c") != keyed_hash(b"k", "a", "bc") != keyed_hash(b"k", "abc")


@pytest.mark.parametrize(
    "other",
    [
        NAMES.nudge("fine", "aida", UUID(int=7), "month"),
        NAMES.nudge("card", "saule", UUID(int=7), "month"),
        NAMES.nudge("card", "aida", UUID(int=8), "month"),
        NAMES.nudge("card", "aida", UUID(int=7), "week"),
        Names(b"another key").nudge("card", "aida", UUID(int=7), "month"),
    ],
)
def test_each_part_and_the_key_make_another_nudge(other: UUID) -> None:
    """Another trigger, person, occurrence, step or key is another nudge."""
    assert other != NAMES.nudge("card", "aida", UUID(int=7), "month")


def test_nobody_can_try_guesses_without_the_key() -> None:
    """Pseudonyms and fingerprints of bodies depend on the key."""
    other = Names(b"another key")
    assert other.pseudonym("900101300017") != NAMES.pseudonym("900101300017")
    assert other.digest(b"{}") != NAMES.digest(b"{}")


def test_the_same_event_has_the_same_stream_in_its_source_only() -> None:
    """A stream is (source, id): another source may use the same id."""
    assert NAMES.stream("a", "1") != NAMES.stream("b", "1")


def test_a_nudge_keeps_its_id_when_its_date_moves() -> None:
    """A corrected date moves the nudge and makes no second one."""
    original = paper("2025-02-20")
    before = given(original).when(CARD).only
    after = given(original, correction(original, paper("2025-06-20", time="2025-01-12"))).when(CARD).only
    assert before.due != after.due
    assert before.id == after.id


def test_a_nudge_keeps_its_id_under_another_version() -> None:
    """Neither the version's hash nor its due time is in the id."""
    later = rules("paper.issued", {"month": {"from": "event.expires_on", "offset": "-P20D", "at": "15:00"}})
    first, second = given(paper()).when(published(CARD)).only, given(paper()).when(published(later, 2)).only
    assert (first.version, second.version) == ("card@1", "card@2")
    assert replace(second, version=first.version, due=first.due, expires=first.expires) == first


def test_a_revision_is_its_cause_but_the_original_is_its_occurrence() -> None:
    """The nudge names the revision that counts as its cause, and is still about the original event."""
    original = paper()
    corrected = correction(original, original)
    intent = given(original, corrected).when(CARD).only
    assert intent.cause == corrected.stream
    assert intent.occurrence == given(original).when(CARD).only.occurrence


@examples(st.text(max_size=20), st.uuids(), st.sampled_from([25, 40]))
def test_a_shortened_id_leads_back_to_its_few_neighbours(step: str, occurrence: UUID, bits: int) -> None:
    """What stands in a short link finds the nudge by its id, among as few others as its bits can tell apart."""
    nudge = NAMES.nudge("card", NAMES.pseudonym("900101300017"), occurrence, step)
    number = shortened(nudge, bits)
    first, last = first_and_last_id(number, bits)
    assert 0 <= number < 2**bits
    assert first <= nudge <= last
    assert last.int - first.int + 1 == 2 ** (96 - (bits - 16))


@examples(st.text(max_size=20), st.uuids(), st.integers(1, 40))
def test_nudges_are_shared_out_as_their_persons_are(person: str, occurrence: UUID, of: int) -> None:
    """A nudge's id lies in the share of its person's pseudonym, of which each has as many as any other."""
    pseudonym = NAMES.pseudonym(person)
    share = math.ceil((int(pseudonym[:4], 16) + 1) * of / 16**4) - 1
    nudge = NAMES.nudge("card", pseudonym, occurrence, "month")
    assert first_id_of_share(share, of) <= nudge
    assert share + 1 == of or nudge < first_id_of_share(share + 1, of)
