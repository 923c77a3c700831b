"""The front page: what is wrong, the worst first, as a sentence with what to do about it."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import URL
from starlette.testclient import TestClient

from app.cli.commands.status import status_lines
from app.clock import system_clock
from app.compose import compose
from app.identity.key_file import retire, rotate
from app.jobs.job_results import trouble
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.finding_words import finding_in_words
from app.reports.condition import Condition, ConditionReader
from app.reports.findings import SKEW, Finding, FindingKind, Level, findings
from app.settings import load_settings
from domain.core.timing import zone_of
from notifiers.port.interface import GiveUp, Reason, RetryLater, Unknown
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.lag import Lag
from streams.queues.jobs import Plan, Save, Step
from streams.queues.refused_events import RefusedEvents
from streams.runtime.processes import Processes
from streams.storage.database import Database
from streams.storage.leadership import Lane
from streams.storage.schema import migrate
from streams.storage.server_clock import ServerClock
from tests.app.pages.console.office import AIGERIM, AWAY, Office, office_in, signed_in
from tests.app.reports.planted import FAULTS
from tests.services import postgres
from tests.streams.dispatching import DUE
from tests.world import LONG_AGO, NOON, World, card, corrected, few_triggers, fine, registered

SPEECH = Speech("en", zone_of("Asia/Almaty"))


def condition(world: World, lags: Sequence[Lag] | None = None) -> Condition:
    """The condition of the platform as the console reads it."""
    return ConditionReader(world.platform, trouble, None if lags is None else lambda: lags).read()


def found_in(world: World, lags: Sequence[Lag] | None = None) -> dict[FindingKind, Finding]:
    """What is wrong, by its kind."""
    return {each.kind: each for each in findings(condition(world, lags))}


def page(office: Office) -> str:
    """What an operator sees."""
    return signed_in(office, "olga").get("/console").text


def quiet(folder: Path) -> Office:
    """An office at a platform that works."""
    office = office_in(folder)
    office.world.platform.replay.follower.drain()
    office.world.platform.queries.backlog.take()
    return office


def test_a_quiet_platform_works(tmp_path: Path) -> None:
    """Where the upkeep is alive and nothing waits, nothing is wrong, and the page says so."""
    office = quiet(tmp_path)
    assert findings(condition(office.world)) == []
    assert "Everything works" in page(office)
    office.world.close()


@pytest.mark.parametrize("kind", FAULTS)
def test_a_planted_fault_is_the_first_sentence(tmp_path: Path, kind: FindingKind) -> None:
    """Each fault alone is the only finding; in three languages its sentence, what to do and the command differ."""
    office = quiet(tmp_path)
    [found] = findings(FAULTS[kind](condition(office.world)))
    assert found.kind is kind
    said = [finding_in_words(found, Speech(language, SPEECH.zone)) for language in LANGUAGES]
    assert len({each.sentence for each in said}) == len({each.todo for each in said}) == len(LANGUAGES)
    assert all(each.command and "{" not in each.sentence for each in said)
    office.world.close()


async def _told_at(office: Office, *minutes: int) -> None:
    world = office.world
    world.take(*registered(AIGERIM), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    for each in minutes:
        await world.settle(NOON + timedelta(minutes=each))
    world.platform.replay.follower.drain()
    world.platform.queries.backlog.take()


def first_finding(browser: TestClient, language: str) -> tuple[str, str]:
    """The first heading below the page's own, and what the page says to do about it, in a language."""
    first = browser.get(f"/console?language={language}").text.partition('id="live"')[2].partition("</li>")[0]
    sentence, todo = re.search(r"<h2[^>]*>([^<]+)</h2>", first), re.search(r"\n<p>(.+)</p>", first)
    assert sentence is not None
    assert todo is not None
    assert re.search(r"<code>(habarshy|timedatectl) ", first)
    return sentence[1], todo[1]


SAID = {
    "provider": (
        "The provider sms (SMS) is down: it cannot be reached.",
        "Провайдер sms (SMS) не работает",
        "sms провайдері (SMS) істемейді",
    ),
    "credentials": (
        "The provider sms (SMS) does not let us in",
        "Провайдер sms (SMS) не пускает нас",
        "sms провайдері (SMS) бізді кіргізбейді",
    ),
    "worker": (
        "The platform is not running: nothing is planned or sent.",
        "Платформа не запущена",
        "Платформа іске қосылмаған",
    ),
    "queue": (
        "Events not processed yet: 4, the oldest for 20 min.",
        "Не обработаны события: 4",
        "Оқиғалар әлі өңделмеген: 4",
    ),
    "key": (
        "The key file cannot be used.",
        "Файл ключей",
        "Кілттер файлы",
    ),
    "clock": (
        "The clock of this machine is wrong: the latest record was made 60 min later than it shows.",
        "Часы этой машины",
        "Бұл машинаның сағаты қате",
    ),
    "switch": ("Everything is stopped: no message goes out.", "Остановлено всё", "Бәрі тоқтатылған"),
    "job": (
        "Job 1 (replay verify) failed.",
        "Задание 1 (replay verify) не удалось",
        "1-тапсырма (replay verify) сәтсіз",
    ),
}
"""Fault -> the beginnings of the first sentence in English, Russian and Kazakh."""


@pytest.mark.parametrize("fault", SAID)
async def test_the_page_opens_with_the_fault(tmp_path: Path, fault: str) -> None:
    """The first sentence of the page names the fault, with what to do and the command, in three languages."""
    answers = {"provider": AWAY, "credentials": RetryLater(timedelta(minutes=1), Reason.NOT_ADMITTED, everybody=True)}
    broken = {"provider": ("sms", "email"), "credentials": ("sms",)}.get(fault, ())
    script = {name: [answers[fault]] * 9 for name in broken}
    office = office_in(tmp_path, script=script)
    if fault in answers:
        await _told_at(office, 0, 1, 6)
    else:
        office.world.platform.replay.follower.drain()
    if fault == "queue":
        office.world.platform.queries.backlog.take()
        office.world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
        office.world.at(NOON + timedelta(minutes=20))
        office.world.platform.replay.follower.drain()
    if fault == "key":
        settings = office.world.platform.settings
        own = {"database": f"sqlite:///{tmp_path}/own.sqlite", "packs": str(few_triggers(tmp_path))}
        office.world.platform.database.close()
        office.world.platform = compose(settings.model_copy(update=own), office.world.clock)
        settings.key_file.unlink()
    if fault == "clock":
        office.world.take(*registered(AIGERIM, LONG_AGO))
        office.world.plan()
        office.world.platform.database.close()
        earlier = NOON - timedelta(hours=1)
        office = office_in(tmp_path / "earlier", now=earlier, url=f"sqlite:///{office.world.file}")
        office.world.platform.replay.follower.drain()
    if fault != "worker":
        office.world.platform.queries.backlog.take()
    if fault == "switch":
        office.world.control("all", "", stopped=True)
    if fault == "job":
        jobs = office.world.platform.queues.jobs
        job = jobs.add("replay verify", Lane.VIEWS, {}, Plan("verify", 10, "facts", 1.0), "olga")
        with pytest.raises(ValueError, match="broken"):
            jobs.run(job.id, Broken(), lambda _: None)
    browser = signed_in(office, "olga")
    if fault in {*answers, "worker"}:
        office.world.at(NOON + timedelta(minutes=3 if fault == "worker" else 7))
    todos = set()
    for language, beginning in zip(("en", "ru", "kk"), SAID[fault], strict=True):
        sentence, todo = first_finding(browser, language)
        assert sentence.startswith(beginning)
        todos.add(todo)
    assert len(todos) == len(LANGUAGES), "what to do is said in each language"
    assert "Everything works" not in browser.get("/console?language=en").text
    office.world.close()


class Broken:
    """Work that fails at once."""

    def count(self, cursor: str) -> Plan:
        """There is something to do."""
        return Plan(f"break {cursor}", 1, "facts", 1.0)

    def step(self, cursor: str, save: Save) -> Step:
        """It breaks."""
        raise ValueError("broken", cursor, save)

    def rest(self) -> None:
        """Nothing is held."""

    def abandon(self) -> None:
        """Nothing is left."""


EXCLUDED = {
    FindingKind.CLOCK_BEHIND,
    FindingKind.DATABASE_CLOCK,
    FindingKind.KEY_EXPIRES,
    FindingKind.SCHEDULED_FAILED,
    FindingKind.SENDING_LATE,
    FindingKind.PLANNING_LATE,
    FindingKind.SENDING_GROWS,
    FindingKind.WORKERS_LATE,
}
"""Faults whose place another planted one takes."""


def test_all_that_is_wrong_is_ranked(tmp_path: Path) -> None:
    """With many faults at once all are told, what is to be mended now before what is only to be looked at."""
    office = quiet(tmp_path)
    on = condition(office.world)
    for plant in FAULTS.values():
        on = plant(on)
    found = findings(on)
    assert {each.kind for each in found} >= set(FAULTS) - EXCLUDED
    assert [each.level for each in found] == sorted((each.level for each in found), reverse=True)
    assert found[0].kind is FindingKind.OLDER_COPY
    office.world.close()


def test_a_clock_behind_the_records_is_wrong(tmp_path: Path) -> None:
    """A machine whose clock stands an hour before what was recorded last is told so by the log itself."""
    office = quiet(tmp_path)
    office.world.take(*registered(AIGERIM, LONG_AGO))
    office.world.plan()
    earlier = World(
        tmp_path / "earlier", now=NOON - timedelta(hours=1), copy_of=None, url=f"sqlite:///{office.world.file}"
    )
    assert found_in(earlier)[FindingKind.CLOCK_BEHIND].seconds == 3600
    earlier.close()
    office.world.close()


def test_a_key_file_that_is_gone_is_told(tmp_path: Path) -> None:
    """A process goes on with the keys that it read; the console says that the file is gone, or which key it lacks."""
    keys, packs = tmp_path / "keys.json", str(few_triggers(tmp_path))
    settings = load_settings(database=f"sqlite:///{tmp_path}/x.sqlite", key_file=keys, packs=packs)
    platform = compose(settings, lambda: NOON)
    reader = ConditionReader(platform, trouble)
    platform.intake.accept(list(registered(AIGERIM)))
    assert {FindingKind.KEY_FILE, FindingKind.KEY_LOST}.isdisjoint(each.kind for each in findings(reader.read()))
    kept = keys.read_text()
    rotate(keys)
    retire(keys, 2)
    [lost] = [each for each in findings(reader.read()) if each.kind is FindingKind.KEY_LOST]
    assert lost.about == "1"
    keys.unlink()
    [gone] = [each for each in findings(reader.read()) if each.kind is FindingKind.KEY_FILE]
    assert (gone.level, gone.cause) == (Level.BAD, "it does not exist")
    assert kept not in repr(gone)
    keys.with_name("other").write_text(json.dumps({**json.loads(kept), "names": "0123456789abcdef" * 4}))
    keys.with_name("other").chmod(0o600)
    keys.with_name("other").rename(keys)
    [other] = [each for each in findings(reader.read()) if each.kind is FindingKind.KEY_FILE]
    assert other.cause == "it is that of another database"
    platform.database.close()


def test_a_clock_is_compared_with_the_server_of_the_database(server: URL, tmp_path: Path) -> None:
    """On PostgreSQL a real clock is compared with the server's; one that is moved by hand is none."""
    with postgres.fresh(server) as url:
        database = Database(url.render_as_string(hide_password=False))
        migrate(database)
        database.close()
        world = World(tmp_path, url=url.render_as_string(hide_password=False))
        assert condition(world).apart_by == timedelta()
        on = world.platform
        on.database.server_clock = ServerClock(system_clock)
        runtime = replace(on.runtime, processes=Processes(on.database, system_clock))
        real = ConditionReader(replace(on, clock=system_clock, runtime=runtime), trouble).read()
        assert abs(real.apart_by) < SKEW
        assert real.apart_by != timedelta()
        world.close()


def test_waiting_is_told_as_count_time_trend_and_end(world: World) -> None:
    """What waits is counted, with the age of the oldest, whether it grows, and when it is done."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    world.platform.queries.backlog.take()
    world.at(NOON + timedelta(minutes=9))
    world.take(fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    planning = found_in(world)[FindingKind.PLANNING_LATE]
    assert (planning.level, planning.since) == (Level.NOTE, NOON)
    words = finding_in_words(planning, SPEECH)
    assert words.sentence == "Events not processed yet: 5, the oldest for 9 min."
    assert words.details[1:] == ("more by 0.1 a minute",)
    world.plan()
    assert FindingKind.PLANNING_LATE not in found_in(world)


async def test_what_is_overdue_is_bad(world: World) -> None:
    """Messages that are due for more than five minutes and don't go are bad, and nobody has to look for them."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    world.plan()
    world.at("2025-06-20T09:06:00+05:00")
    sending = found_in(world)[FindingKind.SENDING_LATE]
    assert (sending.level, sending.count) == (Level.BAD, 1)


@pytest.mark.parametrize(("seconds", "level"), [(0.5, None), (45, Level.NOTE), (61, Level.BAD)])
def test_workers_stand_as_their_worst_partition(world: World, seconds: float, level: Level | None) -> None:
    """One partition that waits makes the workers late, whatever the others do."""
    found = found_in(world, [Lag(0, 0.0, "persons", 0), Lag(7, seconds, "persons", 11)]).get(FindingKind.WORKERS_LATE)
    assert (found and found.level, found and found.count) == (level, level and 7)


def test_kafka_away_is_said(world: World) -> None:
    """Where Kafka does not answer, the lag is not known, and nobody says that it is none."""

    def away() -> Sequence[Lag]:
        raise KafkaUnavailable("127.0.0.1:1", "refused")

    found = {each.kind: each for each in findings(ConditionReader(world.platform, trouble, away).read())}
    assert found[FindingKind.KAFKA_AWAY].level is Level.BAD


def test_events_from_kafka_that_were_refused_are_told_for_a_day(world: World) -> None:
    """How many were refused, by code, and when last; as long as their topic has them, with what to do."""
    assert FindingKind.EVENTS_REFUSED not in found_in(world)
    RefusedEvents(world.platform.database, world.clock).note(["too_large", "bad_json", "too_large"])
    found = found_in(world)[FindingKind.EVENTS_REFUSED]
    assert (found.level, found.cause, found.count) == (Level.NOTE, "bad_json: 1, too_large: 2", 3)
    world.at(NOON + timedelta(days=1))
    assert FindingKind.EVENTS_REFUSED not in found_in(world)


async def test_a_provider_in_trouble_is_bold(tmp_path: Path) -> None:
    """Three failures in a row are an open breaker: since when, by which provider, with the command for afterwards."""
    office = office_in(tmp_path, script={"sms": [AWAY] * 9, "email": [AWAY] * 9})
    await _told_at(office, 0, 1, 6)
    found = found_in(office.world)[FindingKind.PROVIDER_DOWN]
    assert (found.level, found.about, found.channel, found.since) == (Level.BAD, "sms", "sms", NOON)
    assert finding_in_words(found, SPEECH).command == "habarshy repair --failed --plan --provider sms"
    assert "Down: messages use another provider or wait; retried every 30 s" in page(office)
    office.world.close()


async def test_a_provider_that_failed_the_last_time_is_not_said_to_work(tmp_path: Path) -> None:
    """Before so many failures in a row that its door closes, the page says that it failed, and works once it does."""
    office = office_in(tmp_path, script={"sms": [AWAY]})
    await _told_at(office, 0)
    assert found_in(office.world)[FindingKind.PROVIDER_FAILS_ALL].level is Level.NOTE
    assert "Failed every time" in page(office)
    assert "Everything works" not in page(office)
    await office.world.settle(NOON + timedelta(minutes=2))
    text = page(office)
    assert "Failed every time" not in text
    assert re.search(r'class="tag good">Works<', text)
    office.world.close()


async def test_a_provider_whose_every_message_fails_is_said_not_to_work(tmp_path: Path) -> None:
    """Where all addresses are wrong, no door closes; the console and `status` say that every attempt failed."""
    office = office_in(tmp_path, script={"sms": [GiveUp(Reason.BAD_ADDRESS)] * 9, "email": [AWAY] * 9})
    await _told_at(office, 0)
    found = found_in(office.world)[FindingKind.PROVIDER_FAILS_ALL]
    assert (found.level, found.about, found.cause) == (Level.NOTE, "sms", "bad_address")
    assert "Failed every time" in page(office)
    sms = office.world.health().providers["sms"]
    assert (sms.state, sms.failed, sms.share_failed, sms.last_failure) == ("failed every time", 1, 1.0, NOON)
    [line] = [told for name, told in status_lines(office.world.health(), SPEECH.zone) if name == "provider sms (sms)"]
    assert re.fullmatch(
        r"failed every time; 1 attempt in the last hour, 1 failed \(100%\), the last at .*: 1 bad_address", line
    )
    office.world.close()


def test_the_upkeep_is_given_time_to_start(world: World) -> None:
    """In the minute after the start an upkeep that was not seen yet is starting; then it is not running."""
    reader = ConditionReader(world.platform, trouble, began=NOON)
    for seconds, kind in ((5, FindingKind.STARTING), (61, FindingKind.NOT_RUNNING)):
        world.at(NOON + timedelta(seconds=seconds))
        assert kind in {each.kind for each in findings(reader.read())}


async def test_messages_of_which_nobody_knows_are_a_row(tmp_path: Path) -> None:
    """Unknown outcomes about which somebody has to decide are told, with their page."""
    lost = Unknown(Reason.LINK_LOST)
    office = office_in(tmp_path, script={"sms": [lost], "email": [lost]})
    assert FindingKind.UNKNOWN_OUTCOMES not in found_in(office.world)
    office.world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    await office.world.settle(DUE)
    await office.world.settle(DUE + timedelta(days=3))
    found = found_in(office.world)[FindingKind.UNKNOWN_OUTCOMES]
    assert (found.level, found.count, found.path) == (Level.NOTE, 1, "/unknown")
    office.world.close()


def test_corrections_without_their_event_are_told(world: World) -> None:
    """A correction whose original never came is something to look at."""
    world.take(*registered(AIGERIM), corrected(card(AIGERIM, "2025-07-20"), 2, expires_on="2025-08-20"))
    assert found_in(world)[FindingKind.REVISIONS].level is Level.NOTE


def test_the_page_names_nobody(office: Office) -> None:
    """Neither a national id nor a pseudonym is on the front page."""
    text = page(office)
    assert AIGERIM not in text
    assert not re.search(r"[0-9a-f]{32}", text)


def test_what_is_stopped_stands_first(tmp_path: Path) -> None:
    """With everything stopped, also where nothing runs, the page begins with it: since when, by whom and why."""
    office = office_in(tmp_path)
    office.world.control("all", "", stopped=True)
    stop, other = findings(condition(office.world))
    assert (stop.kind, stop.level, stop.since, other.kind) == (
        FindingKind.STOPPED,
        Level.BAD,
        NOON,
        FindingKind.NOT_RUNNING,
    )
    words = finding_in_words(stop, SPEECH)
    assert words.details == ("Since 2 June 2025, 12:00, by tests", "Why: a test")
    assert words.command == "habarshy control all --go --reason '…'"
    assert "a test" in page(office)
    forecast = signed_in(office, "olga").get("/console/forecast").text
    assert "everything. Since 2 June 2025, 12:00, by tests: a test" in forecast
    office.world.close()
