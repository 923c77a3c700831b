"""What the streams do not keep yet: each of these fails, and moves to its own file when it holds."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.event import listen

from notifiers.fake import FakeNotifier
from notifiers.port import Outcome
from streams.cloudevents import Envelope, Refused, read_envelope
from streams.database import WRITING
from streams.dispatch import LEASE, Dispatcher
from streams.library import Publisher
from streams.rebuild import rebuild
from streams.receipts import Heard, Receipt
from streams.writing import Writer
from templates.loader import load_packs
from tests.app.terminal import Terminal
from tests.streams.meddling import MeddledDatabase
from tests.templates.packs import KK, METER, PACK, RU, RULES, write_town
from tests.world import (
    LONG_AGO,
    NOON,
    World,
    annulled,
    card,
    corrected,
    event,
    iin,
    registered,
)  # fmt: skip

AIGERIM, DANA, SAULE, MARAT = iin(1), iin(2), iin(3), iin(4)
CARD = card(AIGERIM, "2025-07-20")
DUE = datetime.fromisoformat("2025-06-20T09:00+05:00")
"""When the first step of CARD is due."""
UNTIMED = ((RULES, " && citizen.age >= 18", ""), (PACK, "live_from: 2024-03-01\n", ""))


def with_card(folder: Path, sms: Iterable[Outcome] = ()) -> World:
    """A platform on which Aigerim's card is announced at DUE."""
    world = World(folder, script={"sms": sms})
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    return world


# Dispatch: between the claim and what it reads.


def cancel(world: World) -> None:
    """The card is annulled, and that is planned."""
    world.take(annulled(CARD, 2))
    world.plan()


def postpone(world: World) -> None:
    """The card expires a year later, and that is planned."""
    world.take(corrected(CARD, 2, expires_on="2026-07-20"))
    world.plan()


@pytest.mark.parametrize("change", [cancel, postpone])
async def test_what_changed_after_the_claim_is_not_sent(tmp_path: Path, change: Callable[[World], None]) -> None:
    """A nudge that is cancelled or postponed between its claim and the look at it is not sent."""
    world = with_card(tmp_path)
    world.at(DUE)
    database = MeddledDatabase(world.platform.settings.database)
    database.before_reads.append(lambda: change(world))

    await beside(world, database).drain()
    database.close()

    assert [message.nudge for message in world.sent] == []
    world.close()


async def test_what_another_has_sent_meanwhile_is_not_sent_again(tmp_path: Path) -> None:
    """Who pauses for longer than the lease after a claim sends nothing that somebody else has sent since."""
    world = with_card(tmp_path)
    world.at(DUE)
    database = MeddledDatabase(world.platform.settings.database)

    def overtake() -> None:
        world.at(DUE + LEASE)
        thread = threading.Thread(target=lambda: asyncio.run(world.engine.dispatcher.drain()))
        thread.start()
        thread.join(timeout=30)

    database.before_reads.append(overtake)
    await beside(world, database).drain()
    database.close()

    assert len(world.sent) == 1
    world.close()


def beside(world: World, database: MeddledDatabase) -> Dispatcher:
    """A second dispatcher, on that database."""
    platform = world.platform
    return Dispatcher(
        database,
        platform.log,
        platform.library,
        world.notifiers,
        Writer(lambda _: None),
        world.clock,
        holder="second",
    )


# Intake.


def raw(**changes: object) -> bytes:
    """A fine as a registry sends it, with changes."""
    plain = {
        "specversion": "1.0", "id": "fine-1", "source": "/test", "type": "kz.traffic.fine_issued",
        "time": "2025-01-10T12:00:00+05:00", "subject": AIGERIM,
        "data": {"number": "1", "amount": 7, "violated_on": "2025-01-10", "issued_on": "2025-01-10"},
    }  # fmt: skip
    return json.dumps(plain | changes).encode()


def read(line: bytes) -> Envelope | Refused:
    """As `ingest` reads a line."""
    try:
        return read_envelope(line)
    except Refused as refused:
        return refused


def test_an_annulment_is_true_or_not(world: World) -> None:
    """`annuls` that is neither true nor false is refused: read as a correction, it would say the opposite."""
    outcome = world.platform.intake.accept([read(raw(id="a", corrects="fine-1", revision=2, annuls="yes"))])[0]
    assert outcome.refused is not None
    assert outcome.refused.field == "annuls"


def test_a_first_revision_may_be_said(world: World) -> None:
    """`revision: 1` says what is so anyway: with and without it, it is the same event."""
    outcomes = world.platform.intake.accept([read(raw()), read(raw(revision=1)), read(raw(revision="1"))])
    assert [outcome.accepted or outcome.duplicate for outcome in outcomes] == [True] * 3


async def test_an_area_event_that_comes_live_after_a_load_counts_as_live(tmp_path: Path) -> None:
    """Of an area event that came by a historical load and then live, the steps are those of a live one."""
    world = World(tmp_path, packs=[write_town(tmp_path)])
    flood = event("town.flood", None, "2025-05-01T00:00:00Z", {"where": "7500"}, id="flood")
    world.take(flood, ahead_from=NOON)
    before = world.health().facts
    world.take(flood)
    assert world.health().facts == before + 1, "the move of the load is a fact"
    world.close()


# Receipts.


async def heard(world: World, heard_: Heard, *, recipient: str | None = None, attempt: int = 1) -> bool:
    """A report about the month's nudge arrives."""
    nudge = world.nudge("month")
    return world.platform.receipts.take(
        Receipt(nudge.intent.id, recipient or nudge.intent.person, attempt, heard_, "bounced")
    )


async def test_a_bounce_moves_on_to_the_next_channel(tmp_path: Path) -> None:
    """A failure that is reported after the sending goes to the next channel, like one at the sending."""
    world = with_card(tmp_path)
    await world.settle(DUE)
    await heard(world, Heard.FAILED)
    assert [message.channel for message in await world.settle(DUE + timedelta(minutes=1))] == ["email"]
    world.close()


@pytest.mark.parametrize("heard_", list(Heard))
async def test_a_receipt_of_what_was_never_attempted_changes_nothing(tmp_path: Path, heard_: Heard) -> None:
    """A report about a nudge that nobody has sent, about a stranger or about a later attempt is no fact."""
    world = with_card(tmp_path)
    told = [await heard(world, heard_)]
    sent = await world.settle(DUE)
    before = world.health().facts
    told += [await heard(world, heard_, recipient=world.name(DANA)), await heard(world, heard_, attempt=2)]
    assert (told, len(sent), world.health().facts - before) == ([False] * 3, 1, 0)
    world.close()


# Explaining.


async def test_why_shows_the_words_that_were_read(tmp_path: Path) -> None:
    """The words of a sent nudge are those that were sent, whatever its recipient says or is told later."""
    world = with_card(tmp_path)
    [message] = await world.settle(DUE)
    changed = {"language": "ru"}
    world.take(event("citizen.preferences_changed", AIGERIM, "2025-06-21T00:00:00+05:00", changed, id="ru"))
    assert world.why(message.nudge).words[message.recipient].sms == message.text
    world.close()


# The follower, and how it stands.


def test_what_was_cancelled_and_planned_again_is_followed(tmp_path: Path) -> None:
    """A page that opens with an older nudge's end and then plans it again is followed like any other."""
    world = with_card(tmp_path)
    world.platform.follower.drain()
    cancel(world)
    world.take(corrected(CARD, 3))
    world.plan()
    assert world.health().views_behind > 0
    world.platform.follower.drain()
    assert world.health().views_behind == 0
    world.close()


def test_who_is_woken_by_a_correction_waits_since_the_correction(tmp_path: Path) -> None:
    """How long the oldest fact waits for its plan counts from when it came, not from when its original did."""
    world = with_card(tmp_path)
    world.at(NOON + timedelta(days=10))
    world.take(corrected(CARD, 2, expires_on="2025-08-20"))
    assert world.health().unplanned_for_seconds == 0
    world.close()


# Rebuilding.


def test_a_follower_that_is_behind_is_no_difference(world: World) -> None:
    """Views that have not followed yet are late, not wrong: a comparison waits for them."""
    platform = world.platform
    world.take(*registered(AIGERIM, LONG_AGO))
    assert rebuild(platform.database, platform.log, platform.names, swap=False).equal


def test_what_comes_just_before_the_comparison_is_in_it(world: World) -> None:
    """Facts that are appended after the first pass over the log, before the write lock, are in the rebuilt views."""
    platform = world.platform
    database = MeddledDatabase(platform.settings.database)

    def before_it_locks(_: Connection, options: Mapping[str, object]) -> None:
        if WRITING in options:
            world.take(*registered(AIGERIM, LONG_AGO), CARD)
            world.plan()
            platform.follower.drain()

    listen(database.engine, "set_connection_execution_options", before_it_locks)
    found = rebuild(database, platform.log, platform.names, swap=True)

    assert (found.equal, found.position) == (True, world.health().facts)
    database.close()


async def test_who_took_over_has_the_views_of_the_log(tmp_path: Path) -> None:
    """Ending a dead process's attempts is work in hand: the views still compare equal before it is settled."""

    def die(_: object) -> None:
        raise ZeroDivisionError

    world = World(tmp_path, notifiers={"sms": FakeNotifier("sms", die)})
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    with pytest.raises(ZeroDivisionError):
        await world.settle(DUE)
    world.engine.take_over()
    world.platform.follower.drain()
    platform = world.platform
    assert rebuild(platform.database, platform.log, platform.names, swap=False).equal
    world.close()


# The library.


def publish(world: World, folder: Path) -> None:
    """Publish a pack now."""
    platform = world.platform
    Publisher(platform.database, platform.log, platform.names).publish(
        load_packs([folder]), by="x", now=world.clock()
    )


def test_a_pack_with_live_from_leaves_pending_nudges_alone_too(tmp_path: Path) -> None:
    """`live_from` is for the first version of a trigger: later ones look from their publication on."""
    town = World(tmp_path, packs=[write_town(tmp_path, UNTIMED[0])])
    data = {"number": "M1", "valid_until": "2025-12-20", "fee": 7}
    town.take(event("town.meter.installed", AIGERIM, "2025-05-01T00:00:00Z", data))
    town.plan()
    before = town.pending()
    town.at("2025-07-01T12:00+05:00")
    publish(town, write_town(tmp_path / "new", UNTIMED[0], (RULES, 'at: "09:00"', 'at: "10:00"')))
    town.take(event("citizen.contact_changed", AIGERIM, "2025-07-02T00:00:00Z", {"phone": "+77701234567"}))
    town.plan()
    assert len(before) == 2
    assert town.pending() == before
    town.close()


def test_an_event_type_never_loses_what_a_published_trigger_reads(tmp_path: Path) -> None:
    """A pack whose event types no longer fit a published version is refused, or that version still works."""
    town = World(tmp_path, packs=[write_town(tmp_path, *UNTIMED)])
    without = [
        (METER, "  required: [number, valid_until, fee]", "  required: [number, valid_until]"),
        (METER, "    fee: {type: integer, minimum: 0, x-of: public}\n", ""),
        (RULES, "when: event.fee > 0 && citizen.age >= 18\n", ""), UNTIMED[1],
    ]  # fmt: skip
    words = [
        (KK, ". {{ event.fee | money }}", ""), (KK, "- Бағасы: {{ event.fee | money }}\n", ""),
        (RU, ". {{ event.fee | money }}", ""), (RU, "- Цена: {{ event.fee | money }}\n", ""),
    ]  # fmt: skip
    with suppress(Exception):  # however it is refused
        publish(town, write_town(tmp_path / "new", *without, *words))
    assert town.platform.library.rules().rulebook.applying("town.meter.installed", NOON + timedelta(days=1))
    town.close()


# The command line.


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder."""
    return Terminal(tmp_path)


def test_the_last_line_of_ingest_is_json_for_people_too(terminal: Terminal) -> None:
    """`ingest` ends with its counts as JSON, with and without --json (design, section 8)."""
    ended = terminal.run("ingest", terminal.written("life.ndjson", *registered(AIGERIM), "{nope"))
    assert json.loads(ended.lines[-1]) == {"accepted": 3, "duplicates": 0, "rejected": 1}


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/db", "postgresql://host/db"])
def test_a_database_that_nobody_knows_is_a_wrong_setting(terminal: Terminal, url: str) -> None:
    """A URL that cannot be read, or whose driver is not installed, is told in a sentence, not in a traceback."""
    assert terminal.run("status", f"--database={url}").code in {2, 3}


def test_a_key_file_elsewhere_is_enough_for_a_first_use(terminal: Terminal) -> None:
    """With only the key file set, the default database is made in its default folder."""
    assert terminal.run("status", f"--key-file={terminal.folder}/key").code == 0


def test_a_wrong_key_file_writes_nothing(terminal: Terminal) -> None:
    """With another key file than the database's, `ingest` ends with 2, and the right one still reads everything."""
    file = terminal.written("life.ndjson", *registered(AIGERIM, LONG_AGO))
    assert terminal.run("ingest", file).code == 0
    wrong = terminal.run("ingest", file, f"--key-file={terminal.folder}/another")
    assert (wrong.code, terminal.run("trail", AIGERIM).code) == (2, 0)


def test_the_password_of_a_database_is_masked(terminal: Terminal) -> None:
    """`config show` prints no password, neither of mail nor in the URL of a database."""
    ended = terminal.run("config", "show", "--database=postgresql://user:hunter2@host/db")
    assert "hunter2" not in "".join(ended.lines)
    assert "user" in "".join(ended.lines)


def test_a_flag_is_the_origin_also_where_the_environment_says_more(terminal: Terminal) -> None:
    """`config show --origin` names what counted: the flag, where it overrides the environment or the file."""
    arguments = ["config", "show", "--origin", "--database=sqlite:///flag.sqlite"]
    [line] = [
        line for line in terminal.run(*arguments, env={"HABARSHY_DATABASE": "sqlite:///env.sqlite"}).lines
        if line.startswith("database")
    ]  # fmt: skip
    assert line.endswith("(flag)")


def test_who_has_seen_enough_may_leave(terminal: Terminal) -> None:
    """As a process: when the reader of the output goes, the command ends quietly and well."""
    process = terminal.start("simulate", "--citizens=2000")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), said) == (0, b"")
