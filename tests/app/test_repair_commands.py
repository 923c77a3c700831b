"""habarshy repair as somebody at a terminal sees it: the plan first, then a typed confirmation, each gap once."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select, update

from app.clock import system_clock
from app.compose import compose
from app.settings import load_settings
from streams.queues.job_store import Jobs
from streams.queues.jobs import Plan
from streams.storage.leadership import Lane
from streams.storage.tables import log
from tests.app.terminal import Terminal, begun
from tests.world import card, iin, registered


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal with two citizens whom nobody has planned yet."""
    return begun(tmp_path, _reported)


def _reported(terminal: Terminal) -> None:
    lives = [*registered(iin(1)), *registered(iin(2)), card(iin(1), "2099-12-20"), card(iin(2), "2099-12-20")]
    assert terminal.run("ingest", terminal.written("life.ndjson", *lives)).code == 0


@pytest.fixture
def operator(terminal: Terminal) -> Mapping[str, str]:
    """The environment of an operator."""
    return terminal.act("olga", "platform", "operator")


def test_what_is_missing_is_told_and_repaired_once(terminal: Terminal, operator: Mapping[str, str]) -> None:
    """The plan lists each nudge and changes nothing; the typed count repairs all; a second repair finds nothing."""
    asked = {each["id"] for each in terminal.run("intents", "--json", env=operator).objects}
    for plan in [terminal.run("repair", "--plan", "--json", env=operator) for _ in range(2)]:
        assert (plan.code, {each["nudge"] for each in plan.objects}) == (0, asked)
        assert {(each["what"], each["why"]) for each in plan.objects} == {("plan", "waiting")}
    told = terminal.run("repair", "--plan", env=operator)
    assert "identity_card_expiry" in "".join(told.lines)
    assert told.talk == f"2 persons looked at; {len(asked)} nudges of 2 persons are missing\n"
    assert told.lines[0].split() == ["nudges", "to", "do", "because", "trigger"]
    declined = terminal.run("repair", stdin=b"no\n", env=operator)
    assert (declined.code, len(terminal.run("repair", "--plan", "--json", env=operator).objects)) == (5, len(asked))
    done = terminal.run("repair", stdin=f"{len(asked)}\n".encode(), env=operator)
    assert (done.code, done.talk.splitlines()[-1]) == (0, f"repaired: {len(asked)} to plan")
    assert terminal.run("repair", "--plan", "--json", env=operator).lines == []
    again = terminal.run("repair", "--yes", env=operator)
    assert (again.code, again.talk) == (0, "There is nothing to do: 2 persons looked at.")
    trail = terminal.run("trail", iin(1), "--purpose=repaired", "--json", env=operator).objects
    assert {each["fact"] for each in trail} >= {"nudge-planned/1"}


def test_who_may_repair_is_asked(terminal: Terminal, operator: Mapping[str, str]) -> None:
    """Without a token, for all agencies, or for another's trigger it ends with 4; an agency repairs its own."""
    aida = terminal.act("aida", "interior", "author")
    assert terminal.run("repair", "--plan").code == 4
    assert terminal.run("repair", "--plan", env=aida).code == 4
    assert terminal.run("repair", "--plan", "--trigger", "traffic_fine_discount", env=operator).code == 0
    own = terminal.run("repair", "--plan", "--json", "--trigger", "identity_card_expiry", env=aida)
    assert (own.code, {each["trigger"] for each in own.objects}) == (0, {"identity_card_expiry"})
    fred = terminal.act("fred", "finance", "author", "approver")
    assert terminal.run("repair", "--yes", "--trigger", "identity_card_expiry", env=fred).code == 4


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--from", "2025-02-01", "--to", "2025-01-01"), 2, "--to: 2025-01-01 is not after 2025-02-01"),
        (("--from", "2025-02-01", "--to", "2025-02-01"), 2, "is not after 2025-02-01"),
        (("--from", "yesterday"), 2, "--from: 'yesterday' is no time"),
        (("--trigger", "identity_card_expire"), 1, "did you mean 'identity_card_expiry'?"),
        (("--person", "Aigerim"), 2, "--person: neither a national id"),
        (("--failed", "--channel", "smz"), 2, "--channel: no channel is called 'smz' (did you mean 'sms'?)"),
        (("--failed", "--channel", "fax"), 2, "no channel is called 'fax'; there are: "),
        (("--person", iin(9)), 1, "nothing is known about this person"),
        (("--failed", "--area", "750000000"), 2, "--failed looks at what was sent"),
        (("--provider", "x"), 2, "go with --failed"),
        (("--area", "Almaty"), 2, "--area: 'Almaty' is no code"),
        (("--area", ""), 2, "--area: a value is missing"),
        (("--to", " "), 2, "--to: a value is missing"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    terminal: Terminal, operator: Mapping[str, str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    """A time the wrong way round, an unknown trigger, no person and no area: said, and nothing is planned."""
    ended = terminal.run("repair", "--yes", *arguments, env=operator)
    assert (ended.code, words in ended.talk) == (code, True), ended.talk
    assert terminal.run("repair", "--plan", "--json", env=operator).lines


def test_who_cannot_be_planned_is_not_passed_over(terminal: Terminal, operator: Mapping[str, str]) -> None:
    """Looked at, repaired and repaired once more, it ends with 1 as long as somebody cannot be planned."""
    data = terminal.folder / "data" / "habarshy"
    settings = load_settings(database=f"sqlite:///{data}/habarshy.sqlite", key_file=data / "key")
    platform = compose(settings, system_clock)
    with closing(platform.database) as database:
        platform.runtime.chain_builder.finish()  # a row that no signed block knows would be nobody's fact
        last = select(func.max(log.c.position)).where(log.c.topic == "life/1").scalar_subquery()
        damaged = update(log).where(log.c.position == last).values(state=b"\x00")
        database.write(lambda connection: connection.execute(damaged))
    plan = terminal.run("repair", "--plan", env=operator)
    assert (plan.code, "cannot be planned (1 DamagedFact)" in plan.talk) == (1, True)
    done, again = (terminal.run("repair", "--yes", env=operator) for _ in range(2))
    assert (done.code, "1 person cannot be planned, and their facts wait" in done.talk) == (1, True)
    assert (again.code, "There is nothing to do: 2 persons looked at; 1 person cannot" in again.talk) == (1, True)
    assert len(terminal.run("jobs", "show", "1", "--json", env=operator).objects) == 1


def test_two_operators_at_once(terminal: Terminal, operator: Mapping[str, str]) -> None:
    """While another job about nudges is unfinished, a repair ends with 3 and names it; once cancelled, it goes on."""
    with terminal.database() as database:
        Jobs(database, system_clock).add("repair", Lane.NUDGES, {}, Plan("repair", 3, "nudges", 1), "oleg")
    busy = terminal.run("repair", "--yes", env=operator)
    assert (busy.code, "job 1 (repair, asked for by oleg)" in busy.talk) == (3, True)
    assert terminal.run("jobs", "cancel", "1", env=operator).code == 0
    assert terminal.run("jobs", "resume", "1", env=operator).code == 1
    assert terminal.run("repair", "--yes", env=operator).code == 0


def test_nothing_failed(terminal: Terminal, operator: Mapping[str, str]) -> None:
    """Where no outage ended anything, the plan says so and there is nothing to do."""
    plan = terminal.run("repair", "--failed", "--plan", env=operator)
    assert (plan.code, plan.talk) == (0, "0 failed deliveries looked at; 0 to be tried again\n")
    assert terminal.run("repair", "--failed", "--yes", env=operator).code == 0
    mistyped = terminal.run("repair", "--failed", "--plan", "--provider", "smz", env=operator)
    assert (mistyped.code, "no provider is called 'smz' now (did you mean 'sms'?)" in mistyped.talk) == (0, True)
    assert "--provider" not in terminal.run("repair", "--failed", "--plan", "--provider", "sms", env=operator).talk


def test_a_repair_is_resumed(terminal: Terminal, operator: Mapping[str, str]) -> None:
    """A repair that lost its process is taken up again by its number, and ends with what it has done."""
    with terminal.database() as database:
        Jobs(database, system_clock).add("repair", Lane.NUDGES, {}, Plan("repair", 6, "nudges", 1), "oleg")
    asked = len(terminal.run("intents", "--json", env=operator).lines)
    assert terminal.run("jobs", "resume", "1", env=operator).code == 0
    [job] = terminal.run("jobs", "show", "1", "--json", env=operator).objects
    assert (job["state"], job["words"]) == ("done", f"{asked} to plan")


def test_what_the_console_asked_for_is_counted_and_confirmed_here(
    terminal: Terminal, operator: Mapping[str, str]
) -> None:
    """A count that lost its process is taken up by its number; what it counted is begun by who types that, once."""
    with terminal.database() as database:
        Jobs(database, system_clock).ask("repair", Lane.NUDGES, {}, "oleg")
    asked = len(terminal.run("intents", "--json", env=operator).lines)
    early = terminal.run("jobs", "confirm", "1", "--yes", env=operator)
    assert (early.code, "cannot be confirmed: it is counting" in early.talk) == (1, True)
    counted = terminal.run("jobs", "resume", "1", env=operator)
    assert (counted.code, counted.lines) == (
        0,
        [f"job 1: repair: {asked} to plan; `habarshy jobs confirm 1` begins it"],
    )
    [job] = terminal.run("jobs", "show", "1", "--json", env=operator).objects
    assert (job["state"], job["plan"]["count"], job["confirmed_by"]) == ("counted", asked, None)
    declined = terminal.run("jobs", "confirm", "1", stdin=b"yes\n", env=operator)
    assert (declined.code, len(terminal.run("repair", "--plan", "--json", env=operator).lines)) == (5, asked)
    done = terminal.run("jobs", "confirm", "1", stdin=f"{asked}\n".encode(), env=operator)
    assert (done.code, f"{asked} to plan" in done.lines[-1]) == (0, True)
    assert terminal.run("jobs", "confirm", "1", "--yes", env=operator).code == 1
    [job] = terminal.run("jobs", "show", "1", "--json", env=operator).objects
    assert (job["state"], job["asked_by"], job["confirmed_by"]) == ("done", "oleg", "olga")


def test_a_backfill_is_planned_confirmed_and_done_once(terminal: Terminal) -> None:
    """The agency's people see what would be planned, type the count, and a second backfill finds nothing."""
    born = replace(registered(iin(3))[0], time="2005-01-01T00:00:00+05:00")
    old = card(iin(3), "2099-12-20", "N9", "2009-06-01T12:00:00+05:00")
    assert terminal.run("ingest", terminal.written("old.ndjson", born, old)).code == 0
    assert terminal.run("run", "--until-idle").code == 0
    back = ("backfill", "identity_card_expiry", "--since", "2009-01-01")
    aida = terminal.act("aida", "interior", "author")
    plan = terminal.run(*back, "--plan", "--json", env=aida)
    assert (plan.code, {each["what"] for each in plan.objects}) == (0, {"plan"})
    count = str(len(plan.objects))
    assert terminal.run(*back, stdin=b"yes\n", env=aida).code == 5
    assert terminal.run(*back, "--plan", "--json", env=aida).lines == plan.lines
    done = terminal.run(*back, stdin=count.encode() + b"\n", env=aida)
    assert (done.code, done.talk.splitlines()[-1]) == (0, f"backfilled: {count} to plan")
    assert done.lines[0].startswith("backfill identity_card_expiry since 2009-01-01: "), done.lines
    assert terminal.run(*back, "--yes", env=aida).code == 0
    assert terminal.run(*back, "--plan", "--json", env=aida).lines == []


def test_what_no_backfill_may_do(terminal: Terminal) -> None:
    """Without a token, or for another agency's trigger, 4; for an unknown one 1; for a time to come 2."""
    back = ("backfill", "identity_card_expiry", "--yes", "--since")
    assert terminal.run(*back, "2009-01-01").code == 4
    assert terminal.run(*back, "2009-01-01", env=terminal.act("fred", "finance", "author")).code == 4
    aida = terminal.act("aida", "interior", "author")
    unknown = terminal.run("backfill", "identity_card", "--since", "2009-01-01", env=aida)
    assert (unknown.code, "did you mean 'identity_card_expiry'?" in unknown.talk) == (1, True)
    assert terminal.run(*back, "2999-01-01", env=aida).code == 2
    assert terminal.run(*back, "last year", env=aida).code == 2


def test_a_forecast_by_day_and_agency(terminal: Terminal, operator: Mapping[str, str]) -> None:
    """Lines of day, agency and channel, then a total; an agency sees its own, and for another's it ends with 4."""
    lives = [*registered(iin(5)), card(iin(5), "2025-07-10", "N5")]
    assert terminal.run("ingest", terminal.written("soon.ndjson", *lives), "--clock", "2025-06-01T09:00Z").code == 0
    clock = ("--clock", "2025-06-01T09:00Z")
    assert terminal.run("repair", "--yes", "--person", iin(5), *clock, env=operator).code == 0
    *lines, total = terminal.run("forecast", "--days", "60", "--json", *clock, env=operator).objects
    assert {(each["agency"], each["channel"]) for each in lines} == {("interior", "sms")}
    assert total["total"]["due"] == sum(each["messages"] for each in lines) == 3
    assert total["total"]["peak"]["messages"] == 1
    told = terminal.run("forecast", "--days", "60", *clock, env=operator).talk
    assert "3 messages go" in told
    assert f"cost of SMS: {total['total']['parts']:,.0f} SMS, {total['total']['cost']:,.0f}\u00a0₸" in told
    hours = terminal.run("forecast", "--days", "60", "--by", "hour", *clock, env=operator)
    assert (hours.code, len(hours.lines)) == (0, 3)
    aida = terminal.act("aida", "interior", "author")
    assert terminal.run("forecast", "--days", "60", "--json", *clock, env=aida).objects[:-1] == lines
    assert terminal.run("forecast", "--agency", "finance", env=aida).code == 4
    assert terminal.run("forecast").code == 4
    unknown = terminal.run("forecast", "--agency", "interio", env=operator)
    assert (unknown.code, "no agency is called 'interio' (did you mean 'interior'?)" in unknown.talk) == (2, True)
    assert terminal.run("forecast", "--days", "0", env=operator).code == 2
