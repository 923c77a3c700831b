"""Findings in words: one sentence for what is one fault, its likely cause, and nothing in another language."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.identity.key_file import BadKeyFile, load_keyring
from app.jobs.job_results import trouble
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.console.front_page import ACTS
from app.pages.finding_words import GONE, NOBODY_ALIVE, cause_in_words, finding_in_words
from app.reports.condition import Condition, ConditionReader
from app.reports.findings import Finding, FindingKind, Holdup, Level, QueueCause, findings, stop_finding
from app.scheduled import CertificateExpires, check_certificates, schedule_of
from app.settings import load_settings
from domain.core.events import LifeEvent
from domain.core.timing import zone_of
from domain.core.translatable import Said, Words, text_of
from domain.facts.facts import NudgeAttempted
from notifiers.port.interface import Reason
from streams.kafka.errors import KafkaFailure, KafkaRefused, KafkaUnavailable, NotGranted
from streams.kafka.lag import Lag
from streams.queries.health import Backlog, Trend
from streams.queries.provider_health import Record
from streams.rules.aggregates import ActiveStop
from streams.runtime.schedule import RunOutcome, Schedule, Scheduled
from tests.app.pages.console.office import AIGERIM
from tests.app.reports.planted import FAULTS, alive
from tests.world import NOON, World, card, registered

ENGLISH = Speech("en", zone_of("Asia/Almaty"))
FOREIGN = {each: Speech(each, ENGLISH.zone) for each in LANGUAGES if each != "en"}


def condition(world: World) -> Condition:
    """The condition of the platform as the console reads it."""
    return ConditionReader(world.platform, trouble).read()


def down(channel: str, reason: str = "unreachable") -> Record:
    """A provider that fails again and again."""
    return Record(channel, attempted=5, failed=5, in_row=5, since=NOON, reasons=Counter({reason: 5}))


def with_providers(on: Condition, providers: Mapping[str, Record], used: Mapping[str, str]) -> Condition:
    """The condition where these providers did something, and those are in use."""
    return replace(on, recent=replace(on.recent, providers=dict(providers)), providers=dict(used))


# several providers


def test_several_providers_that_are_down_are_one_finding(world: World) -> None:
    """Providers that cannot be reached are told in one sentence, with the channels that nothing is left for."""
    used = {"smtp": "email", "sms": "sms", "push": "push"}
    on = with_providers(condition(world), {"smtp": down("email"), "sms": down("sms")}, used)
    [found] = [each for each in findings(on) if each.kind is FindingKind.PROVIDER_DOWN]
    words = finding_in_words(found, ENGLISH)
    assert words.sentence == (
        "The providers sms and smtp cannot be reached, so nothing is sent by these channels: email and SMS."
    )
    assert words.details[1:] == ("sms (SMS): it cannot be reached", "smtp (email): it cannot be reached")
    assert words.command == "habarshy repair --failed --plan"
    other = finding_in_words(
        findings_of(with_providers(on, {"smtp": down("email"), "sms": down("sms", "garbled")}, used)), ENGLISH
    )
    assert other.sentence.startswith("The providers sms and smtp are down, so nothing")
    spare = finding_in_words(findings_of(replace(on, providers={**used, "smtp2": "email", "sms2": "sms"})), ENGLISH)
    assert spare.sentence == "The providers sms and smtp cannot be reached."


def findings_of(on: Condition) -> Finding:
    """The one finding about providers."""
    [found] = [each for each in findings(on) if each.kind is FindingKind.PROVIDER_DOWN]
    return found


def test_a_channel_without_a_provider_that_works_is_named(world: World) -> None:
    """With one provider down, the finding says whether anything is left to send by."""
    on = with_providers(condition(world), {"sms": down("sms")}, {"sms": "sms"})
    assert "Nothing is sent by SMS" in finding_in_words(findings_of(on), ENGLISH).details
    spare = replace(on, providers={"sms": "sms", "other": "sms"})
    assert "Nothing is sent by SMS" not in finding_in_words(findings_of(spare), ENGLISH).details


# the key file


def test_without_its_keys_the_platform_is_not_said_to_start(world: World) -> None:
    """Beside a key file that cannot be used nothing says that the platform is starting."""
    on = replace(condition(world), began=NOON - timedelta(seconds=5), sampled=None)
    assert FindingKind.STARTING in {each.kind for each in findings(on)}
    broken = findings(replace(on, key_problem=Words("it does not exist")))
    assert broken[0].kind is FindingKind.KEY_FILE
    assert FindingKind.STARTING not in {each.kind for each in broken}


# a queue


def growing(on: Condition, queue: str) -> Condition:
    """A queue that grows by 350 a minute."""
    waits = {"unplanned": 4000, "unplanned_for_seconds": 20.0} if queue == Backlog.PLANNING else {"due_now": 4000}
    return replace(on, status=replace(on.status, **waits), trends={queue: Trend(350.0, None)})


def of_queue(on: Condition) -> Finding:
    """The finding about the queue."""
    [found] = [each for each in findings(on) if each.kind in (FindingKind.PLANNING_GROWS, FindingKind.SENDING_GROWS)]
    return found


def test_a_growing_queue_says_its_likely_cause(world: World) -> None:
    """Nobody works at it, those who do are slower than what comes in, or a provider is down, slow or at its limit."""
    on = replace(condition(world), embedded=False, processes=alive("api"))
    planning, sending = growing(on, Backlog.PLANNING), growing(on, Backlog.DISPATCH)
    for queue, role in ((planning, "worker"), (sending, "dispatch")):
        found = of_queue(queue)
        assert (found.holds, found.command) == (Holdup(QueueCause.NOBODY, role), ("habarshy", role))
    rates = {LifeEvent.TOPIC: 1200.0, NudgeAttempted.TOPIC: 850.0}
    busy = of_queue(replace(planning, processes=alive("api", "worker", "worker"), rates=rates))
    assert finding_in_words(busy, ENGLISH).todo == (
        "Likely cause: the workers are alive (2), but slower than what comes in: "
        "1,200 a minute come in, 850 are done. Start more workers."
    )
    sending = replace(sending, processes=alive("api", "dispatch"), rates=rates)
    assert of_queue(sending).holds == Holdup(QueueCause.BEHIND, number=1, comes=1200.0, goes=850.0)
    used = {"sms": "sms"}
    for record, limits, cause in (
        (down("sms"), {}, Holdup(QueueCause.DOWN, "sms")),
        (Record("sms", attempted=9, sent=9, lately=19.0), {"sms": 20.0}, Holdup(QueueCause.LIMIT, "sms", 20.0)),
        (Record("sms", attempted=9, sent=9, answered=2, waited=8.0), {}, Holdup(QueueCause.SLOW, "sms", 4.0)),
    ):
        held = with_providers(replace(sending, limits=limits), {"sms": record}, used)
        assert of_queue(held).holds == cause
    alone = of_queue(replace(planning, embedded=True, rates=rates))
    assert "the process is alive, but slower" in finding_in_words(alone, ENGLISH).todo


def test_a_queue_that_nobody_wakes_says_so(world: World) -> None:
    """Events that wait because Kafka or the relay is away are not put down to slow workers."""
    waits = replace(condition(world).status, unplanned=9, unplanned_for_seconds=900.0)
    roles = alive("worker", "api", "jobs", "dispatch")
    on = replace(condition(world), embedded=False, status=waits, relay=Lag(9, 900.0), processes=roles)
    late = [each for each in findings(on) if each.kind in (FindingKind.PLANNING_LATE, FindingKind.RELAY_LATE)]
    assert {(each.holds, each.command) for each in late} == {
        (Holdup(QueueCause.NOBODY, "relay"), ("habarshy", "relay"))
    }
    assert finding_in_words(late[0], ENGLISH).todo == "Likely cause: no relay is alive. Start one."
    away = replace(on, workers_away="refused", processes=[*roles, *alive("relay")])
    late = [each for each in findings(away) if each.kind in (FindingKind.PLANNING_LATE, FindingKind.RELAY_LATE)]
    assert [(each.holds, each.command) for each in late] == [(Holdup(QueueCause.KAFKA), ("habarshy", "status"))] * 2


async def test_rates_are_counted_from_the_log(world: World) -> None:
    """What came in and what went lately is counted from the facts since a sample of the log."""
    backlog = world.platform.queries.backlog
    assert backlog.rates() == {}
    backlog.take()
    taken = world.take(*registered(AIGERIM), card(AIGERIM, "2025-07-20"))
    world.at(NOON + timedelta(minutes=2))
    assert backlog.rates() == {LifeEvent.TOPIC: len(taken) / 2}


# the language


@pytest.fixture
def planted(world: World) -> list[Finding]:
    """A finding of each kind, and of each cause that changes its words."""
    on = condition(world)
    found = [each for plant in FAULTS.values() for each in findings(plant(on))]
    made = {each.kind for each in found}
    found += [
        Finding(kind, Level.BAD, ("habarshy", "status"), about="x", channel="sms", cause=cause)
        for kind in FindingKind
        for cause in ("", "ahead", "behind")
        if kind not in (FindingKind.STOPPED, FindingKind.ROLE_GONE) and (cause or kind not in made)
    ]
    scopes = ("all", "channel", "agency", "trigger", "paused")
    found += [stop_finding(ActiveStop(each, "sms", NOON, "tests", "x")) for each in scopes]
    sick = Finding(FindingKind.PROVIDER_DOWN, Level.BAD, ("habarshy",), about="x", channel="sms")
    found += [replace(sick, cause=each) for each in Reason]
    found += [
        replace(sick, providers=(("a", "sms", each), ("b", "email", each)), without=without)
        for each in Reason
        for without in ((), ("email", "sms"))
    ]
    for kind in (FindingKind.PLANNING_GROWS, FindingKind.SENDING_GROWS):
        grows = Finding(kind, Level.NOTE, ("habarshy",), trend=Trend(350.0, None))
        found += [
            replace(grows, holds=Holdup(each, "x", 3, 4, 5)) for each in QueueCause if each is not QueueCause.NOBODY
        ]
    found += [Finding(FindingKind.ROLE_GONE, Level.BAD, ("habarshy",), about=role) for role in GONE]
    late = Finding(FindingKind.RELAY_LATE, Level.BAD, ("habarshy",))
    found += [replace(late, holds=Holdup(QueueCause.NOBODY, role)) for role in NOBODY_ALIVE]
    found += [
        replace(found[0], kind=FindingKind.SENDING_GROWS, holds=Holdup(each, "x"), embedded=True)
        for each in QueueCause
    ]
    return found


LATIN = re.compile(
    r"\b[A-Za-z]{2,}(?:['’][a-z]+)?(?: [A-Za-z]{2,})+\b|\b(?:it|is|the|of|and|not|no|does|cannot|to)\b"
)
"""Two Latin words in a row, or one that only a sentence has."""
NAMES = re.compile(
    r"`[^`]+`|chmod 600|replay verify|\b[\w./-]+\.(?:md|json|dead|sqlite)\b|\S*/\S+|HABARSHY_\w+|\b_[A-Z_]+\b"
)
"""Commands, paths and the names of settings."""


def english_in(text: str) -> list[str]:
    """The English words of a text in another language, without names, commands, paths and codes."""
    return LATIN.findall(NAMES.sub("", text))


@pytest.mark.parametrize("language", FOREIGN)
def test_no_finding_speaks_english_in_another_language(planted: list[Finding], language: str) -> None:
    """Neither what is wrong, nor its cause, nor what to do has an English sentence on a page in another language."""
    assert {each.kind for each in planted} == set(FindingKind)
    said = [finding_in_words(each, FOREIGN[language]) for each in planted]
    texts = {text for each in said for text in (each.sentence, each.todo, *each.details)}
    assert {text: found for text in texts if (found := english_in(text))} == {}


def bad_key_files(folder: Path) -> Iterator[str]:
    """What is said of each key file that cannot be used."""
    for name, content, mode in (
        ("missing", None, 0),
        ("open", "{}", 0o644),
        ("damaged", "{", 0o600),
        ("empty", '{"names": "00", "wrapping": {}}', 0o600),
        ("short", '{"names": "00", "wrapping": {"1": "00"}}', 0o600),
        ("weak", f'{{"names": "{"00" * 32}", "wrapping": {{"1": "{"00" * 32}"}}}}', 0o600),
    ):
        path = folder / name
        if content is not None:
            path.write_text(content)
            path.chmod(mode)
        with pytest.raises(BadKeyFile) as caught:
            load_keyring(path, create=False)
        yield caught.value.problem
    folder.chmod(0o700)
    with pytest.raises(BadKeyFile) as caught:
        load_keyring(folder, create=False)
    yield caught.value.problem


def causes(folder: Path) -> Iterator[str]:
    """The causes of findings that come from errors."""
    yield from bad_key_files(folder)
    yield KafkaFailure("anything at all").told
    yield from (each.told for each in (KafkaUnavailable("k:1", "refused"), KafkaRefused("k:1", "bad password")))
    yield NotGranted("k:1", "to read the topic", "denied").told
    (folder / "ca.pem").write_text("no certificate")
    for ca in ("ca.pem", "none.pem"):
        with pytest.raises(CertificateExpires) as caught:
            check_certificates(load_settings(kafka_ca_file=str(folder / ca)), NOON)
        yield text_of(caught.value)


@pytest.mark.parametrize("language", FOREIGN)
def test_causes_from_errors_are_in_the_readers_language(tmp_path: Path, language: str) -> None:
    """What an error says of a key file, of Kafka and of a certificate is said in each language."""
    for cause in causes(tmp_path):
        assert isinstance(cause, Said), cause
        assert english_in(FOREIGN[language].tell(cause)) == [], cause


def test_a_scheduled_job_keeps_its_error_for_all_languages(world: World) -> None:
    """The row of a run keeps an error so that pages say it in their language; older rows are read as they are."""
    words = Words("{path} is valid until {date} only", path="ca.pem", date="2025-07-01")

    def fail(_: object) -> None:
        raise CertificateExpires(words)

    on = world.platform
    jobs = {"expiry": Scheduled("0 3 * * *", fail)}
    [run] = [
        Schedule(on.database, world.clock, jobs, lambda: ENGLISH.zone, lambda _: None).run_now(
            "expiry", lambda: False
        )
    ]
    assert (run.outcome, run.words) == (RunOutcome.FAILED, str(words))
    [kept] = [each for each in schedule_of(on).runs() if each.job == "expiry"]
    assert FOREIGN["ru"].tell(kept.words) == "ca.pem: срок действия до 2025-07-01"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_a_failure_has_words(language: str) -> None:
    """No reason for which a provider fails is shown as its code."""
    said = {each: cause_in_words(each, Speech(language, ENGLISH.zone)) for each in Reason}
    assert [each for each, words in said.items() if words == each.replace("_", " ")] == []


def test_a_button_says_what_it_does(planted: list[Finding]) -> None:
    """Each finding with a page of its own has a button that says where it leads, in each language other words."""
    assert {each.kind for each in planted if each.path} <= set(ACTS)
    assert all(speech.say(act) != act for act in ACTS.values() for speech in FOREIGN.values())
