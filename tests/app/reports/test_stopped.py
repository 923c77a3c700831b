"""What is stopped stands first wherever somebody looks, so that nobody thinks that messages go."""

import pytest

from tests.app.terminal import Terminal
from tests.world import LONG_AGO, card, iin, registered

JUNE = "--clock=2025-06-21T09:00+05:00"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A terminal at a platform where a message is due and everything is stopped."""
    made = Terminal(tmp_path_factory.mktemp("stopped"))
    lives = [*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20")]
    assert made.run("ingest", made.written("life.ndjson", *lives), "--clock=2025-06-01").code == 0
    assert made.run("repair", "--yes", "--clock=2025-06-01").code == 0
    ended = made.run("control", "all", "--stop", "--reason", "wrong words", JUNE)
    assert ended.code == 0, ended.talk
    return made


FIRST = "STOPPED: everything, since 2025-06-21 09:00+05:00, by local: wrong words"


def test_status_says_it_first(stopped: Terminal) -> None:
    """The first line of `status` says what is stopped, since when, by whom and why; so does its JSON."""
    assert stopped.run("status", JUNE).lines[0] == FIRST
    [found] = stopped.run("status", "--json", JUNE).objects
    assert next(iter(found)) == "stopped"
    assert [(each["scope"], each["by"], each["reason"]) for each in found["stopped"]] == [
        ("all", "local", "wrong words")
    ]


def test_rules_say_that_nothing_is_in_force(stopped: Terminal) -> None:
    """`rules` says it first, and calls no version "in force" whose messages do not go."""
    lines = stopped.run("rules").lines
    assert lines[0] == FIRST
    assert not any("in force" in line for line in lines)
    found = stopped.run("rules", "--json").objects
    assert {(each["state"], *each["stopped_by"]) for each in found} == {("stopped", "all")}


def test_the_forecast_counts_what_is_held_back(stopped: Terminal) -> None:
    """The forecast calls nothing expired that only waits for a switch: it is held back, and counted so."""
    ended = stopped.run("forecast", "--days=60", JUNE)
    assert ended.talk.splitlines()[0] == FIRST
    assert "withheld: none" in ended.talk
    [*_, total] = stopped.run("forecast", "--days=60", "--json", JUNE).objects
    found = total["total"]
    assert (found["due"], found["messages"], found["held_back"], found["withheld"]) == (0, 0, 3, {})
    assert [each["scope"] for each in found["stopped"]] == ["all"]


def test_run_says_it_first(stopped: Terminal) -> None:
    """The first line of `run` says what is stopped, and what the dispatcher then held back is counted the same."""
    ended = stopped.run("run", "--until-idle", JUNE)
    assert (ended.code, ended.talk.splitlines()[0]) == (0, FIRST)
    [found] = stopped.run("status", "--json", JUNE).objects
    assert found["held_back"] == 1
    [*_, total] = stopped.run("forecast", "--days=60", "--json", JUNE).objects
    assert (total["total"]["held_back"], total["total"]["held_back_now"]) == (3, 1)
    held = "held back by what is stopped, and not counted above: 3 (1 now, as `status` says; 2 that come due)"
    assert held in stopped.run("forecast", "--days=60", JUNE).talk
    assert "held back: 1 delivery now" in stopped.run("status", JUNE).lines


def test_a_pause_is_said_likewise(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A paused trigger stands first as well, until it is resumed."""
    made = Terminal(tmp_path_factory.mktemp("paused"))
    assert made.run("ingest", made.written("life.ndjson", *registered(iin(1))), JUNE).code == 0
    aida = made.act("aida", "interior", "approver")
    assert made.run("pause", "identity_card_expiry", "--reason", "a typo", JUNE, env=aida).code == 0
    line = "PAUSED: trigger identity_card_expiry, since 2025-06-21 09:00+05:00, by aida: a typo"
    assert made.run("status", JUNE).lines[0] == line
    assert made.run("rules", env=aida).lines[0] == line
    states = {each["trigger"]: each["state"] for each in made.run("rules", "--json", env=aida).objects}
    assert states["identity_card_expiry"] == "paused"
    assert made.run("resume", "identity_card_expiry", JUNE, env=aida).code == 0
    assert not any(each.startswith("PAUSED") for each in made.run("status", JUNE).lines)


def test_an_agency_is_not_told_of_the_pauses_of_another(tmp_path_factory: pytest.TempPathFactory) -> None:
    """`rules` tells an agency of its own pauses and of what concerns everybody, and of no other's."""
    made = Terminal(tmp_path_factory.mktemp("theirs"))
    assert made.run("ingest", made.written("life.ndjson", *registered(iin(1))), JUNE).code == 0
    aida, fred = made.act("aida", "interior", "approver"), made.act("fred", "health", "author")
    assert made.run("pause", "identity_card_expiry", "--reason", "a typo", env=aida).code == 0
    assert not any("PAUSED" in line for line in made.run("rules", env=fred).lines)
