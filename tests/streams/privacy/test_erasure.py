"""Erased means unreadable everywhere, and the counts do not change: on SQLite and on PostgreSQL."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, select
from sqlalchemy.engine import make_url

from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAttempted, NudgeCancelled, NudgeFact, NudgeSent
from domain.facts.principals import Principal, Role
from domain.facts.receipts import ReceiptStatus
from domain.nudges.delivery import State
from domain.planning.plan import Intent
from domain.rules.triggers import CORRECTION
from projections import statistics
from projections.tables import due, handed_over, history, inbox, residents
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.intake.cloudevents import Envelope
from streams.log.appending import record
from streams.log.person_keys import PersonKeys
from streams.planning.person_plans import RulesMoved
from streams.planning.planning import Planning
from streams.privacy.erasure import NobodyKnown
from streams.queues.dead_letters import Letter
from streams.replay.verify import compared
from streams.storage.tables import conversations, dead_letters, fake_messages, log, person_keys
from tests.beginnings import KEYRING
from tests.streams.rebuilding import rebuild
from tests.world import LONG_AGO, World, birth, card, corrected, fine, iin, registered

CHILD, MOTHER, OTHER = iin(1), iin(2), iin(3)
OMAR = Principal("omar", "platform", frozenset({Role.OPERATOR}))
CLEAR = ("Айгерім", "+77019998877", "aigerim@example.org", "N-4711", "Дана")
LIVED = "2025-06-10T12:00:00+05:00"


@pytest.fixture
def world(tmp_path: Path, url: str) -> Iterator[World]:
    """A platform."""
    made = World(tmp_path, url=url)
    yield made
    made.close()


def known() -> Envelope:
    """The mother's card; its id, which stays clear, says nothing about her."""
    return card(MOTHER, "2025-07-10", "N-4711", id="card-1")


async def live(world: World) -> None:
    """A mother, her child and somebody else are known; she was told of her card, and is yet to be told of more."""
    mine = {"phone": "+77019998877", "email": "aigerim@example.org"}
    world.take(
        *registered(MOTHER, **mine),
        *registered(OTHER),
        known(),
        card(OTHER, "2025-07-10"),
        birth(CHILD, MOTHER, "2025-06-01"),
        fine(OTHER, "F1", "2025-06-01T12:00:00+05:00"),
    )
    await world.settle(LIVED)


def rows(world: World, table: Any, person: str) -> int:
    """How many rows of a table name the person."""
    column = table.c.get("person", table.c.get("recipient"))
    with world.platform.database.reading() as connection:
        return len(connection.execute(select(column).where(column == world.name(person))).all())


def counts(world: World) -> dict[tuple[str, str], int]:
    """What the statistics count of life events and messages, without what an erasure itself does."""
    world.platform.replay.follower.drain()
    with world.platform.database.reading() as connection:
        found = statistics.totals(connection)
    return {key: count for key, count in found.items() if "cancelled" not in key[1] and "withheld" not in key[1]}


def stored(url: str, folder: Path) -> bytes:
    """All that is in the file and its write-ahead log, or in a dump of the PostgreSQL database."""
    if "postgresql" not in url:
        return b"".join(each.read_bytes() for each in folder.glob("*.sqlite*"))
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    binaries = subprocess.run(["pg_config", "--bindir"], capture_output=True, check=False, text=True).stdout.strip()  # noqa: S607  (as the server is found)
    dump = [f"{binaries}/pg_dump" if binaries else "pg_dump", plain]
    return subprocess.run(dump, capture_output=True, check=True).stdout  # noqa: S603  (ourselves)


async def test_nothing_clear_is_left_and_counts_stay(world: World, url: str, tmp_path: Path) -> None:
    """No byte of their clear data is in files or dumps, views and keys are gone; all counts as before."""
    await live(world)
    before, secret = counts(world), _wrapped(world, MOTHER)
    certificate = world.platform.privacy.erasure.erase(world.name(MOTHER), OMAR, "asked for it")

    assert counts(world) == before
    for table in (history, residents, inbox, handed_over, conversations, fake_messages, person_keys, due):
        assert rows(world, table, MOTHER) == 0, table.name
    assert rows(world, history, OTHER) > 0
    bytes_ = stored(url, tmp_path)
    assert world.name(MOTHER).encode() in bytes_, "else this looked in the wrong place"
    for word in (*CLEAR, MOTHER):
        assert word.encode() not in bytes_, word
    assert secret.hex().encode() not in bytes_
    assert secret not in bytes_
    assert (certificate.reason, certificate.by, certificate.clean) == ("asked for it", "omar", True)
    assert certificate.kept["life/1"] == 5


def _wrapped(world: World, person: str) -> bytes:
    with world.platform.database.reading() as connection:
        query = select(person_keys.c.wrapped).where(person_keys.c.person == world.name(person))
        return bytes(connection.execute(query).scalar_one())


async def test_every_nudge_ends_and_nobody_is_told_any_more(world: World) -> None:
    """What was planned is cancelled because of the erasure; nothing goes to them later, and the others still hear."""
    await live(world)
    person = world.name(MOTHER)
    world.platform.privacy.erasure.erase(person, OMAR, "asked")

    ended = _of(world, MOTHER)
    assert not any(one.waits for one in ended)
    cancelled = [fact for one in ended for fact in world.facts(one.intent.id) if isinstance(fact, NudgeCancelled)]
    assert {fact.reason for fact in cancelled} == {"erased"}
    later = await world.settle("2025-07-03T12:00:00+05:00")
    assert {message.recipient for message in later} == {world.name(OTHER)}
    assert person not in {intent.person for intent in world.intents()}


def _of(world: World, person: str) -> list[Any]:
    from projections import nudges  # noqa: PLC0415  (its name is a method's here)

    with world.platform.database.reading() as connection:
        return list(nudges.of_persons(connection, [world.name(person)])[world.name(person)].values())


def theirs(world: World, person: str) -> list[Intent]:
    """What the person's plan is."""
    return [each for each in world.intents() if each.person == world.name(person)]


async def test_others_keep_their_part_and_their_plan(world: World) -> None:
    """Others are planned as before, byte by byte; who shares an event only loses what read the erased part."""
    await live(world)
    before = theirs(world, OTHER), theirs(world, MOTHER)
    world.platform.privacy.erasure.erase(world.name(CHILD), OMAR, "asked")
    world.plan()

    assert theirs(world, OTHER) == before[0]
    assert theirs(world, MOTHER) == [each for each in before[1] if each in theirs(world, MOTHER)]
    [birth_] = [entry.originator_id for entry in world.entries() if getattr(entry.fact, "id", "").startswith("birth")]
    lost = {each.cause for each in before[1]}.difference(each.cause for each in theirs(world, MOTHER))
    assert lost <= {birth_}
    waiting = {one.intent.id for one in _of(world, MOTHER) if one.pending}
    assert waiting <= {each.id for each in theirs(world, MOTHER)}, "the log agrees with the plan"
    [born] = [entry.fact for entry in world.entries() if getattr(entry.fact, "type", "")[3:9] == "civil."]
    assert isinstance(born, LifeEvent)
    assert "mother" in born.persons
    assert "child" in born.persons
    assert "child" not in born.fields
    [told] = [entry.fact for entry in world.entries() if getattr(entry.fact, "id", "") == f"contact-{MOTHER[6:11]}"]
    assert "+77019998877" in str(told)


async def test_views_come_back_from_the_log_without_them(world: World) -> None:
    """A rebuild finds no difference: it neither brings the person back nor counts otherwise."""
    await live(world)
    world.platform.privacy.erasure.erase(world.name(MOTHER), OMAR, "asked")
    world.take(*registered(MOTHER)[1:2])  # and they come again
    await world.settle("2025-06-11T12:00:00+05:00")
    before = counts(world)

    found = rebuild(
        world.platform.database,
        world.platform.log,
        world.platform.identity.names,
        world.platform.rules.library.rules().catalogue,
        swap=True,
    )
    assert {name: count for name, count in found.differences.items() if count} == {}
    assert counts(world) == before
    assert rows(world, history, MOTHER) == 0


async def test_who_comes_back_has_a_new_key_and_an_empty_history(world: World) -> None:
    """A later event is read and planned; a revision of what was erased brings nothing of it back."""
    await live(world)
    old = _wrapped(world, MOTHER)
    world.platform.privacy.erasure.erase(world.name(MOTHER), OMAR, "asked")
    again = [replace(each, id=f"{each.id}-again") for each in registered(MOTHER, LONG_AGO)]
    world.take(*again, card(MOTHER, "2026-03-01", "N-5", time="2025-06-10T11:00:00+05:00"), corrected(known(), 2))
    world.plan()

    assert _wrapped(world, MOTHER) != old
    assert rows(world, history, MOTHER) == 5
    assert {intent.due.year for intent in world.intents() if intent.person == world.name(MOTHER)} == {2026}
    assert not any(each.accepted for each in world.take(known())), "the same event again is known, and stays sealed"


async def test_who_comes_back_is_told_of_nothing_from_before(world: World) -> None:
    """What was sent before the erasure was no mistake: nobody is asked to disregard it, and no plan asks for that."""
    await live(world)
    assert "birth_allowance" in {one.intent.trigger for one in world.nudges() if one.state == "sent"}
    world.platform.privacy.erasure.erase(world.name(MOTHER), OMAR, "asked")
    world.at("2025-06-11T12:00:00+05:00")
    world.take(*(replace(each, id=f"{each.id}-again") for each in registered(MOTHER, LONG_AGO)))
    assert await world.settle() == []
    assert CORRECTION not in {one.intent.step for one in world.nudges()}
    book = world.platform.rules.library.rules().rulebook
    with world.platform.database.reading() as connection:
        assert compared(connection, world.platform.log, [world.name(MOTHER)], book, world.clock()).unlike == 0


async def test_an_older_copy_of_the_keys_is_destroyed_at_the_start(world: World, tmp_path: Path, url: str) -> None:
    """Whoever restores keys from before the erasure and starts finds the erased person as unreadable as before."""
    await live(world)
    with world.platform.database.reading() as connection:
        copy = connection.execute(person_keys.select()).all()
    world.platform.privacy.erasure.erase(world.name(MOTHER), OMAR, "asked")

    def restore(connection: Connection) -> None:
        connection.execute(person_keys.delete())
        connection.execute(person_keys.insert(), [dict(row._mapping) for row in copy])

    world.platform.database.write(restore)
    assert rows(world, person_keys, MOTHER) == 1
    again = World(tmp_path, url=url)
    assert rows(again, person_keys, MOTHER) == 0
    assert rows(again, person_keys, OTHER) == 1
    assert not any("+77019998877" in str(entry.fact) for entry in again.entries())
    again.close()


async def test_erased_between_plan_and_commit(world: World) -> None:
    """A plan that was made before the erasure is not committed after it, theirs nor that of who shares an event."""
    world.take(*registered(MOTHER), birth(CHILD, MOTHER, "2025-06-01"), card(MOTHER, "2025-07-10"))
    planning: Planning = world.platform.planning.planning
    plans = planning.plans(
        planning.news([world.name(MOTHER), world.name(CHILD)]), world.platform.rules.library.rules()
    )
    assert any(plan.changes for plan in plans.persons)
    world.platform.privacy.erasure.erase(world.name(MOTHER), OMAR, "asked")

    with pytest.raises(RulesMoved):
        planning.commit(plans)
    world.plan()
    assert not any(one.waits for one in _of(world, MOTHER))


async def test_erased_after_the_attempt(world: World) -> None:
    """What is already at a provider gets its outcome; nothing is sent again, and nothing of it fails."""
    await live(world)
    [*_, sent] = [message for message in world.sent if message.recipient == world.name(MOTHER)]
    box = world.platform.delivery.fake_outbox
    world.platform.privacy.erasure.erase(world.name(MOTHER), OMAR, "asked")
    box.keep(sent)

    assert rows(world, fake_messages, MOTHER) == 0
    states = {one.state for one in _of(world, MOTHER)}
    assert states <= {State.SENT, State.CANCELLED, State.DELIVERED}


async def test_what_comes_back_after_it_shows_them_nowhere(world: World) -> None:
    """A receipt of a message from before is recorded and counted, and no inbox has the message again."""
    await live(world)
    [*_, sent] = [message for message in world.sent if message.recipient == world.name(MOTHER)]
    world.platform.privacy.erasure.erase(world.name(MOTHER), OMAR, "asked")

    assert world.platform.delivery.receipts.record(
        Receipt(sent.nudge, sent.recipient, sent.attempt, ReceiptStatus.DELIVERED)
    )
    assert rows(world, inbox, MOTHER) == 0
    assert world.platform.queries.inboxes.messages_page(world.name(MOTHER)) == ([], None)


async def test_who_is_erased_during_an_attempt_finds_no_message(world: World) -> None:
    """The outcome of an attempt that was under way is recorded; neither the live inbox nor a rebuilt one has it."""
    world.take(*registered(MOTHER, phone="+77019998877"), card(MOTHER, "2025-07-10"))
    world.plan()
    world.at(LIVED)
    [nudge] = [each for each in _of(world, MOTHER) if each.intent.step == "month"]
    person, log_ = world.name(MOTHER), world.platform.log
    until = world.clock() + timedelta(minutes=3)

    def note(fact: NudgeFact) -> None:
        world.platform.database.write(lambda connection: record(connection, log_, [(nudge.intent.id, fact)]))

    note(NudgeAttempted(world.clock(), person, 1, "sms", "one", until))
    world.platform.privacy.erasure.erase(person, OMAR, "asked")
    world.at(world.clock() + timedelta(seconds=30))
    note(NudgeSent(world.clock(), person, 1, "r-1", provider="one"))

    assert rows(world, inbox, MOTHER) == 0
    found = rebuild(
        world.platform.database,
        log_,
        world.platform.identity.names,
        world.platform.rules.library.rules().catalogue,
        swap=True,
    )
    assert {name: count for name, count in found.differences.items() if count} == {}
    assert rows(world, inbox, MOTHER) == 0


async def test_dead_letters_about_them_go(world: World) -> None:
    """A letter that names them by pseudonym, or only by a national id inside, is gone; the others stay."""
    await live(world)
    letters = world.platform.queues.dead_letter_queue
    inside = f'{{"subject": "{MOTHER}"}}'.encode()
    for key, content, person in (("1", inside, None), ("2", b"{}", world.name(MOTHER)), ("3", b"123456789012", None)):
        letter = Letter("kafka.record", key, "bad", content, person)
        world.platform.database.write(partial(letters.put, letter=letter))
    world.platform.privacy.erasure.erase(world.name(MOTHER), OMAR, "asked")

    with world.platform.database.reading() as connection:
        assert len(connection.execute(dead_letters.select()).all()) == 1


async def test_killed_in_the_middle_and_begun_again(world: World) -> None:
    """An erasure that did not commit has done nothing; the next one does all of it, and a third changes nothing."""
    await live(world)
    person = world.name(MOTHER)

    def dies(connection: Connection) -> None:
        world.platform.privacy.erasure._erase(connection, person, OMAR, "asked")
        raise KeyboardInterrupt

    facts = len(world.entries())
    with pytest.raises(KeyboardInterrupt):
        world.platform.database.write(dies)
    assert len(world.entries()) == facts
    first = world.platform.privacy.erasure.erase(person, OMAR, "asked")
    facts = len(world.entries())
    assert world.platform.privacy.erasure.erase(person, OMAR, "again") == first
    assert len(world.entries()) == facts


def test_nobody_known_is_not_erased(world: World) -> None:
    """Erasing a stranger is refused and leaves no fact."""
    with world.platform.database.reading() as connection:
        before = len(connection.execute(log.select()).all())
    with pytest.raises(NobodyKnown):
        world.platform.privacy.erasure.erase(world.name(OTHER), OMAR, "asked")
    with world.platform.database.reading() as connection:
        assert len(connection.execute(log.select()).all()) == before


def test_an_event_under_way_is_sealed_with_a_key_that_lives(world: World) -> None:
    """Who is erased while an intake waits for them is sealed with a new key, not with the destroyed one."""
    keys, person = PersonKeys(KEYRING), world.name(MOTHER)
    world.take(*registered(MOTHER))
    with world.platform.database.reading() as connection:
        old = keys.load(connection, [person])[person].id
    world.platform.privacy.erasure.erase(person, OMAR, "asked")

    known, made = world.platform.database.write(lambda connection: keys.ensure_held(connection, [person], []))
    assert known[person].id != old
    assert made[person].id == known[person].id
