"""Dead letters that are given up are gone, and the log says who took them away, and why."""

from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection

from app.identity.log_codes import codes_by
from domain.core.ids import Position
from domain.facts.access_facts import LettersDropped
from domain.facts.principals import Principal, Role
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.log.person_keys import PersonKeys
from streams.privacy.discard import give_up
from streams.queues.dead_letters import Letter, LetterFilter
from tests.beginnings import KEYRING
from tests.world import World

OLGA = Principal("olga", "platform", frozenset([Role.OPERATOR]))
WHY = "the registry sends them anew"
RECORD = b"\x92\xc0\xc4\x01x"
LETTERS = [
    Letter("kafka.record", "persons/3/1", "not_json", RECORD),
    Letter("kafka.record", "persons/3/2", "not_json", RECORD),
    Letter("kafka.record", "persons/3/3", "no_time", RECORD),
    Letter("webhook", "1", "gone", RECORD),
]


@pytest.fixture
def kept(world: World) -> World:
    """A platform with four letters of three causes."""
    for each in LETTERS:
        world.platform.database.write(partial(world.platform.queues.dead_letter_queue.put, letter=each))
    return world


class Full(Log):
    """A log on a full disk."""

    def append(self, _connection: Connection, _entries: Iterable[Entry]) -> Position:
        """Take nothing."""
        raise OSError("no space left")


def drop(world: World, choice: LetterFilter) -> int:
    """Give them up as olga."""
    return give_up(world.platform.rules.context, choice, OLGA, WHY)


def dropped(world: World) -> list[LettersDropped]:
    """What the log says of it."""
    return [each.fact for each in world.entries() if isinstance(each.fact, LettersDropped)]


def test_however_many_are_named(kept: World) -> None:
    """More ids than a statement takes are counted, grouped and given up as few are."""
    letters = kept.platform.runtime.dead_letters
    these = letters.fixed(LetterFilter())
    many = LetterFilter(ids=(*(UUID(int=number) for number in range(300_000)), *(these.ids or ())))
    assert letters.groups(many) == letters.groups(these) == letters.groups()
    assert drop(kept, many) == len(LETTERS)


def test_what_was_chosen_goes_and_the_rest_stays(kept: World) -> None:
    """Giving up by cause, by kind or by id leaves the others."""
    letters = kept.platform.runtime.dead_letters
    assert drop(kept, LetterFilter(cause="no_time")) == 1
    assert drop(kept, LetterFilter(kind="webhook")) == 1
    first, second = letters.letters(LetterFilter())
    assert (first.cause, second.cause) == ("not_json", "not_json")
    assert drop(kept, LetterFilter(ids=(first.id,))) == 1
    assert [each.id for each in letters.letters(LetterFilter())] == [second.id]


def test_the_log_says_who_gave_up_what_and_why(kept: World) -> None:
    """Of each kind and cause one fact: who, why, how many, and a digest by which somebody's list can be checked."""
    ids = {each.id for each in kept.platform.runtime.dead_letters.letters(LetterFilter(cause="not_json"))}
    assert drop(kept, LetterFilter()) == 4
    facts = dropped(kept)
    assert {(each.by, each.agency, each.reason, each.at) for each in facts} == {
        ("olga", "platform", WHY, kept.clock())
    }
    assert [(each.kind, each.cause, each.count) for each in facts] == [
        ("kafka.record", "no_time", 1),
        ("kafka.record", "not_json", 2),
        ("webhook", "gone", 1),
    ]
    assert facts[1].letters == sha256(b"".join(sorted(each.bytes for each in ids))).digest()


def test_nothing_given_up_is_nothing_to_say(kept: World) -> None:
    """Where no letter is meant, the log gets no fact."""
    assert drop(kept, LetterFilter(cause="other")) == 0
    assert dropped(kept) == []


def test_no_letter_goes_without_its_fact(kept: World) -> None:
    """If the log cannot take the fact, the letters are still there."""
    on = kept.platform
    full = replace(on.rules.context, log=Full(on.database, PersonKeys(KEYRING), on.clock, codes_by(KEYRING)))
    with pytest.raises(OSError, match="no space"):
        give_up(full, LetterFilter(), OLGA, WHY)
    assert on.runtime.dead_letters.count(LetterFilter()) == len(LETTERS)
    assert dropped(kept) == []
