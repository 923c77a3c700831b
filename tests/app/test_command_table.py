"""Commands that are imported when they are asked for."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.command_table import COMMANDS, GROUPS
from tests.app.terminal import Terminal

EVERY = [[name] for name in COMMANDS] + [[group, name] for group, (_, inner) in GROUPS.items() for name in inner]
IMPORTED = """
import sys
from app.cli import application
try:
    application()([{arguments}])
finally:
    print(*(name for name in sys.modules if name.startswith(("app.commands.", "sqlalchemy."))), file=sys.stderr)
"""


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_is_there(words: list[str], tmp_path: Path) -> None:
    """What the table names is found, and tells its own use."""
    found = Terminal(tmp_path).run(*words, "--help")
    assert (found.code, " ".join(words) in " ".join(found.lines)) == (0, True)


def test_a_command_is_not_imported_with_the_others() -> None:
    """Who asks for the version waits for no database's library, and who simulates for no other command."""
    assert imported('"--version"') == set()
    assert {name for name in imported('"simulate", "--help"') if name.startswith("app.")} == {"app.commands.simulate"}


def imported(arguments: str) -> set[str]:
    """Modules of commands and of the database that are imported for that."""
    code = IMPORTED.format(arguments=arguments)
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120, text=True)  # noqa: S603  (ourselves)
    return set(ended.stderr.split())


def test_it_says_its_version(tmp_path: Path) -> None:
    """`--version` is one line, to stdout."""
    [line] = Terminal(tmp_path).run("--version").lines
    name, number = line.split()
    assert (name, number.count(".")) == ("habarshy", 2)
