"""habarshy unknown at a terminal: who may decide, what is said, and what a wrong file changes."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from notifiers.port import message_names
from notifiers.port.interface import Reason, Unknown
from tests.app.killing import write_key
from tests.app.terminal import Terminal, begun
from tests.streams.dispatching import DUE, with_card
from tests.world import iin, registered

LOST = Unknown(Reason.LINK_LOST)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal with a citizen to whom nothing was sent."""
    return begun(tmp_path, _reported)


def _reported(terminal: Terminal) -> None:
    assert terminal.run("ingest", terminal.written("life.ndjson", *registered(iin(1)))).code == 0


def test_a_decision_needs_its_reason_and_an_operator(terminal: Terminal) -> None:
    """Whoever is no operator ends with 4; two decisions at once, or one without a reason, end with 2."""
    operator, author = terminal.act("olga", "platform", "operator"), terminal.act("aida", "interior", "author")
    assert terminal.run("unknown", "--close", "--why=done", env=author).code == 4
    listed = terminal.run("unknown", env=operator)
    assert (listed.code, listed.lines, listed.talk) == (0, [], "0 messages have an unknown outcome\n")
    assert terminal.run("unknown", "--ask", "--close", env=operator).code == 2
    assert "--why" in terminal.run("unknown", "--close", env=operator).talk


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--agency=interio", "no agency is called 'interio' (did you mean 'interior'?)"),
        ("--channel=smss", "no channel is called 'smss' (did you mean 'sms'?)"),
        ("--trigger=identity_card_expire", "(did you mean 'identity_card_expiry'?)"),
        ("--cause=", "--cause: a value is missing"),
        ("--to=never", "--to: 'never' is no time"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(terminal: Terminal, option: str, said: str) -> None:
    """A name that nothing has, or an empty one, is named, instead of a list that shows nothing."""
    told = terminal.run("unknown", option, env=terminal.act("olga", "platform", "operator"))
    assert (told.code > 0, said in told.talk) == (True, True), told.talk


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", ":2: a receipt is"),
        ('{"reference": "a", "heard": "maybe"}', ":2: heard: is none of"),
        ('{"reference": "a", "heard": ["delivered"]}', ":2: heard: is none of"),
        ('{"reference": "a", "heard": "failed", "reason": "rain"}', ":2: reason: is none of"),
        ('{"reference": "a", "heard": "failed", "reason": {}}', ":2: reason: is none of"),
        ('{"reference": "\\ud800", "heard": "delivered"}', ":2: a receipt is"),
        ('{"reference": "\\u0000", "heard": "delivered"}', ":2: a receipt is"),
        ("[" * 100_000, ":2: a receipt is"),
    ],
)
def test_a_file_with_a_wrong_line_changes_nothing(terminal: Terminal, line: str, said: str, tmp_path: Path) -> None:
    """The file and its line are named, and no receipt of it is taken in."""
    operator = terminal.act("olga", "platform", "operator")
    file = tmp_path / "receipts.ndjson"
    file.write_text(f'{{"reference": "a", "heard": "delivered"}}\n{line}\n')
    told = terminal.run("unknown", "--receipts", str(file), "--provider=mail", "--yes", env=operator)
    assert told.code == 2
    assert said in told.talk


@pytest.mark.parametrize("name", ["agency", "channel", "cause", "trigger", "from", "to"])
def test_receipts_go_with_no_filter(terminal: Terminal, name: str) -> None:
    """Receipts settle what their lines name, so a filter beside them is refused, and not ignored."""
    operator = terminal.act("olga", "platform", "operator")
    told = terminal.run("unknown", "--receipts=none.ndjson", "--provider=mail", f"--{name}=sms", env=operator)
    assert told.code == 2
    assert f"--receipts settles what its lines name; it does not go with --{name}" in told.talk


async def test_receipts_are_planned_counted_confirmed_and_refused_by_line(tmp_path: Path) -> None:
    """A reference that no attempt has is named with its line; the rest needs a reason and the count, typed."""
    world = with_card(tmp_path, sms=[LOST], email=[LOST])
    await world.settle(DUE)
    await world.settle(DUE + timedelta(days=3))
    name = message_names.key(world.nudge("month").intent.id, "email", world.delivery("month").recipient)
    world.close()
    terminal = Terminal(tmp_path)
    terminal.environment |= {
        "HABARSHY_DATABASE": world.platform.settings.database,
        "HABARSHY_KEY_FILE": str(write_key(tmp_path)),
    }
    terminal.config.parent.mkdir(parents=True)
    terminal.config.write_text('[providers.email]\nkind = "smtp"\nhost = "127.0.0.1"\nsender = "h@example.org"\n')
    file = terminal.written("receipts.ndjson", said("theirs-7"), said(name))
    command = ("unknown", "--receipts", file, "--provider=email")
    refused = f"{file}:1: reference: no attempt by email"
    operator = terminal.act("olga", "platform", "operator")

    planned = terminal.run(*command, "--plan", env=operator)
    assert (planned.code, refused in planned.talk) == (1, True)
    assert "2 receipts of email: 1 new, 0 known already, 1 refused" in planned.talk
    assert "--why" in terminal.run(*command, "--yes", env=operator).talk
    assert terminal.run(*command, "--why=their list", stdin=b"2\n", env=operator).code == 5
    assert "1 message has" in terminal.run("unknown", env=operator).talk

    taken = terminal.run(*command, "--why=their list", stdin=b"1\n", env=operator)
    assert (taken.code, "taken in: 1 receipt" in taken.talk) == (1, True)
    assert "0 messages have" in terminal.run("unknown", env=operator).talk
    again = terminal.run(*command, "--why=their list", "--yes", env=operator)
    assert "0 new, 1 known already, 1 refused" in again.talk


def said(reference: str) -> str:
    """A line of a file of receipts."""
    return json.dumps({"reference": reference, "heard": "delivered"})
