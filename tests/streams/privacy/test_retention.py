"""Retired content is unreadable everywhere, and nothing that was decided by it changes: on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as happening
from sqlalchemy import select

from domain.core.events import LifeEvent
from domain.facts.access_facts import ContentRetired
from domain.facts.principals import Principal, Role
from projections import history
from projections.tables import history as history_rows
from projections.tables import micros
from projections.tables import retired as retired_table
from streams.log.damaged import DamagedFact
from streams.log.master_key import KEY_BYTES, Keyring
from streams.log.person_keys import Period, PersonKeys
from streams.log.rewrap import Rewrapping, by_version
from streams.privacy.retention import Over, RetentionResult
from streams.replay.repair import GapFilter
from streams.storage.tables import period_keys
from tests.beginnings import KEYRING
from tests.streams.log.test_damaged import damage
from tests.streams.privacy.test_erasure import counts, stored
from tests.streams.rebuilding import rebuilt, verified
from tests.streams.storing import counted
from tests.world import World, card, event, few_triggers, fine, iin, limited, registered

DANA, OTHER = iin(2), iin(3)
OMAR = Principal("omar", "platform", frozenset({Role.OPERATOR}))
ISSUED, PAID, CARD = "kz.traffic.fine_issued", "kz.traffic.fine_paid", "kz.document.issued"
PLACE, OFFERED = "kindergarten_place", "kz.education.kindergarten_place_offered"
FINED, LATER, AHEAD = "2024-03-01T12:00:00+05:00", "2024-03-20T12:00:00+05:00", "2026-01-02T12:00:00+05:00"
NUMBER, YOUNG = "KZ-4711-4711", "KZ-0815-0815"


def paid(person: str, number: str, time: str) -> Any:
    """A fine was paid."""
    return event(PAID, person, time, {"number": number, "amount": 43250, "paid_on": time[:10]}, id=f"paid-{time}")


@pytest.fixture
def world(tmp_path: Path, url: str) -> Iterator[World]:
    """A platform on which fines and papers may be read for a year."""
    packs = [limited(tmp_path, fine_issued="P1Y", fine_paid="P1Y", document_issued="P1Y")]
    made = World(tmp_path, url=url, packs=packs, now=datetime(2024, 2, 28, 7, tzinfo=UTC))
    yield made
    made.close()


async def lived(world: World) -> None:
    """A fine of which she was told, one that she paid before, and one that is younger than the limit."""
    world.at(FINED)
    world.take(*registered(DANA), fine(DANA, NUMBER, FINED, id="f-1"), *registered(OTHER))
    await world.settle(LATER)
    world.take(fine(DANA, "KZ-PAID", LATER, id="f-2"), paid(DANA, "KZ-PAID", "2024-03-20T12:10:00+05:00"))
    await world.settle("2024-05-01T12:00:00+05:00")
    world.at("2025-02-01T12:00:00+05:00")
    world.take(fine(DANA, YOUNG, "2025-02-01T12:00:00+05:00", id="f-3"))
    await world.settle(AHEAD)


def retire(world: World) -> list[RetentionResult]:
    """Retire what is over."""
    done, clean = world.platform.privacy.retention.retire(OMAR, world.platform.privacy.retention.scope())
    assert clean
    return done


def wake(world: World, person: str) -> None:
    """Have the person planned again."""
    name, now = world.name(person), micros(world.clock())
    world.platform.database.write(lambda connection: history.wake_at_leisure(connection, [name], now))


def life(world: World, id_: str) -> LifeEvent:
    """The event of that id."""
    [found] = [each.fact for each in world.entries() if isinstance(each.fact, LifeEvent) and each.fact.id == id_]
    return found


async def test_only_what_is_over_becomes_unreadable(world: World, url: str, tmp_path: Path) -> None:
    """After it no byte of the content or of its keys is in file or dump; what is younger can be read as before."""
    await lived(world)
    with world.platform.database.reading() as connection:
        old = list(connection.execute(select(period_keys.c.wrapped).where(period_keys.c.year == 2024)).scalars())
    assert world.platform.privacy.retention.scope() == [
        Over(ISSUED, 2024, "P1Y", 1, 2),
        Over(PAID, 2024, "P1Y", 1, 1),
    ]

    assert retire(world) == [RetentionResult(ISSUED, 2024, "P1Y", 1, 0), RetentionResult(PAID, 2024, "P1Y", 1, 0)]

    gone, young = life(world, "f-1"), life(world, "f-3")
    assert gone.retired == world.clock()
    assert "event.number" not in gone.values
    assert gone.values["event.amount"] == 43250, "what is about nobody stays clear"
    assert (young.retired, young.values["event.number"]) == (None, YOUNG)
    bytes_ = stored(url, tmp_path)
    assert world.name(DANA).encode() in bytes_, "else this looked in the wrong place"
    for secret in (NUMBER.encode(), *map(bytes, old)):
        assert secret not in bytes_
        assert secret.hex().encode() not in bytes_


async def test_nothing_that_was_decided_changes(world: World) -> None:
    """Nudges and counts are as they were; planned again, and repaired, nobody has anything new to hear."""
    await lived(world)
    before, numbers, sent, checked = world.nudges(), counts(world), len(world.sent), verified(world.platform)
    retire(world)

    after = verified(world.platform)
    assert (before, numbers) == (world.nudges(), counts(world))
    assert (after.equal, after.waiting) == (True, 0)
    assert (after.facts, after.nudges) == (checked.facts, checked.nudges)
    assert [after.digests[each] for each in ("facts", "nudges")] == [
        checked.digests[each] for each in ("facts", "nudges")
    ]
    world.take(*registered(DANA, phone="+77010000009"))
    wake(world, DANA)
    await world.settle("2026-02-02T12:00:00+05:00")
    assert (before, sent) == (world.nudges(), len(world.sent))
    assert not [gap for each in world.platform.replay.repair.look(GapFilter()) for gap in each.gaps]


async def test_what_is_on_its_way_keeps_its_content(world: World) -> None:
    """A key stays as long as a nudge waits that was planned from what it seals; the run after that destroys it."""
    await lived(world)
    world.take(card(OTHER, "2026-03-10", time="2024-02-28T12:00:00+05:00"))
    assert retire(world)[0] == RetentionResult(CARD, 2024, "P1Y", 0, 1), "not planned yet"
    await world.settle()
    assert retire(world) == [RetentionResult(CARD, 2024, "P1Y", 0, 1)]
    assert len(await world.settle("2026-02-09T12:00:00+05:00")) == 1
    assert [each.keys for each in retire(world)] == [0]
    assert len(await world.settle("2026-03-04T12:00:00+05:00")) > 0
    await world.settle("2026-04-20T12:00:00+05:00")
    assert retire(world) == [RetentionResult(CARD, 2024, "P1Y", 1, 0)]
    assert world.platform.privacy.retention.scope() == []


async def test_what_is_on_its_way_to_another_keeps_it_too(tmp_path: Path) -> None:
    """The child's part stays readable as long as a message to the mother depends on it."""
    few_triggers(tmp_path, PLACE)
    packs = [limited(tmp_path, kindergarten_place_offered="P1Y")]
    world = World(tmp_path, packs=packs, now=datetime(2024, 2, 28, 7, tzinfo=UTC))
    offer = {"parents": [DANA], "kindergarten": "Baldyrgan", "offered_on": FINED[:10], "enrol_by": "2026-03-20"}
    world.at(FINED)
    world.take(*registered(DANA), event(OFFERED, OTHER, FINED, offer, id="offer"))
    await world.settle(AHEAD)
    waiting = [each.intent.person for each in world.nudges() if each.waits and each.intent.trigger == PLACE]
    assert waiting == [world.name(DANA)]
    assert retire(world) == [RetentionResult(OFFERED, 2024, "P1Y", 0, 1)]
    await world.settle("2026-03-25T12:00:00+05:00")
    assert retire(world) == [RetentionResult(OFFERED, 2024, "P1Y", 1, 0)]
    assert life(world, "offer").fields.keys() == {"public"}
    assert verified(world.platform).equal
    world.close()


async def test_done_again_nothing_is_done(world: World) -> None:
    """Whoever retires once more finds nothing, and says nothing."""
    await lived(world)
    retire(world)
    facts = len(world.entries())
    assert retire(world) == []
    assert len(world.entries()) == facts


async def test_killed_between_key_and_fact_it_begins_again(world: World) -> None:
    """Keys and the fact that they are gone are committed together: whoever is killed in it has done nothing yet."""
    await lived(world)

    def kill(*_: Any) -> None:
        raise KeyboardInterrupt

    wanted = world.platform.privacy.retention.scope()
    engine, killing = world.platform.database.engine, _on_destroyed(kill)
    happening.listen(engine, "after_cursor_execute", killing)
    with pytest.raises(KeyboardInterrupt):
        world.platform.privacy.retention.retire(OMAR, wanted)
    happening.remove(engine, "after_cursor_execute", killing)
    assert life(world, "f-1").values["event.number"] == NUMBER
    assert world.platform.privacy.retention.scope() == wanted
    assert not [each for each in world.entries() if isinstance(each.fact, ContentRetired)]
    assert [each.keys for each in retire(world)] == [1, 1]


def _on_destroyed(work: Any) -> Any:
    """Do this when keys were just destroyed."""

    def look(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("DELETE FROM period_keys"):
            work()

    return look


async def test_a_key_that_comes_back_is_destroyed_at_the_next_start(world: World, url: str, tmp_path: Path) -> None:
    """Where an older copy of the keys is put back, the log knows which of them are gone."""
    await lived(world)
    with world.platform.database.reading() as connection:
        copy = [dict(row._mapping) for row in connection.execute(period_keys.select())]
    retire(world)
    world.platform.database.write(lambda connection: connection.execute(period_keys.delete()))
    world.platform.database.write(lambda connection: connection.execute(period_keys.insert(), copy))
    assert life(world, "f-1").values["event.number"] == NUMBER
    again = World(tmp_path, url=url, now=world.clock())
    assert "event.number" not in life(again, "f-1").values
    assert life(again, "f-3").values["event.number"] == YOUNG
    again.close()


async def test_an_older_database_is_retired_again(world: World) -> None:
    """What was retired since a backup is retired again by what the machine knows, whatever the limit says there."""
    await lived(world)
    periods = {(each.type, each.year) for each in world.platform.privacy.retention.scope()}
    assert world.platform.privacy.retention.brought_back(periods) == world.platform.privacy.retention.scope()
    assert world.platform.privacy.retention.brought_back({(ISSUED, 1999)}) == []


async def test_an_older_log_with_the_newest_keys_learns_that_they_are_gone(world: World) -> None:
    """Where only the log is older, what was retired since is not taken for content that never was: all stands."""
    await lived(world)
    before = world.nudges()
    periods = {(each.type, each.year) for each in world.platform.privacy.retention.scope()}
    old = select(period_keys.c.key_id).where(period_keys.c.year == 2024)
    keys = world.platform.log.keys
    world.platform.database.write(
        lambda connection: keys.destroy_periods(connection, list(connection.execute(old).scalars()))
    )
    assert life(world, "f-1").retired is None
    assert world.platform.privacy.retention.recognise(OMAR, periods) == 2
    assert world.platform.privacy.retention.recognise(OMAR, periods) == 0
    assert life(world, "f-1").retired == world.clock()
    wake(world, DANA)
    await world.settle()
    assert world.nudges() == before
    assert verified(world.platform).equal


@pytest.mark.parametrize("doing", ["retiring", "recognising"])
async def test_what_is_damaged_is_named(world: World, doing: str) -> None:
    """A fact that cannot be read is named by its position, and nothing is retired."""
    await lived(world)
    retiring, wanted = world.platform.privacy.retention, world.platform.privacy.retention.scope()
    position = damage(world, "life/1", only=select(history_rows.c.position).where(history_rows.c.type == PAID))
    with pytest.raises(DamagedFact, match=f"position {position} "):
        retiring.retire(OMAR, wanted[1:]) if doing == "retiring" else retiring.recognise(OMAR, {(PAID, 2024)})
    assert retiring.scope() == wanted


async def test_an_erasure_takes_the_keys_of_all_periods(world: World) -> None:
    """Nothing of an erased person can be read, of whatever type and year, and others keep theirs."""
    await lived(world)
    world.take(fine(OTHER, "KZ-OTHER", "2025-03-01T12:00:00+05:00", id="other"))
    certificate = world.platform.privacy.erasure.erase(world.name(DANA), OMAR, "asked")
    assert certificate.removed["period_keys"] == 3
    assert "event.number" not in life(world, "f-3").values
    assert life(world, "f-3").retired is None
    assert life(world, "other").values["event.number"] == "KZ-OTHER"
    assert world.platform.privacy.retention.scope() == []


async def test_a_rotation_wraps_the_keys_of_periods_too(world: World) -> None:
    """After a rotation of the master key the older one opens nothing any more, and is needed for nothing."""
    await lived(world)
    newer = Keyring(KEYRING.names, {**KEYRING.wrapping, 2: b"2" * KEY_BYTES})
    done = Rewrapping(world.platform.database, newer).run(batch=1)
    with world.platform.database.reading() as connection:
        assert by_version(connection) == {2: done}
        only = Keyring(KEYRING.names, {2: b"2" * KEY_BYTES})
        keys = PersonKeys(only).load(connection, [Period(world.name(DANA), ISSUED, 2025).holder])
    assert len(keys) == 1


async def test_the_view_is_as_the_log_has_it(world: World) -> None:
    """Which keys are gone is a view: rebuilt from the log it says the same."""
    await lived(world)
    retire(world)
    assert counted(world.platform.database, retired_table) == 2
    world.platform.database.write(lambda connection: connection.execute(retired_table.delete()))
    assert rebuilt(world.platform, swap=True).differences["retired"] == 2
    assert life(world, "f-1").retired is not None


async def test_of_types_without_a_limit_everything_is_as_before(world: World) -> None:
    """Only types with a limit have keys of periods: everything else is sealed with a person's own key."""
    await lived(world)
    with world.platform.database.reading() as connection:
        found = {tuple(row) for row in connection.execute(select(period_keys.c.type, period_keys.c.year))}
    assert found == {(ISSUED, 2024), (ISSUED, 2025), (PAID, 2024)}
