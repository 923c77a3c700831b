"""The hand-over journal: after a kill it is known what was surely not handed over, and what was answered."""

import logging
from pathlib import Path

import pytest
import uvloop
from msgspec.structs import replace
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from app.compose_sending import compose_dispatcher
from domain.facts.facts import (
    NudgeAttempted,
    NudgeDelivered,
    NudgeFact,
    NudgeFailed,
    NudgePlanned,
    NudgeSent,
    NudgeUnknown,
)
from domain.facts.receipts import ReceiptStatus
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, Message, Outcome, Reason, Unknown
from notifiers.port.routes import single_routes
from projections import nudges
from projections.handed_over import AttemptId
from streams.delivery.admission.rate_limits import RateLimits
from streams.delivery.outcomes.attempts import Attempt
from streams.delivery.outcomes.hand_over_journal import (
    COMPACT_BYTES,
    NOTHING_UNFINISHED,
    HandOverJournal,
    OpenAttempt,
    Unfinished,
    open_attempt,
)
from streams.delivery.outcomes.outcome_facts import Outcomes
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.delivery.send.claiming import LEASE
from streams.delivery.send.dispatch import Dispatcher
from streams.log.watermark import Watermark
from streams.storage.database import Database
from tests.streams.dispatching import DUE, MINUTE, Killed, kill, with_card
from tests.streams.meddling import Away, MeddledDatabase, nothing
from tests.world import World

URL = "postgresql://user@host/name"


class Journalled:
    """Attempts of one message, and journals in a folder."""

    def __init__(self, due: World) -> None:
        self.beside = due.file.with_name("key")
        self._nudge = due.nudge("month")

    def attempt(self, number: int) -> Attempt:
        """The attempt of that number, as far as the journal reads it."""
        who = self._nudge.intent.person
        fact = NudgeAttempted(DUE, who, number, "sms", "gateway", DUE)
        case = type("Case", (), {"nudge": self._nudge})()
        return Attempt(case, None, fact, None)  # type: ignore[arg-type]

    def opened(self, number: int) -> OpenAttempt:
        """The same, as the journal names it."""
        return open_attempt(self.attempt(number))

    def sent(self, number: int) -> tuple[AttemptId, NudgeSent]:
        """The outcome of that attempt."""
        return self.attempt(number).id, NudgeSent(DUE, self._nudge.intent.person, number, f"reference {number}")

    def begin(self) -> HandOverJournal:
        """A journal, as a process has it."""
        return HandOverJournal(self.beside, URL)

    def left(self) -> Unfinished:
        """What the next process finds."""
        with self.begin().unfinished() as left:
            return left

    def files(self) -> list[Path]:
        """The files of all journals."""
        return sorted(self.beside.parent.glob("key.in-flight-*"))


@pytest.fixture
def journalled(due: World) -> Journalled:
    """Journals, and attempts for them."""
    return Journalled(due)


def kill_owners(beside: Path) -> None:
    """Leave the files as if the processes that wrote them were dead: as copies that nobody holds."""
    for file in beside.parent.glob("key.in-flight-*"):
        file.with_name(f"{file.name}-left").write_bytes(file.read_bytes())
        file.unlink()


def fill(journalled: Journalled) -> HandOverJournal:
    """A journal with one attempt in each state, the fifth of a message in two parts."""
    journal, attempts = journalled.begin(), [journalled.attempt(number) for number in range(5)]
    journal.note_intended(attempts)
    journal.note_handed_over(attempts[1:])
    (_, fourth), (about, fifth) = journalled.sent(3), journalled.sent(4)
    journal.note_answered([attempts[3]], Outcomes([(about.nudge, fourth)]))
    journal.note_answered([attempts[4]], Outcomes([(about.nudge, fifth)], {("gateway", "part 1"): about}))
    journal.note_ended([attempts[3].id])
    return journal


def test_who_comes_after_a_kill_knows_what_was_handed_over(journalled: Journalled) -> None:
    """Each attempt without a committed outcome was kept back, handed over, or answered; then the file is gone."""
    journal = fill(journalled)
    assert (journal.is_kept, journalled.left()) == (True, NOTHING_UNFINISHED), "its process lives"
    kill_owners(journalled.beside)
    about, answer = journalled.sent(4)
    assert journalled.left() == Unfinished(
        frozenset([journalled.opened(0)]),
        frozenset([journalled.opened(1), journalled.opened(2)]),
        {journalled.opened(4): answer},
        {("gateway", "part 1"): about},
    )
    assert journalled.files() == []


def test_what_could_not_be_used_is_left_for_the_next(journalled: Journalled) -> None:
    """Where the database goes away while what was left is recorded, the file stays."""
    fill(journalled)
    kill_owners(journalled.beside)
    with pytest.raises(Killed), journalled.begin().unfinished():
        raise Killed
    assert journalled.left().all_attempts


@pytest.mark.parametrize("change", ["another start", "no start", "damaged", "empty"])
def test_a_file_that_may_be_incomplete_is_not_trusted(journalled: Journalled, change: str) -> None:
    """After a loss of power, or with a damaged line, nothing is taken for kept back, so nothing goes twice."""
    fill(journalled)
    kill_owners(journalled.beside)
    [file] = journalled.files()
    first, *lines = file.read_bytes().split(b"\n")
    texts = {
        "another start": [b'"0"', *lines],
        "no start": [b'""', *lines],
        "damaged": [first, b"{" + lines[0], *lines[1:]],
        "empty": [],
    }
    file.write_bytes(b"\n".join(texts[change]))
    assert journalled.left() == NOTHING_UNFINISHED


def test_a_torn_line_counts_for_nothing(journalled: Journalled) -> None:
    """A process that is killed while it writes a line has not done what follows on it."""
    journal = journalled.begin()
    journal.note_intended([journalled.attempt(1)])
    journal.note_handed_over([journalled.attempt(1)])
    kill_owners(journalled.beside)
    [file] = journalled.files()
    file.write_bytes(file.read_bytes()[:-2])
    assert journalled.left().kept_back == {journalled.opened(1)}


def test_the_file_stays_small(journalled: Journalled) -> None:
    """A dispatcher that runs for long writes its file anew with what is open, and nothing is forgotten by it."""
    journal = journalled.begin()
    journal.note_intended([journalled.attempt(1), journalled.attempt(2)])
    journal.note_handed_over([journalled.attempt(2)])
    for _ in range(3 * COMPACT_BYTES // 1500):
        journal.note_intended([journalled.attempt(number) for number in range(10, 20)])
        journal.note_withdrawn([journalled.attempt(number) for number in range(10, 20)])
    [file] = journalled.files()
    assert file.stat().st_size <= COMPACT_BYTES + 2000
    kill_owners(journalled.beside)
    left = journalled.left()
    assert left.kept_back == {journalled.opened(1)}
    assert left.handed == {journalled.opened(2)}


def test_a_dispatcher_that_stops_leaves_no_file(journalled: Journalled) -> None:
    """When all has its outcome, there is nothing to tell."""
    journal = journalled.begin()
    journal.note_intended([journalled.attempt(1)])
    journal.close()
    assert journalled.files(), "one is open"
    journal.note_withdrawn([journalled.attempt(1)])
    journal.close()
    assert journalled.files() == []


def test_without_room_for_the_file_it_goes_on_without(
    journalled: Journalled, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the file cannot be written, dispatch is told once, and keeps fewer attempts open."""
    journal = HandOverJournal(tmp_path / "missing" / "key", URL)
    assert journal.is_kept
    with caplog.at_level(logging.WARNING, "habarshy"):
        journal.note_intended([journalled.attempt(1)])
        journal.note_handed_over([journalled.attempt(1)])
    assert [journal.is_kept] == [False]
    assert [record.getMessage()[:40] for record in caplog.records] == ["after a kill more messages would be unkn"]


def journalling(due: World, holder: str, database: Database | None = None) -> Dispatcher:
    """A dispatcher with a journal; `database`: on that one, which it looks for again when a lease is over."""
    platform = due.platform
    watermark = Watermark(platform.database, platform.log, due.file.with_name("key"), platform.clock)
    platform = replace(platform, runtime=replace(platform.runtime, watermark=watermark))
    if database is not None:
        rules = replace(platform.rules, context=replace(platform.rules.context, database=database))
        platform = replace(platform, database=database, rules=rules)

    async def rest(_: float) -> None:
        due.at(due.clock() + LEASE)

    rates = RateLimits(platform.database, {}, platform.clock, rest)
    return compose_dispatcher(platform, single_routes(due.notifiers), holder=holder, rates=rates)


def successor(due: World) -> Dispatcher:
    """The dispatcher that is started after the kill of another one, whose memory is gone."""
    kill_owners(due.file)
    return journalling(due, "successor")


async def killed(due: World, database: MeddledDatabase) -> None:
    """A dispatcher on that database is killed when its outcome is to be committed."""
    database.before_writes.extend([nothing, nothing, _die])  # the claim, the attempt, the outcome
    with pytest.raises(Killed):
        await journalling(due, "killed", database).drain_batch()


def _die() -> None:
    raise Killed


async def test_an_answer_that_was_not_committed_is_recorded_by_the_next(due: World) -> None:
    """A message that its provider took over before the kill is sent, and does not go twice."""
    database = MeddledDatabase(due.platform.settings.database)
    await killed(due, database)
    assert successor(due).recover() == 1
    facts = due.facts(due.nudge("month").intent.id)
    assert [type(fact) for fact in facts] == [NudgePlanned, NudgeAttempted, NudgeSent]
    assert await due.settle(DUE + MINUTE) == []
    assert len(due.sent) == 1
    database.close()


async def test_a_message_in_its_providers_hands_is_unknown_at_once(tmp_path: Path) -> None:
    """The next process need not wait for the lease to know that nobody will tell."""
    due = with_card(tmp_path, sms=FakeNotifier("sms", kill))
    due.at(DUE)
    with pytest.raises(Killed):
        await journalling(due, "killed").drain()
    assert successor(due).recover() == 1
    facts = due.facts(due.nudge("month").intent.id)
    assert [type(fact) for fact in facts] == [NudgePlanned, NudgeAttempted, NudgeUnknown]
    due.close()


async def test_a_message_that_was_not_handed_over_goes_at_once(due: World) -> None:
    """An attempt that was committed and not handed over ends as failed, and the message goes, once."""
    database = MeddledDatabase(due.platform.settings.database)
    await killed(due, database)
    [file] = due.file.parent.glob("key.in-flight-*")
    file.write_bytes(b"".join(line for line in file.read_bytes().splitlines(keepends=True)[:2]))
    due.sent.clear()
    next_one = successor(due)
    assert next_one.recover() == 1
    await next_one.drain()
    facts = due.facts(due.nudge("month").intent.id)
    assert [type(fact) for fact in facts] == [NudgePlanned, NudgeAttempted, NudgeFailed, NudgeAttempted, NudgeSent]
    assert len(due.sent) == 1
    database.close()


async def test_a_dead_process_says_nothing_of_another_ones_attempt(tmp_path: Path) -> None:
    """Where another process sends what a dead one only intended, its attempt stays open, and goes once."""
    others: list[Dispatcher] = []

    def hand_over(_: Message) -> None:
        assert [other.recover() for other in others] == [0]

    due = with_card(tmp_path, sms=FakeNotifier("sms", hand_over))
    database = MeddledDatabase(due.platform.settings.database)
    due.at(DUE)
    database.before_writes.extend([nothing, _die])  # the claim, the attempt
    with pytest.raises(Killed):
        await journalling(due, "killed", database).drain_batch()
    kill_owners(due.file)
    due.at(DUE + LEASE)
    others.append(journalling(due, "late"))
    await journalling(due, "living").drain()
    facts = due.facts(due.nudge("month").intent.id)
    assert [type(fact) for fact in facts] == [NudgePlanned, NudgeAttempted, NudgeSent]
    database.close()
    due.close()


@pytest.mark.parametrize("holder", ["first", "second"])
async def test_an_answer_that_the_database_refused_for_a_lease_is_no_unknown_outcome(due: World, holder: str) -> None:
    """What a provider took over is sent once the database is back, whoever finds the attempt after its lease."""
    database = Away(due.platform.settings.database, 10, committed=False, after_which=_sent)
    first = journalling(due, "first", database)
    with pytest.raises(OperationalError):
        await first.drain_batch()
    database.left = 0
    for dispatcher in (first if holder == "first" else journalling(due, holder), first):
        await dispatcher.drain()
        facts = due.facts(due.nudge("month").intent.id)
        assert [type(fact) for fact in facts] == [NudgePlanned, NudgeAttempted, NudgeSent]
    await first.wait_ended()
    assert list(due.file.parent.glob("key.in-flight-*")) == []
    database.close()


@pytest.mark.parametrize(
    ("answer", "outcome"), [(Accepted("reference"), NudgeSent), (Unknown(Reason.LINK_LOST), NudgeUnknown)]
)
async def test_an_answer_that_another_process_has_recorded_is_not_recorded_again(
    tmp_path: Path, answer: Outcome, outcome: type[NudgeFact]
) -> None:
    """Where a commit takes longer than its lease, the log has the outcome once, also after news of it."""
    due = with_card(tmp_path, sms=FakeNotifier("sms", list[Message](), script=[answer]))
    due.at(DUE)
    database = MeddledDatabase(due.platform.settings.database)
    nudge = due.nudge("month").intent

    def outlast_the_lease() -> None:
        due.at(due.clock() + LEASE)
        uvloop.run(journalling(due, "second").drain_batch())
        due.platform.delivery.receipts.record(Receipt(nudge.id, nudge.person, 1, ReceiptStatus.DELIVERED))

    database.before_writes.extend([nothing, nothing, outlast_the_lease])  # the claim, the attempt, the outcome
    await journalling(due, "first", database).drain_batch()
    facts = [type(fact) for fact in due.facts(nudge.id)]
    assert facts == [NudgePlanned, NudgeAttempted, outcome, NudgeDelivered]
    database.close()
    due.close()


def _sent(connection: Connection) -> object:
    return nudges.states(connection).get("sent")


async def test_what_the_database_did_not_confirm_is_forgotten_once_it_is_settled(due: World) -> None:
    """An attempt that was handed back after the database was away is open no more, so the file can go."""
    database = Away(due.platform.settings.database, 1, committed=True, after_which=nudges.open_attempts)
    dispatcher = journalling(due, "first", database)
    with pytest.raises(OperationalError):
        await dispatcher.drain_batch()
    due.at(DUE + MINUTE)
    await dispatcher.drain()
    await dispatcher.wait_ended()
    assert [message.attempt for message in due.sent] == [2]
    assert list(due.file.parent.glob("key.in-flight-*")) == []
    database.close()
