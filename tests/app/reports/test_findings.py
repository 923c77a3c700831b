"""What operators are told: which clock is wrong, what runs, what is over, and what mends itself."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import URL, Connection

from app.cli.commands.repair import print_missing
from app.clock import system_clock
from app.http.presence import signs_of_life
from app.identity.log_codes import codes_by
from app.jobs.job_results import trouble
from app.pages.catalogues import Speech
from app.pages.finding_words import EMBEDDED, WORDS, finding_in_words
from app.reports.condition import Condition, ConditionReader
from app.reports.findings import Finding, FindingKind, Level, findings
from app.roles.run_lock import run_lock
from app.scheduled import schedule_of
from app.settings import load_settings
from domain.core.timing import zone_of
from domain.nudges.delivery import State
from notifiers.port.interface import GiveUp, Reason
from projections.inbox import Search
from streams.log.chain import latest
from streams.log.chain_builder import ChainBuilder
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.log.signing import Signer
from streams.planning import wiring as planning
from streams.queries.failed_attempts import failed_attempts
from streams.queries.provider_health import Record
from streams.queues.jobs import NothingToDo, plan_of
from streams.replay.repair import RepairBatch
from streams.replay.retry_failed import Outage
from streams.runtime.processes import LiveProcess, Process, Processes
from streams.runtime.schedule import Run, RunOutcome
from streams.storage.database import Database
from streams.storage.schema import migrate
from streams.storage.server_clock import ServerClock
from streams.storage.tables import scheduled
from tests.app.pages.console.forms import send
from tests.app.pages.console.office import AIGERIM, AWAY, DANA, Office, office_in, signed_in
from tests.app.reports.planted import alive
from tests.app.terminal import Terminal
from tests.beginnings import KEYRING
from tests.services import postgres
from tests.world import LONG_AGO, NOON, World, card, fine, registered

SPEECH = Speech("en", zone_of("Asia/Almaty"))
MINUTES = timedelta(minutes=1)
HEALTHY = Process("a", "worker", "north", 7, "0.1")


def condition(world: World) -> Condition:
    """The condition of the platform as the console reads it."""
    return ConditionReader(world.platform, trouble).read()


def found(on: Condition) -> Mapping[FindingKind, Finding]:
    """What is wrong, by its kind."""
    return {each.kind: each for each in findings(on)}


def seen(process: Process, ahead: timedelta = timedelta(), silent: timedelta = timedelta()) -> LiveProcess:
    """A process as the list has it."""
    return LiveProcess(process, NOON, NOON, ahead, silent)


def test_an_empty_platform_is_not_said_to_keep_events_waiting(world: World) -> None:
    """Where nobody works yet and nothing waits, what is missing is told as what will come of it."""
    nothing = replace(condition(world), embedded=False, sampled=None, run_holds_lock=None)
    assert nothing.status.unplanned == 0
    said = finding_in_words(found(nothing)[FindingKind.NOT_RUNNING], SPEECH).sentence
    assert said == "No worker is running: new events will wait, and nothing is planned."


# clocks


@pytest.mark.parametrize(("ahead", "word"), [(5 * MINUTES, "ahead of"), (-5 * MINUTES, "behind")])
def test_the_process_whose_clock_is_wrong_is_named(world: World, ahead: timedelta, word: str) -> None:
    """Whoever wrote records from ahead is named, with its machine and by how much; the machine that looks is not."""
    off = seen(Process("b", "dispatch", "south", 8, "0.1"), ahead)
    on = replace(condition(world), clocks_compared=True, ahead_by=5 * MINUTES, processes=[seen(HEALTHY), off])
    wrongs = found(on)
    assert FindingKind.CLOCK_BEHIND not in wrongs
    said = finding_in_words(wrongs[FindingKind.PROCESS_CLOCK], SPEECH).sentence
    assert said == f"The clock of dispatch (south, pid 8) is wrong: it is 5 min {word} the database’s clock."


@pytest.mark.parametrize(("ahead", "word"), [(5 * MINUTES, "behind"), (-5 * MINUTES, "ahead of")])
def test_a_wrong_clock_of_the_database_is_told_once_as_the_cause(world: World, ahead: timedelta, word: str) -> None:
    """Where machines agree with each other and not with the database, its clock is named, and what stands still."""
    processes = [seen(Process(host, "dispatch", host, 8, "0.1"), ahead) for host in ("north", "south")]
    on = replace(
        condition(world),
        clocks_compared=True,
        apart_by=ahead,
        ahead_by=5 * MINUTES,
        processes=processes,
    )
    [clocks] = [each for each in findings(on) if "clock" in each.kind]
    said = finding_in_words(clocks, SPEECH)
    assert said.sentence == (
        f"The clock of the database is wrong: it is 5 min {word} the clocks of all other machines, which agree."
    )
    assert "nothing is planned, sent or deleted" in said.todo
    one = replace(on, processes=[seen(HEALTHY, ahead)])
    assert FindingKind.DATABASE_CLOCK not in found(one), "one machine may be wrong as well as the database"


def test_records_from_ahead_do_not_blame_a_machine_whose_clock_is_right(world: World) -> None:
    """Where the server's clock says that ours is right and no process is off, who wrote them is said to be gone."""
    on = replace(condition(world), ahead_by=5 * MINUTES)
    right, unknown = found(replace(on, clocks_compared=True)), found(on)
    assert "this machine" not in finding_in_words(right[FindingKind.CLOCK_BEHIND], SPEECH).sentence
    assert "this machine" in finding_in_words(unknown[FindingKind.CLOCK_BEHIND], SPEECH).sentence


def test_a_block_from_ahead_holds_up_no_other(world: World) -> None:
    """After a block that a clock ahead of ours made, the next facts wait for their block no longer than any."""
    signer = Signer(b"s" * 32)
    world.take(*registered(AIGERIM))
    ChainBuilder(world.platform.database, signer, lambda: NOON + 90 * MINUTES).finish()
    world.take(*registered(DANA))
    assert ChainBuilder(world.platform.database, signer, lambda: NOON + MINUTES).drain() > 0
    with world.platform.database.reading() as connection:
        assert latest(connection).number == 2


def test_clocks_are_compared_with_the_servers(server: URL) -> None:
    """On PostgreSQL each process tells by how much its clock is off, and does not look dead or newer by that."""
    with postgres.fresh(server) as url:
        database = Database(url.render_as_string(hide_password=False))
        migrate(database)
        late = lambda: system_clock() - 5 * MINUTES  # noqa: E731
        database.server_clock = ServerClock(late)
        Processes(database, late).sign(HEALTHY)
        database.server_clock = ServerClock(system_clock)
        with database.reading() as connection:
            [one] = Processes(database, system_clock).known(connection)
        assert (one.lives, round(one.ahead / MINUTES), one.silent < MINUTES) == (True, -5, True)
        database.close()


# what runs


def test_a_role_is_listed_while_it_lives(world: World) -> None:
    """A role is in the list from its start to its end; one that ended without taking leave is silent, then gone."""
    known = world.platform.runtime.processes
    with signs_of_life(world.platform, "api"):
        world.platform.database.write(lambda _: None)
        for _ in range(500):
            if listed(world):
                break
            world.platform.database.write(lambda _: None)
        assert [each.process.role for each in listed(world)] == ["api"]
    assert listed(world) == []
    known.sign(HEALTHY)
    world.at(NOON + 5 * MINUTES)
    assert [each.lives for each in listed(world)] == [False]
    world.at(NOON + 70 * MINUTES)
    known.sign(replace(HEALTHY, id="c"))
    assert [each.process.id for each in listed(world)] == ["c"]


def listed(world: World) -> Sequence[LiveProcess]:
    """The list of processes."""
    with world.platform.database.reading() as connection:
        return world.platform.runtime.processes.known(connection)


def test_a_run_that_was_killed_is_missed_at_once(world: World) -> None:
    """Where the lock of a `run` is free, it does not run, however recent its last sample is; held, it does."""
    world.platform.queries.backlog.take()
    assert FindingKind.NOT_RUNNING not in found(condition(world))
    with run_lock(world.platform.database.engine.url):
        assert FindingKind.NOT_RUNNING not in found(condition(world))
    assert FindingKind.NOT_RUNNING in found(condition(world))


def test_a_role_that_nobody_runs_is_told(world: World) -> None:
    """A role without a living process is told at once, with its command; the relay only where there is Kafka."""
    quiet = replace(condition(world), embedded=False, sampled=NOON)
    assert gone(replace(quiet, processes=alive("worker", "dispatch", "api", "jobs"))) == {}
    killed = [seen(Process("d", "dispatch", "north", 9, "1"), silent=2 * MINUTES), *alive("worker", "api")]
    assert gone(replace(quiet, processes=killed)) == {"dispatch": Level.BAD, "jobs": Level.NOTE}
    assert set(gone(replace(quiet, processes=killed, workers=[]))) == {"dispatch", "jobs", "relay"}
    intake = seen(Process("i", "intake", "north", 9, "1"), silent=2 * MINUTES)
    assert gone(replace(quiet, processes=[intake, *killed]))["intake"] is Level.BAD
    assert FindingKind.NOT_RUNNING in found(replace(quiet, processes=alive("dispatch", "api", "jobs")))
    assert gone(replace(quiet, processes=alive("run"))) == {}
    assert gone(replace(quiet, processes=killed, began=NOON)) == {}


def gone(on: Condition) -> Mapping[str, Level]:
    """The roles that nobody runs, each with how grave that is."""
    missing = [each for each in findings(on) if each.kind is FindingKind.ROLE_GONE]
    assert all(each.command[0] == "habarshy" and finding_in_words(each, SPEECH).sentence for each in missing)
    return {each.about: each.level for each in missing}


def test_the_console_and_status_list_the_processes(tmp_path: Path) -> None:
    """Role, machine, version and last sign of life of each process are on the front page."""
    office = office_in(tmp_path)
    office.world.platform.runtime.processes.sign(HEALTHY)
    text = signed_in(office, "olga").get("/console").text.partition("<h2>Processes</h2>")[2]
    assert "north (pid 7)" in text
    assert "Alive" in text
    office.world.close()


# what is over


def test_a_provider_that_was_removed_is_no_finding(world: World) -> None:
    """What a provider did that the settings name no more needs nobody; the table goes on showing it."""
    shaky = Record("sms", attempted=5, sent=4, failed=1, in_row=1, since=NOON, reasons=Counter({"link_lost": 1}))
    on = condition(world)
    on = replace(on, recent=replace(on.recent, providers={"gone": shaky}))
    assert FindingKind.PROVIDER_FAILED in found(on)
    assert FindingKind.PROVIDER_FAILED not in found(replace(on, removed_providers=frozenset({"gone"})))


async def test_a_removed_provider_is_one_that_no_setting_names(tmp_path: Path) -> None:
    """A provider that worked under another name than those of the settings is known as removed."""
    office = await failing(tmp_path, 0, 1, 6)
    on = office.world.platform
    sms = {"kind": "http_sms", "url": "https://sms.example/send", "sender": "gov"}
    other = load_settings(providers={"new": sms}).providers
    moved = replace(on, settings=on.settings.model_copy(update={"providers": other}))
    assert "sms" in ConditionReader(moved, trouble).read().removed_providers
    assert condition(office.world).removed_providers == frozenset()
    office.world.close()


def test_a_scheduled_job_that_the_settings_ask_for_no_more_is_no_finding(world: World) -> None:
    """A job whose last run failed is over once nothing asks for it: it never runs again, and nobody can mend it."""
    on = condition(world)
    failed = Run("deposit", "never", None, NOON, outcome=RunOutcome.FAILED, error="NotDeposited")
    assert FindingKind.SCHEDULED_FAILED not in found(replace(on, scheduled=[failed]))
    again = replace(failed, next_at=NOON + 60 * MINUTES)
    assert FindingKind.SCHEDULED_FAILED in found(replace(on, scheduled=[again]))


# who is put aside, and what mends itself


class Unreadable(Log):
    """A log whose facts about people cannot be read."""

    def entries(self, connection: Connection, rows: Iterable[Any]) -> list[Entry]:
        """Fail, if there is anything to read."""
        if list(rows):
            raise ValueError("this cannot be read")
        return super().entries(connection, ())


def test_who_cannot_be_planned_is_told_at_once(world: World) -> None:
    """A person who cannot be planned is a dead letter after the first try, and not minutes later."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    on = world.platform
    broken = Unreadable(on.database, on.log.keys, world.clock, codes_by(KEYRING))
    parts = planning.build(broken, on.rules.library, on.queues.dead_letter_queue, world.clock)
    parts.planning.drain()
    assert world.health().dead_letters == 1
    assert FindingKind.DEAD_LETTERS in found(condition(world))


def test_a_plan_that_cannot_be_known_is_not_called_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Where somebody cannot be planned, `repair --plan` never says that nothing is missing without more ado."""
    batch = RepairBatch("ff", 3, [], {"ff": "DamagedFact"})
    with pytest.raises(SystemExit):
        print_missing([batch], as_json=False)
    said = capsys.readouterr().err
    assert "nothing else is missing; what 1 person who cannot be planned may lack is not known" in said


async def failing(folder: Path, *minutes: int) -> Office:
    """An office whose messages by SMS and email do not go, in the end."""
    office = office_in(folder, script={"sms": [AWAY] * 9, "email": [AWAY] * 9})
    office.world.take(*registered(AIGERIM), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    for each in minutes:
        await office.world.settle(NOON + each * MINUTES)
    return office


async def test_what_is_tried_again_by_itself_needs_no_repair(tmp_path: Path) -> None:
    """The page of failed messages, and the job that would repair them, say when they are tried again, and no more."""
    office = await failing(tmp_path, 0)
    [nudge] = [one for one in office.world.nudges() if one.deliveries[0].state is State.FAILED]
    due = nudge.deliveries[0].due
    assert due is not None
    browser = signed_in(office, "olga")
    text = browser.get("/console/messages?state=failed").text
    assert f"Tried again at {SPEECH.moment(due)}" in text
    assert "Nothing has to be repaired" in text
    assert "/console/jobs/new?kind=repair-failed" not in text
    walk = office.world.platform.replay.retry_failed.work(Outage(), "olga")
    with pytest.raises(NothingToDo, match=r"1 is tried again without a repair, the next at 2025-06-02 12:\d\d\+05"):
        plan_of(walk)
    office.world.close()


async def test_attempts_that_failed_are_found_whatever_came_next(tmp_path: Path) -> None:
    """An attempt that failed before its message went by another channel is found by its provider, page by page."""
    office = office_in(tmp_path, script={"sms": [GiveUp(Reason.BAD_ADDRESS)]})
    office.world.take(*registered(AIGERIM), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    await office.world.settle()
    assert [each.channel for each in office.world.sent if each.channel != "sms"]
    browser = signed_in(office, "olga")
    assert "Nothing was found" in browser.get("/console/messages?provider=sms").text
    by_sms = browser.get("/console/messages?state=attempt-failed&provider=sms").text
    assert by_sms.count("<li><p><strong>") == 1
    assert "the addresses lead to nobody" in by_sms
    assert "Nothing was found" in browser.get("/console/messages?state=attempt-failed&provider=email").text
    log_of = office.world.platform.log
    first = failed_attempts(log_of, Search(), scanned=1)
    pages = 1
    while not first.rows and first.further is not None:
        first, pages = failed_attempts(log_of, Search(), first.further, scanned=1), pages + 1
    assert (len(first.rows), first.rows[0].provider) == (1, "sms")
    assert pages > 1
    office.world.close()


# the schedule


def test_a_scheduled_job_runs_now_from_the_console(tmp_path: Path) -> None:
    """A press has the keeper of the schedule run the job, and the page says how; what destroys has no such button."""
    office = office_in(tmp_path)
    browser = signed_in(office, "olga")
    pressed = send(browser, "/console/schedule/statistics/now", "/console/schedule")
    assert pressed.headers["location"].endswith("/schedule?asked=statistics")
    alone = browser.get("/console/schedule?asked=statistics").text
    assert "No process keeps the schedule" in alone
    assert "It runs within a second" not in alone
    assert re.search(r'class="sign plain" data-job="statistics"(?:(?!</li>).)*Due now', alone, re.DOTALL)
    with run_lock(office.world.platform.database.engine.url):
        kept = browser.get("/console/schedule?asked=statistics").text
        assert "It runs within a second" in kept
        assert "No process keeps the schedule" not in kept
        schedule_of(office.world.platform).run_due(lambda: False)
    text = browser.get("/console/schedule").text
    assert re.search(
        r'class="sign good" data-job="statistics"(?:(?!</li>).)*Last: 2 June 2025, 12:00', text, re.DOTALL
    )
    assert "/console/schedule/retire/now" not in text
    assert send(browser, "/console/schedule/retire/now", "/console/schedule").status_code == 404
    database = office.world.platform.database
    running = scheduled.update().where(scheduled.c.job == "expiry").values(outcome=RunOutcome.RUNNING)
    database.write(lambda connection: connection.execute(running))
    answer = send(browser, "/console/schedule/expiry/now", "/console/schedule")
    assert answer.headers["location"].endswith("/schedule?busy=expiry")
    office.world.close()


def test_a_scheduled_job_runs_now_from_the_command_line(tmp_path: Path) -> None:
    """`schedule --now` runs it in this process, with 1 if it fails; a destroying or unknown one is refused."""
    terminal = Terminal(tmp_path)
    assert terminal.run("run", "--until-idle").code == 0
    done = terminal.run("schedule", "--now", "cleanup")
    assert (done.code, "done" in done.lines[0]) == (0, True)
    assert terminal.run("schedule", "--now", "deposit").code == 1
    assert not list(Path.cwd().glob("head-*.json"))
    for name, words in (("retire", "habarshy retire"), ("clean", "did you mean 'cleanup'?")):
        refused = terminal.run("schedule", "--now", name)
        assert (refused.code, words in refused.talk) == (2, True)


# the command line


def test_status_tells_programs_what_is_wrong(tmp_path: Path) -> None:
    """`--check` ends with 1 where something is BAD; findings as JSON have their details; processes are listed."""
    terminal = Terminal(tmp_path)
    assert terminal.run("run", "--until-idle").code == 0
    assert terminal.run("control", "all", "--stop", "--reason", "a flood of doubles").code == 0
    assert (terminal.run("status").code, terminal.run("status", "--check").code) == (0, 1)
    [told_of] = terminal.run("status", "--json").objects
    stopped = next(each for each in told_of["findings"] if each["kind"] == "stopped")
    assert (stopped["cause"], bool(stopped["since"]), told_of["processes"]) == ("a flood of doubles", True, [])
    assert "Why: a flood of doubles" in stopped["details"]
    [missing] = [each for each in told_of["findings"] if each["kind"] == "not_running"]
    assert missing["level"] == "bad"


def test_status_asks_kafka_as_the_console_does(tmp_path: Path) -> None:
    """Where Kafka is away, `status` says so, and its check fails."""
    terminal = Terminal(tmp_path)
    assert terminal.run("run", "--until-idle").code == 0
    away = {"HABARSHY_KAFKA": "127.0.0.1:1"}
    [told_of] = terminal.run("status", "--json", env=away).objects
    assert "kafka_away" in [each["kind"] for each in told_of["findings"]]
    [told_of] = terminal.run("status", "--json").objects
    assert "kafka_away" not in [each["kind"] for each in told_of["findings"]]


@pytest.mark.parametrize("reason", ["", "…", "...", "  ", "123"])
def test_a_reason_that_says_nothing_is_refused(tmp_path: Path, reason: str) -> None:
    """The dots of an example, digits and nothing at all are no reason, wherever the log keeps one."""
    terminal = Terminal(tmp_path)
    assert terminal.run("run", "--until-idle").code == 0
    for words in (
        ("control", "all", "--stop"),
        ("pause", "traffic_fine_discount"),
        ("resume", "traffic_fine_discount"),
        ("erase", AIGERIM, "--yes"),
        ("dead-letters", "drop", "--all", "--yes"),
    ):
        ended = terminal.run(*words, "--reason", reason)
        assert (ended.code, "--reason: say why" in ended.talk) == (2, True), words
    assert terminal.run("status", "--json").objects[0]["stopped"] == []


def test_a_run_answers_on_a_health_port() -> None:
    """`run` takes `--health-port` as every other role does."""
    ended = Terminal(Path()).run("run", "--help")
    assert "--health-port" in " ".join(ended.lines)


# one process alone


def test_embedded_findings_name_no_role_that_there_is_not(world: World) -> None:
    """Where one process does everything, nothing is said of workers, dispatchers, a relay or a reconciler."""
    roles = re.compile(r"worker|dispatcher|relay|reconciler|the roles", re.IGNORECASE)
    spoken = {kind for kind, words in WORDS.items() if roles.search(words[1])}
    apart = {
        FindingKind.WORKERS_LATE,
        FindingKind.RELAY_LATE,
        FindingKind.KAFKA_AWAY,
        FindingKind.JOBS_WAIT,
        FindingKind.CLOCKS_APART,
        FindingKind.PROCESS_CLOCK,
    }
    assert spoken - apart - {FindingKind.PROCESS_CLOCK} <= set(EMBEDDED)
    assert not [kind for kind, words in EMBEDDED.items() if roles.search(words)]
    late = replace(
        condition(world), status=replace(condition(world).status, unplanned=7, unplanned_for_seconds=1200.0)
    )
    assert not roles.search(finding_in_words(found(late)[FindingKind.PLANNING_LATE], SPEECH).todo)
    assert roles.search(
        finding_in_words(found(replace(late, embedded=False))[FindingKind.PLANNING_LATE], SPEECH).todo
    )
