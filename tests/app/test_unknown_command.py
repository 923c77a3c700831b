"""habarshy unknown at a terminal: who may decide, what is said, and what a wrong file changes."""

from pathlib import Path

import pytest

from tests.app.terminal import Terminal
from tests.world import iin, registered


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal with a citizen to whom nothing was sent."""
    made = Terminal(tmp_path)
    assert made.run("ingest", made.written("life.ndjson", *registered(iin(1)))).code == 0
    return made


def test_a_decision_needs_its_reason_and_an_operator(terminal: Terminal) -> None:
    """Whoever is no operator ends with 4; two decisions at once, or one without a reason, end with 2."""
    operator, author = terminal.act("olga", "platform", "operator"), terminal.act("aida", "interior", "author")
    assert terminal.run("unknown", "--close", "--why=done", env=author).code == 4
    listed = terminal.run("unknown", env=operator)
    assert (listed.code, listed.lines, listed.talk) == (0, [], "0 messages have an unknown outcome\n")
    assert terminal.run("unknown", "--ask", "--close", env=operator).code == 2
    assert "--why" in terminal.run("unknown", "--close", env=operator).talk


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", ":2: a receipt is"),
        ('{"reference": "a", "heard": "maybe"}', ":2: heard: is none of"),
        ('{"reference": "a", "heard": "failed", "reason": "rain"}', ":2: reason: is none of"),
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
