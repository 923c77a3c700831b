"""Pieces of longer SMS: one message of them, once, whichever processes they come to, and nothing lost or mixed up."""

import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st
from sqlalchemy import Connection, select
from sqlalchemy.event import listen

from notifiers.port.interface import Incoming, Piece
from streams.delivery.inbound.sms_parts import NewKeys, SmsReassembly
from streams.queues.dead_letters import LetterFilter
from streams.rules.in_force import Rules
from streams.runtime import cleanup
from streams.storage.tables import pieces
from tests.streams.piecing import (
    AGAIN,
    AIGERIM,
    PATIENCE,
    PHONE,
    STRANGER,
    asked,
    beside,
    come,
    kept,
    piece,
    texts,
)
from tests.streams.privacy.test_erasure import OMAR, stored
from tests.streams.replay.test_lock_order import waits
from tests.streams.storing import PATIENCE as STORE_PATIENCE
from tests.streams.storing import modest
from tests.world import World, event

SECOND = timedelta(seconds=1)


@pytest.fixture
async def world(tmp_path: Path, url: str) -> AsyncIterator[World]:
    """Aigerim was asked something by SMS; on each database."""
    made = await asked(tmp_path, url)
    yield made
    made.close()


@pytest.fixture
def other(world: World, tmp_path: Path) -> Iterator[World]:
    """Another process on the same database."""
    made = beside(world, tmp_path)
    yield made
    made.close()


def letters(world: World) -> int:
    """How many texts nobody knows whose they are."""
    return world.platform.runtime.dead_letters.count(LetterFilter())


def test_pieces_that_come_to_two_processes_are_one_message(world: World, other: World) -> None:
    """Each process gets one half, and nothing is missing."""
    come(world, piece(2, "келісемін."))
    assert texts(world) == []
    come(other, piece(1, "Иә, "))
    assert texts(world) == ["Иә, келісемін."]


def test_a_process_that_dies_between_two_pieces_loses_nothing(world: World, tmp_path: Path) -> None:
    """The one that it had is there for whoever comes after it."""
    come(world, piece(1, "Иә, "))
    world.platform.database.engine.dispose()
    after = beside(world, tmp_path)
    come(after, piece(2, "келісемін."))
    assert texts(after) == ["Иә, келісемін."]
    after.close()


def test_a_piece_that_comes_again_is_the_same(world: World, other: World) -> None:
    """Before the message is whole and after it, to whomever: what was not acknowledged begins nothing new."""
    come(world, piece(1, "Иә, "), piece(1, "Иә, "))
    come(other, piece(1, "Иә, "), piece(2, "келісемін."))
    come(world, piece(2, "келісемін."))
    world.at(world.clock() + AGAIN - SECOND)
    come(world, piece(1, "Иә, "), piece(2, "келісемін."))
    assert texts(world) == ["Иә, келісемін."]
    assert [row.sealed for row in kept(world)] == [None, None]


def test_the_same_words_long_after_are_another_message(world: World) -> None:
    """Once it can be no repetition any more, the same text with the same reference is new; tidying leaves nothing."""
    for _ in range(2):
        come(world, piece(1, "Иә, "), piece(2, "келісемін."))
        world.at(world.clock() + AGAIN)
    assert texts(world) == ["Иә, келісемін."] * 2
    cleanup.run(world.platform.database, world.clock())
    assert kept(world) == []


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("sender", [PHONE, STRANGER])
def test_two_who_have_one_half_each_at_once_make_one_message(world: World, other: World, sender: str) -> None:
    """While one of them keeps its half, the other waits and then sees it; from known numbers and from others."""
    database, begun, go_on = world.platform.database, threading.Event(), threading.Event()

    def pause(connection: Connection) -> None:
        if not begun.is_set() and connection.execute(select(pieces.c.number)).first() is not None:
            begun.set()
            assert go_on.wait(STORE_PATIENCE)

    listen(database.engine, "commit", pause)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(come, world, piece(1, "Иә, ", sender=sender))
        assert begun.wait(STORE_PATIENCE)
        second = threads.submit(come, other, piece(2, "келісемін.", sender=sender))
        assert waits(other.platform.database)
        go_on.set()
        for each in (first, second):
            each.result(STORE_PATIENCE)
    assert len(texts(world)) + letters(world) == 1
    assert not any(row.sealed for row in kept(world))


def test_many_halves_at_once_make_as_many_messages(world: World, other: World) -> None:
    """However two processes meet, each message is made by one of them, whole."""
    together, rounds = threading.Barrier(2), 15

    def take(process: World, number: int) -> None:
        for at in range(rounds):
            together.wait(STORE_PATIENCE)
            come(process, piece(number, f"{at}.{number} ", reference=at))
            come(process, piece(number, f"{at}.{number} ", reference=at, sender=STRANGER))

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(take, world, 1), threads.submit(take, other, 2)]:
            each.result(2 * STORE_PATIENCE)
    assert sorted(texts(world)) == sorted(f"{at}.1 {at}.2 " for at in range(rounds))
    assert letters(world) == rounds
    assert not any(row.sealed for row in kept(world))


def test_the_same_piece_by_two_at_once_is_one(world: World, other: World) -> None:
    """A centre that sends what was not acknowledged by the other bind, while the first still keeps it."""
    come(world, piece(1, "Иә, "))
    together = threading.Barrier(2)

    def take(process: World) -> None:
        together.wait(STORE_PATIENCE)
        come(process, piece(2, "келісемін."))

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(take, world), threads.submit(take, other)]:
            each.result(STORE_PATIENCE)
    assert texts(world) == ["Иә, келісемін."]


def test_pieces_of_two_messages_with_one_reference_are_not_joined(world: World, other: World) -> None:
    """References come again: where the same piece has other words, what was there before goes on alone."""
    come(world, piece(1, "Ескі "))
    come(other, piece(1, "Жаңа "))
    assert texts(world) == ["Ескі …"]
    come(world, piece(2, "хабар"))
    assert texts(world) == ["Ескі …", "Жаңа хабар"]


def test_pieces_of_two_senders_providers_or_numbers_are_not_joined(world: World) -> None:
    """They have a reference in common, and nothing else."""
    come(world, piece(1, "Иә, "), piece(2, "жоқ", sender=STRANGER), piece(2, "жоқ", reference=8))
    come(world, piece(2, "жоқ", total=3))
    world.platform.delivery.inbound.receiving.reassembly.take("another", piece(2, "жоқ"))
    assert texts(world) == []
    come(world, piece(2, "келісемін."))
    assert texts(world) == ["Иә, келісемін."]


async def test_what_never_becomes_complete_goes_on_as_it_is(world: World, other: World) -> None:
    """Once nothing has come for as long as we are patient: with a sign for what is missing, once, for the agency."""
    come(world, piece(2, "ұзақ ", total=3))
    world.at(world.clock() + PATIENCE / 2)
    come(world, piece(1, "Бұл ", total=3))
    world.at(world.clock() + PATIENCE - SECOND)
    assert world.platform.delivery.inbound.receiving.reassembly.give_up() == 0
    world.at(world.clock() + SECOND)
    other.at(world.clock())
    assert [each.platform.delivery.inbound.receiving.reassembly.give_up() for each in (other, world)] == [1, 0]
    assert texts(world) == ["Бұл ұзақ …"]
    come(world, piece(1, "Бұл ", total=3))
    assert texts(world) == ["Бұл ұзақ …"]


async def test_a_piece_after_its_time_is_of_another_message(world: World) -> None:
    """What was there goes on first, without waiting for anybody to look."""
    come(world, piece(1, "Ескі "))
    world.at(world.clock() + PATIENCE)
    come(world, piece(2, "хабар"))
    assert texts(world) == ["Ескі …"]
    await world.settle(world.clock() + PATIENCE)
    assert texts(world) == ["Ескі …", "…хабар"]


def test_two_who_give_it_up_at_once_give_one_message(world: World, other: World) -> None:
    """Every dispatcher looks for what is over, and each message goes on once."""
    come(world, *(piece(1, f"{at} ", reference=at) for at in range(20)))
    for each in (world, other):
        each.at(world.clock() + PATIENCE)
    with ThreadPoolExecutor(2) as threads:
        done = list(
            threads.map(lambda each: each.platform.delivery.inbound.receiving.reassembly.give_up(), (world, other))
        )
    assert sum(done) == 20
    assert sorted(texts(world)) == sorted(f"{at} …" for at in range(20))


def test_what_strangers_write_is_a_dead_letter_as_a_whole(world: World) -> None:
    """A number that was never told anything: the whole text is one letter, and can be taken in later."""
    come(world, piece(1, "Сәлем, ", sender=STRANGER))
    assert letters(world) == 0
    come(world, piece(2, "мен кіммін?", sender=STRANGER))
    [letter] = world.platform.runtime.dead_letters.letters(LetterFilter())
    assert (letter.kind, letter.told) == ("message", "an SMS of 18 characters")
    assert texts(world) == []


def test_neither_words_nor_numbers_are_kept_in_clear(world: World, url: str, tmp_path: Path) -> None:
    """Whoever reads the file finds no word of a piece, and not who wrote it."""
    come(world, piece(1, "құпия", sender=PHONE), piece(1, "құпия", sender=STRANGER))
    assert [row.person for row in kept(world)].count(world.name(AIGERIM)) == 1
    bytes_ = stored(url, tmp_path)
    assert world.name(AIGERIM).encode() in bytes_, "else this looked in the wrong place"
    for word in ("құпия", STRANGER, STRANGER[1:]):
        assert word.encode() not in bytes_, word


def test_who_is_erased_has_begun_no_message(world: World) -> None:
    """Their pieces go, also where only the words name them, over two pieces even; what others write stays."""
    named = f"Менің ЖСН {AIGERIM}".partition(AIGERIM[6:])
    come(world, piece(1, "Иә, "), piece(1, "Сәлем, ", reference=8, sender=STRANGER))
    come(world, piece(1, named[0], 3, 9, STRANGER), piece(2, named[1] + named[2], 3, 9, STRANGER))
    certificate = world.platform.privacy.erasure.erase(world.name(AIGERIM), OMAR, "asked")
    assert certificate.removed["pieces"] == 3
    assert [row.person for row in kept(world)] == [None]
    come(world, piece(2, "мен кіммін?", reference=8, sender=STRANGER))
    assert letters(world) == 1


class Overtaken:
    """What is done with texts, by who read whose they may be before an erasure."""

    def __init__(self, world: World) -> None:
        self._writer, self._receiving = world.name(AIGERIM), world.platform.delivery.inbound.receiving

    def possible_senders(self, *_: object) -> Sequence[str]:
        return [self._writer]

    def receive_within(
        self, connection: Connection, provider: str, message: Incoming, rules: Rules
    ) -> NewKeys | None:
        return self._receiving.receive_within(connection, provider, message, rules)


def test_who_is_erased_meanwhile_writes_no_piece(world: World) -> None:
    """A piece that waited for the erasure of who wrote it is nobody's, as all that come later."""
    late = SmsReassembly(world.platform.rules.context, Overtaken(world))
    world.platform.privacy.erasure.erase(world.name(AIGERIM), OMAR, "asked")
    late.take("operator", piece(1, "Иә, "))
    assert [row.person for row in kept(world)] == [None]


def test_who_has_no_key_any_more_is_read_by_nobody(world: World) -> None:
    """A piece whose key was destroyed by other means makes no message, and holds no other."""
    come(world, piece(1, "Иә, "))
    world.platform.database.write(lambda each: world.platform.log.keys.destroy(each, world.name(AIGERIM)))
    come(world, piece(2, "келісемін."), piece(1, "бір ", reference=8), piece(2, "екі", reference=8))
    world.platform.delivery.inbound.receiving.reassembly.give_up()
    assert not any(row.sealed for row in kept(world))


def test_a_new_owner_of_a_number_does_not_finish_what_the_old_one_began(world: World) -> None:
    """A piece is sealed for whom it came from, and the erasure of that one takes it along, whoever has the number."""
    come(world, piece(1, "Иә, "))
    new = {"phone": "+77017654321"}
    world.take(event("citizen.contact_changed", AIGERIM, "2025-06-04T11:00:00+05:00", new, id="new"))
    world.platform.privacy.erasure.erase(world.name(AIGERIM), OMAR, "asked")
    assert kept(world) == []


_references = count(1)


@st.composite
def _arrivals(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int]]]:
    """The words of a message in pieces, and which piece comes to which process: each at least once, in any order."""
    words = draw(st.lists(st.text("әқ1 €\U0001f393", min_size=1, max_size=5), min_size=2, max_size=5))
    numbers = st.integers(1, len(words))
    every = [*range(1, len(words) + 1), *draw(st.lists(numbers, max_size=4))]
    order = draw(st.permutations(every))
    return words, [(number, draw(st.integers(0, 1))) for number in order]


@settings(parent=modest, suppress_health_check=[HealthCheck.function_scoped_fixture])
@examples(_arrivals())
def test_any_order_any_repetition_and_any_split_give_the_same_message(
    world: World, other: World, arrivals: tuple[Sequence[str], Sequence[tuple[int, int]]]
) -> None:
    """However its pieces come to two processes, a message is one, with the text that was written."""
    words, coming = arrivals
    reference, before = next(_references), len(texts(world))

    def of(number: int) -> Piece:
        return piece(number, words[number - 1], len(words), reference)

    for number, process in coming:
        come((world, other)[process], of(number))
    assert texts(world)[before:] == ["".join(words)]
