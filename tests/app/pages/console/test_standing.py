"""The front page: one honest look, worst child wins."""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.cli.commands.status import status_lines
from app.pages.catalogues import Speech
from app.pages.console.flows import Flows
from app.pages.console.matters import Matters
from app.pages.console.signs import Level, Sign
from app.pages.console.staff import Staff
from app.pages.console.standing import StandingPage
from app.pages.layout import Pages
from domain.core.timing import zone_of
from notifiers.port.interface import GiveUp, Reason, Unknown
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.lag import Lag
from streams.queues.refused_events import RefusedEvents
from tests.app.pages.console.office import AIGERIM, AWAY, Office, office_in, signed_in
from tests.streams.dispatching import DUE
from tests.world import LONG_AGO, NOON, World, card, corrected, fine, registered

SPEECH = Speech("en", zone_of("Asia/Almaty"))


def signs(world: World, lags: Sequence[Lag] | None = None) -> dict[str, Sign]:
    """Every sign by its name."""
    staff = Staff(world.platform, Pages("http://testserver", lambda: SPEECH.zone))
    seen = StandingPage(staff, None if lags is None else lambda: lags).seen()
    return {each.name: each for each in (*Flows(seen, SPEECH).all(), *Matters(seen, SPEECH).all())}


def page(office: Office) -> str:
    """What an operator sees."""
    return signed_in(office, "olga").get("/console").text


def test_a_quiet_platform_works(tmp_path: Path) -> None:
    """Where the upkeep is alive and nothing waits, everything is green, and the page says so."""
    office = office_in(tmp_path)
    office.world.platform.replay.follower.drain()
    office.world.platform.queries.backlog.take()
    assert {each.level for each in signs(office.world).values()} == {Level.GOOD}
    assert "Everything works" in page(office)
    office.world.close()


def test_the_worst_sign_is_how_it_stands(world: World) -> None:
    """Without the upkeep the whole is bad, however good the rest is; what is bad says what to do, and how."""
    found = signs(world)["Upkeep"]
    assert (found.level, found.state, found.command) == (Level.BAD, "Not running", "habarshy run")
    assert found.todo
    world.platform.queries.backlog.take()
    assert signs(world)["Upkeep"].level is Level.GOOD
    world.at(NOON + timedelta(minutes=3))
    assert signs(world)["Upkeep"].since == NOON


def test_waiting_is_told_as_count_time_trend_and_end(world: World) -> None:
    """What waits is counted, with the age of the oldest, whether it grows, and when it is done."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    world.platform.queries.backlog.take()
    world.at(NOON + timedelta(minutes=9))
    world.take(fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    planning = signs(world)["Planning"]
    assert (planning.level, planning.since) == (Level.NOTE, NOON)
    assert planning.facts == ("5 waiting", "the oldest for 9 min", "more by 0.1 a minute")
    world.plan()
    assert signs(world)["Planning"].state == "Nothing waits"


async def test_what_is_overdue_is_bad(world: World) -> None:
    """Messages that are due for more than five minutes and don't go are bad, and nobody has to look for them."""
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    world.plan()
    world.at("2025-06-20T09:06:00+05:00")
    sending = signs(world)["Sending"]
    assert (sending.level, sending.facts[0]) == (Level.BAD, "1 waiting")


@pytest.mark.parametrize(("seconds", "level"), [(0.5, Level.GOOD), (45, Level.NOTE), (61, Level.BAD)])
def test_workers_stand_as_their_worst_partition(world: World, seconds: float, level: Level) -> None:
    """One partition that waits makes the workers late, whatever the others do."""
    found = signs(world, [Lag(0, 0.0, "persons", 0), Lag(7, seconds, "persons", 11)])["Workers"]
    assert (found.level, found.facts[0]) == (level, "7 waiting")


def test_kafka_away_is_said(world: World) -> None:
    """Where Kafka does not answer, the lag is not known, and nobody says that it is none."""

    def away() -> Sequence[Lag]:
        raise KafkaUnavailable("127.0.0.1:1", "refused")

    staff = Staff(world.platform, Pages("http://testserver", lambda: SPEECH.zone))
    found = {each.name: each for each in Flows(StandingPage(staff, away).seen(), SPEECH).all()}
    assert (found["Workers"].level, found["Workers"].state) == (Level.BAD, "Not known")


def test_events_from_kafka_that_were_refused_are_told_for_a_day(world: World) -> None:
    """How many were refused, by code, and when last; as long as their topic has them, with what to do."""
    assert signs(world)["Events from Kafka"].state == "None refused"
    RefusedEvents(world.platform.database, world.clock).note(["too_large", "bad_json", "too_large"])
    found = signs(world)["Events from Kafka"]
    assert (found.level, found.facts[:2]) == (Level.NOTE, ("bad json: 1", "too large: 2"))
    assert found.todo
    world.at(NOON + timedelta(days=1))
    assert signs(world)["Events from Kafka"].level is Level.GOOD


def test_a_provider_that_is_not_seen_is_not_known(world: World) -> None:
    """Where others sent more than is looked at, nobody says that a provider that is not among them works."""
    staff = Staff(world.platform, Pages("http://testserver", lambda: SPEECH.zone))
    seen = replace(StandingPage(staff, None).seen(), unseen=("gateway",))
    found = {each.name: each for each in Matters(seen, SPEECH).all()}["Providers"]
    assert (found.level, found.state, found.facts) == (Level.NOTE, "Not known", ("gateway",))


async def test_a_provider_in_trouble_is_bold(tmp_path: Path) -> None:
    """Three failures in a row are an open breaker: since when, by which provider, with the command for afterwards."""
    office = office_in(tmp_path, script={"sms": [AWAY] * 9, "email": [AWAY] * 9})
    world = office.world
    world.take(*registered(AIGERIM), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    for minutes in (0, 1, 6):
        await world.settle(NOON + timedelta(minutes=minutes))
    found = signs(world)["Providers"]
    assert (found.level, found.facts, found.since) == (Level.BAD, ("sms (SMS)",), NOON)
    assert found.command == "habarshy repair --failed --plan --provider sms"
    text = page(office)
    assert re.search(r"<strong>In trouble</strong>", text)
    assert "Down: messages use another provider or wait; retried every 30 s" in text
    world.close()


async def test_a_provider_that_failed_the_last_time_is_not_said_to_work(tmp_path: Path) -> None:
    """Before so many failures in a row that its door closes, the page says that it failed, and works once it does."""
    office = office_in(tmp_path, script={"sms": [AWAY]})
    office.world.take(*registered(AIGERIM), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    await office.world.settle(NOON)
    office.world.platform.queries.backlog.take()
    office.world.platform.replay.follower.drain()
    assert signs(office.world)["Providers"].level is Level.NOTE
    assert "Failed the last time" in page(office)
    assert "Everything works" not in page(office)
    await office.world.settle(NOON + timedelta(minutes=2))
    text = page(office)
    assert "Failed the last time" not in text
    assert re.search(r'class="tag good">Works<', text)
    office.world.close()


async def test_a_provider_whose_every_message_fails_is_said_not_to_work(tmp_path: Path) -> None:
    """Where all addresses are wrong, no door closes; the console and `status` say that every attempt failed."""
    office = office_in(tmp_path, script={"sms": [GiveUp(Reason.BAD_ADDRESS)] * 9, "email": [AWAY] * 9})
    office.world.take(*registered(AIGERIM), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    await office.world.settle(NOON)
    found = signs(office.world)["Providers"]
    assert (found.level, found.state, found.command) == (Level.NOTE, "Failed the last time", "habarshy status")
    assert "sms (SMS)" in found.facts
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
    staff = Staff(world.platform, Pages("http://testserver", lambda: SPEECH.zone))
    page_ = StandingPage(staff, None, NOON)
    for seconds, level in ((5, Level.NOTE), (61, Level.BAD)):
        world.at(NOON + timedelta(seconds=seconds))
        assert Flows(page_.seen(), SPEECH).all()[0].level is level


async def test_messages_of_which_nobody_knows_are_a_row(tmp_path: Path) -> None:
    """Unknown outcomes about which somebody has to decide stand among the signs, with their page."""
    lost = Unknown(Reason.LINK_LOST)
    office = office_in(tmp_path, script={"sms": [lost], "email": [lost]})
    assert signs(office.world)["Unknown outcomes"].level is Level.GOOD
    office.world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    await office.world.settle(DUE)
    await office.world.settle(DUE + timedelta(days=3))
    found = signs(office.world)["Unknown outcomes"]
    assert (found.level, found.facts, found.path) == (Level.NOTE, ("1 waiting for a human",), "/unknown")
    office.world.close()


def test_a_restored_database_is_said(world: World) -> None:
    """Where the database is an older copy, nothing is sent, and the page says why and what to say."""
    staff = Staff(world.platform, Pages("http://testserver", lambda: SPEECH.zone))
    seen = StandingPage(staff, None).seen()
    assert "Database" not in {each.name for each in Matters(seen, SPEECH).all()}
    older = {each.name: each for each in Matters(replace(seen, older=NOON), SPEECH).all()}["Database"]
    assert (older.level, older.since, older.command) == (Level.BAD, NOON, "habarshy restored --plan")


def test_corrections_without_their_event_are_shown(world: World) -> None:
    """A correction whose original never came is something to look at."""
    world.take(*registered(AIGERIM), corrected(card(AIGERIM, "2025-07-20"), 2, expires_on="2025-08-20"))
    assert signs(world)["Corrections"].level is Level.NOTE


def test_the_page_names_nobody(office: Office) -> None:
    """Neither a national id nor a pseudonym is on the front page."""
    text = page(office)
    assert AIGERIM not in text
    assert not re.search(r"[0-9a-f]{32}", text)


def test_what_is_stopped_stands_first_and_is_bad(tmp_path: Path) -> None:
    """With everything stopped the front page begins with it, in red, with since when, by whom and why."""
    office = office_in(tmp_path)
    office.world.control("all", "", stopped=True)
    [sign] = [each for each in signs(office.world).values() if each.name == "Switches"]
    assert (sign.level, sign.since) == (Level.BAD, NOON)
    assert sign.facts == ("everything. Since 2 June 2025, 12:00, by tests: a test",)
    shown = re.findall(r'<li class="sign (\w+)">\s*<h2>(?:<a [^>]*>)?([^<]+)', page(office))
    assert shown[0] == ("bad", "Switches")
    forecast = signed_in(office, "olga").get("/console/forecast").text
    assert "everything. Since 2 June 2025, 12:00, by tests: a test" in forecast
    office.world.close()
