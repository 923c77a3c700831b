"""Times without a zone: on every way in they are in the zone of the rules."""

import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins

from app.cli.principal_session import LOCAL
from app.clock import system_clock
from app.compose import compose
from app.jobs.requests import Orders
from app.settings import load_settings
from tests.app.terminal import Terminal, begun
from tests.world import card, iin, registered

AT_TWO = "2025-07-01T02:00+05:00"
"""When everything was recorded: in UTC it is the day before."""
KAFKA = {"HABARSHY_KAFKA": "nowhere:9092"}
SPANS = [
    ("2025-07-01", "2025-07-02"),
    ("2025-07-01T01:30", "2025-07-01T02:30"),
    ("2025-06-30T20:30Z", "2025-06-30T21:30+00:00"),
]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal with an operator, and two citizens of whom everything was recorded at two o'clock of their night."""
    made = begun(tmp_path, _recorded)
    made.environment |= made.act("olga", "platform", "operator")
    return made


def _recorded(terminal: Terminal) -> None:
    lives = [*registered(iin(1)), *registered(iin(2)), card(iin(1), "2099-12-20"), card(iin(2), "2099-12-20")]
    assert terminal.run("ingest", terminal.written("life.ndjson", *lives), "--clock", AT_TWO).code == 0


def in_the_console(terminal: Terminal, kind: str, given: Mapping[str, str]) -> Mapping[str, Any]:
    """What a job's arguments are that was asked for in the console by these fields."""
    url, keys = f"sqlite:///{terminal.folder}/data/habarshy/habarshy.sqlite", terminal.folder / "data/habarshy/key"
    platform = compose(load_settings(database=url, key_file=keys, kafka=KAFKA["HABARSHY_KAFKA"]), system_clock)
    with closing(platform.database):
        order = Orders(platform).of(kind, {name: [text] for name, text in given.items()}, LOCAL)
        return dict(to_builtins(order.arguments))


@pytest.mark.parametrize(("since", "until"), SPANS)
def test_a_repair_looks_at_the_same_people_as_one_of_the_console(terminal: Terminal, since: str, until: str) -> None:
    """By the same words the command and the console select the same: who was recorded in that local time."""
    span = ("--from", since, "--to", until)
    assert terminal.run("repair", "--plan", *span).talk.startswith("2 persons looked at;")
    assert terminal.run("repair", "--yes", *span).code == 0
    asked = in_the_console(terminal, "repair", {"from": since, "to": until})
    [job] = terminal.run("jobs", "list", "--json").objects
    assert (job["kind"], job["arguments"]) == ("repair", asked)


@pytest.mark.parametrize(("since", "until"), SPANS)
def test_a_replay_sends_the_same_range_as_one_of_the_console(terminal: Terminal, since: str, until: str) -> None:
    """A time without a zone is the same place in the log on both ways."""
    told = terminal.run("replay", "kafka", "--plan", "--from", since, "--to", until, env=KAFKA)
    asked = in_the_console(terminal, "replay kafka", {"from": since, "to": until})
    assert (told.code, re.findall("positions ([0-9]+) to ([0-9]+)", told.lines[0])) == (
        0,
        [(str(asked["after"] + 1), str(asked["upto"]))],
    ), told


@pytest.mark.parametrize(("time", "code"), [("2025-07-01T01:00", 1), ("2025-07-01T03:00", 0), ("2025-07-02", 0)])
def test_what_was_known_is_asked_by_local_time(terminal: Terminal, time: str, code: int) -> None:
    """`eligible --known-at` counts what was recorded by that time of the country."""
    auditor = terminal.act("dana", "platform", "auditor")
    assert terminal.run("eligible", iin(1), "--known-at", time, "--purpose=asked", env=auditor).code == code


def test_lists_are_asked_by_local_time(terminal: Terminal) -> None:
    """`rules --at` and `audit list --from` read a time without a zone as all others do."""
    assert terminal.run("rules", "--at", "2025-07-01T01:00").code == 3, "nothing was published by then"
    assert terminal.run("rules", "--at", "2025-07-01T03:00").code == 0
    assert terminal.run("eligible", iin(1), "--purpose=asked", "--clock", AT_TWO).code == 0
    assert len(terminal.run("audit", "list", "--from", "2025-07-01", "--to", "2025-07-01T02:30").lines) == 1
    assert terminal.run("audit", "list", "--to", "2025-07-01").lines == []
