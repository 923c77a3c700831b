"""Governance on PostgreSQL: a log that begins empty, and hands that publish while others plan."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path
from typing import TypeVar

import pytest
import uvloop
from msgspec.structs import replace
from sqlalchemy import Connection, select
from sqlalchemy.engine import URL

from app.clock import VirtualClock
from app.compose import Platform, compose
from app.compose_sending import compose_engine
from app.identity.log_codes import codes_by
from app.settings import load_settings
from domain.core.ids import Position
from domain.facts.governance import GOVERNANCE_FACTS, PackPublished
from domain.facts.submissions import Subject
from domain.persons.channels import ADDRESS_OF
from domain.planning.plan import Intent
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from notifiers.port.routes import single_routes
from projections import history, nudges
from streams.log.log import Log
from streams.log.recorder import FactRecorder, Row
from streams.planning.recompute import intents_of
from streams.rules.approval import RuleApproval, reference
from streams.rules.library import NothingPublished
from streams.rules.publishing import BreaksVersions, Publisher, Rulemaking
from streams.storage.database import Database, Priority
from streams.storage.tables import person_keys
from tests.beginnings import KEYRING, packs_in
from tests.services import postgres
from tests.streams.governors import approver, author
from tests.streams.rules.test_library import UNTIMED, meter
from tests.streams.storing import PATIENCE
from tests.templates.packs import METER, RULES, SEALED, write_town
from tests.world import NOON, event, iin

T = TypeVar("T")
CHECK, WATER, PEOPLE = "meter_check", "water", 40
WAITING_AT_ALL = "SELECT count(*) FROM pg_locks WHERE NOT granted"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def hands(server: URL) -> Iterator[list[Platform]]:
    """Three processes on one empty database, whose clocks are moved by hand."""
    with postgres.fresh(server) as at:
        url = at.render_as_string(hide_password=False)
        made = [compose(load_settings(database=url), VirtualClock(NOON), KEYRING) for _ in range(3)]
        yield made
        for each in made:
            each.database.close()


def approved(on: Platform, folder: Path, *wanted: Subject) -> None:
    """Have what is wanted of a pack approved."""
    for done in on.rules.approval.submit(packs_in([folder]), wanted, author(WATER)):
        on.rules.approval.approve(done.submission, approver(WATER))


def governance(on: Platform) -> list[object]:
    """The governance facts, in the order of the log."""
    return [entry.fact for page in on.log.scan() for entry in page if isinstance(entry.fact, GOVERNANCE_FACTS)]


def test_an_empty_log_begins_with_submit_approve_and_publish(hands: list[Platform], tmp_path: Path) -> None:
    """Nothing is published by itself; with the first pack comes what belongs to the program."""
    with pytest.raises(NothingPublished):
        hands[0].rules.library.rules()
    approved(hands[0], write_town(tmp_path, *UNTIMED), Subject("pack", "town"), Subject("trigger", CHECK))
    hands[1].rules.approval.publish([reference("pack:town"), reference(CHECK)], author(WATER))
    published = [fact for fact in governance(hands[2]) if isinstance(fact, PackPublished)]
    assert [(fact.pack, fact.by) for fact in published] == [("citizen", "pack"), ("town", "aida")]
    assert hands[2].rules.library.rules().rulebook.has(CHECK)
    assert hands[2].intake.accept([meter(iin(1), "2025-06-02T20:00:00Z")])[0].accepted


def test_publishing_while_others_plan_loses_nobody(hands: list[Platform], tmp_path: Path) -> None:
    """Whoever is planned by old rules at that moment is planned again: all that waits is what plan gives."""
    approved(hands[0], write_town(tmp_path, *UNTIMED), Subject("pack", "town"), Subject("trigger", CHECK))
    hands[0].rules.approval.publish([reference("pack:town"), reference(CHECK)], author(WATER))
    for hour in ("10", "11", "12"):
        folder = write_town(tmp_path / hour, *UNTIMED, (RULES, 'at: "09:00"', f'at: "{hour}:00"'))
        approved(hands[0], folder, Subject("trigger", CHECK))
    hashes = [each.hash for each in hands[0].rules.approval.governed().submitted[Subject("trigger", CHECK)]]
    for number in range(PEOPLE):
        hands[0].intake.accept([meter(iin(number + 1), "2025-06-02T20:00:00Z")])

    def publish(on: Platform) -> None:
        for hash_ in hashes[1:]:
            on.rules.approval.publish([reference(f"{CHECK}@{hash_}")], author(WATER), to_pending=True)

    def plan(on: Platform) -> None:
        for _ in range(30):
            on.planning.planning.drain()
            on.planning.areas.drain()

    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(publish, hands[0]), pool.submit(plan, hands[1]), pool.submit(plan, hands[2])]:
            each.result(120)
    plan(hands[1])
    found = waiting(hands[2])
    assert len(found) == 2 * PEOPLE
    assert {intent.version for intent in found} == {hashes[-1]}
    expected = [
        each
        for batch in intents_of(hands[0].database, hands[0].log, hands[0].rules.library.rules().rulebook)
        for each in batch
    ]
    assert found == sorted(expected, key=lambda intent: intent.id.int)


class Interrupted(FactRecorder):
    """A recorder of a log in which something happens just before an append."""

    def __init__(self, log: Log, meanwhile: Callable[[], object]) -> None:
        super().__init__(log.database)
        self._meanwhile = meanwhile

    def within(self, connection: Connection) -> FactRecorder:
        """Return the recorder of that transaction, interrupted likewise."""
        made = copy(self)
        made._connection = connection
        return made

    def append(self, connection: Connection, rows: Sequence[Row]) -> Position:
        """Append after it has happened."""
        self._meanwhile()
        return super().append(connection, rows)


@pytest.mark.parametrize("dies", [False, True])
def test_who_comes_in_while_a_publication_commits_is_planned_by_it(
    hands: list[Platform], tmp_path: Path, *, dies: bool
) -> None:
    """An event that others take in and plan by old rules, after everybody was woken and before the commit, counts.

    Also where the publisher dies right after its commit: the reconciler wakes whom it would have woken.
    """
    *begins, pack = packs_in([write_town(tmp_path, *UNTIMED)])
    publisher = Publisher(hands[0].database, hands[0].log, hands[0].identity.names)
    publisher.publish([*begins, replace(pack, triggers=())], by=WATER, now=NOON)

    def meanwhile() -> None:
        assert hands[1].intake.accept([meter(iin(1), "2025-06-02T20:00:00Z")])[0].accepted
        assert hands[1].planning.planning.drain() == 1

    log = copy(hands[0].log)
    log.facts = Interrupted(hands[0].log, meanwhile)
    publisher = Publisher(hands[0].database, log, hands[0].identity.names)

    def cut_short(connection: Connection) -> None:
        rules = Rulemaking(connection, log, hands[0].identity.names)
        publisher._publish(rules, [pack], WATER, NOON)
        rules.store()

    if dies:
        hands[0].database.write(cut_short)
    else:
        publisher.publish([pack], by=WATER, now=NOON)
    hands[2].planning.reconciler.turn()
    hands[2].planning.areas.drain()
    [batch] = intents_of(hands[2].database, hands[2].log, hands[2].rules.library.rules().rulebook)
    assert waiting(hands[2]) == sorted(batch, key=lambda intent: intent.id.int) != []


def waiting(on: Platform) -> list[Intent]:
    """The intents of the nudges that wait, by id."""
    with on.database.reading() as connection:
        found = nudges.of_persons(connection, history.persons_after(connection, "", 10**6))
    every = [one.intent for theirs in found.values() for one in theirs.values() if one.pending]
    return sorted(every, key=lambda intent: intent.id.int)


def test_two_who_publish_at_once_publish_once(hands: list[Platform], tmp_path: Path) -> None:
    """The same version from two sides is one publication, whoever is first."""
    approved(hands[0], write_town(tmp_path, *UNTIMED), Subject("pack", "town"), Subject("trigger", CHECK))

    def publish(on: Platform) -> None:
        on.rules.approval.publish([reference("pack:town"), reference(CHECK)], author(WATER))

    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(publish, on) for on in hands]:
            each.result(120)
    assert len([fact for fact in governance(hands[0]) if "published" in str(getattr(fact, "TOPIC", ""))]) == 3


def test_nothing_is_sent_once_a_pause_has_returned(hands: list[Platform], tmp_path: Path) -> None:
    """Also where the dispatcher had looked at the rules already and waited for somebody else's lock."""
    approved(hands[0], write_town(tmp_path, *UNTIMED), Subject("pack", "town"), Subject("trigger", CHECK))
    hands[0].rules.approval.publish([reference("pack:town"), reference(CHECK)], author(WATER))
    contact = event("citizen.contact_changed", iin(1), "2020-01-02T00:00:00Z", {"phone": "+77011234567"})
    hands[0].intake.accept([contact, meter(iin(1), "2025-06-02T20:00:00Z")])
    hands[0].planning.planning.drain()
    for each in hands:
        each.clock.advance_to(max(intent.due for intent in waiting(hands[0])))  # type: ignore[attr-defined]  # virtual
    sent: list[Message] = []
    dispatcher = compose_engine(
        hands[0], single_routes({each: FakeNotifier(each, sent) for each in ADDRESS_OF})
    ).dispatcher
    with ThreadPoolExecutor(1) as other, hands[1].database.engine.connect() as holder:
        holder.execute(select(person_keys.c.person).with_for_update())
        draining = other.submit(uvloop.run, dispatcher.drain())
        _until_somebody_waits(hands[2])
        assert hands[2].rules.switches.pause(CHECK, author(WATER))
        holder.rollback()
        draining.result(PATIENCE)
    assert not sent


def _until_somebody_waits(on: Platform) -> None:
    with on.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.exec_driver_sql(WAITING_AT_ALL).scalar_one():
            pass


class SlowDatabase(Database):
    """A database whose first write is committed only once somebody else waits for a lock; `written`: until then."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.use_codes(codes_by(KEYRING))
        self.written = threading.Event()

    def write(self, work: Callable[[Connection], T], priority: Priority = Priority.INTAKE) -> T:
        """Do the work, and wait before the first is committed."""
        return super().write(lambda connection: self._slowly(work, connection), priority)

    def _slowly(self, work: Callable[[Connection], T], connection: Connection) -> T:
        done, pause = work(connection), threading.Event()
        if self.written.is_set():
            return done
        self.written.set()
        waited = (connection.exec_driver_sql(WAITING).scalar_one() or pause.wait(0.01) for _ in range(6000))
        assert any(waited)
        return done


def test_a_pack_and_a_trigger_published_at_once_still_go_together(hands: list[Platform], tmp_path: Path) -> None:
    """Whoever comes second sees what the first published: a field that goes while a trigger begins to read it."""
    first, second, third = hands
    pack, trigger = Subject("pack", "town"), Subject("trigger", CHECK)
    approved(first, write_town(tmp_path / "town", *UNTIMED), pack, trigger)
    first.rules.approval.publish([reference("pack:town"), reference(CHECK)], author(WATER))
    reads = (RULES, "when: event.fee > 0", "when: event.sealed")
    approved(first, write_town(tmp_path / "reads", *UNTIMED, reads), trigger)
    without = (METER, SEALED, "")
    approved(first, write_town(tmp_path / "without", *UNTIMED, without), pack)
    database = SlowDatabase(first.settings.database)
    slow = RuleApproval(database, first.log, first.identity.names, first.clock)
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(slow.publish, [reference("pack:town")], author(WATER))
        assert database.written.wait(60)
        with pytest.raises(BreaksVersions, match=r"event\.sealed"):
            second.rules.approval.publish([reference(CHECK)], author(WATER))
        assert going.result(60)[0].new
    assert third.rules.library.rules().rulebook.has(CHECK)
    database.close()


def test_who_meets_in_one_stream_waits_for_the_others(hands: list[Platform], tmp_path: Path) -> None:
    """However many stop and start the same trigger at once, each is heard and none is told of a conflict."""
    approved(hands[0], write_town(tmp_path, *UNTIMED), Subject("pack", "town"), Subject("trigger", CHECK))
    hands[0].rules.approval.publish([reference("pack:town"), reference(CHECK)], author(WATER))

    def stop_and_start(on: Platform) -> None:
        for _ in range(20):
            on.rules.switches.pause(CHECK, author(WATER))
            on.rules.switches.resume(CHECK, author(WATER))

    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(stop_and_start, on) for on in hands]:
            each.result(120)
    assert not hands[0].rules.approval.governed().stopped
