"""Commands that are imported when they are asked for."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.command_table import COMMANDS, GROUPS, PANELS
from tests.app.terminal import Terminal
from tests.templates.packs import write_town

EVERY = [[name] for name in COMMANDS] + [[group, name] for group, (_, inner) in GROUPS.items() for name in inner]
FROZEN = """
import gc, sys
from app.cli.main import main
sys.argv[1:] = ["config", "show"]
try:
    main()
finally:
    print(gc.get_freeze_count())
"""
MANY = 50_000
"""Objects, of which the command is most."""
IMPORTED = """
import sys
from app.cli.main import application
try:
    application()([{arguments}])
finally:
    found = [name for name in sys.modules if name.startswith(("app.cli.commands.", "sqlalchemy."))]
    print("imported", *found, file=sys.stderr)
"""


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_is_there(words: list[str], tmp_path: Path) -> None:
    """What the table names is found, and tells its own use."""
    found = Terminal(tmp_path).run(*words, "--help")
    assert (found.code, " ".join(words) in " ".join(found.lines)) == (0, True)


def test_the_help_shows_every_command_in_one_panel(tmp_path: Path) -> None:
    """`habarshy --help` shows the panels in their order, and each command once, under its panel."""
    lines = [line.strip("│╭╮─ ") for line in Terminal(tmp_path).run("--help").lines]
    shown = [word for line in lines for word in [line if line in PANELS else line.partition(" ")[0]]]
    expected = [word for panel, names in PANELS.items() for word in (panel, *names)]
    assert [word for word in shown if word in expected] == expected
    assert sorted(name for names in PANELS.values() for name in names) == sorted([*COMMANDS, *GROUPS])


def test_a_command_is_not_imported_with_the_others() -> None:
    """Who asks for the version waits for no database's library, and who simulates for no other command."""
    assert imported('"--version"') == imported('"--help"') == set()
    assert {name for name in imported('"simulate", "--help"') if name.startswith("app.")} == {
        "app.cli.commands.simulate"
    }


@pytest.mark.parametrize("command", ["lint", "test", "preview"])
def test_who_writes_triggers_waits_for_no_database(tmp_path: Path, command: str) -> None:
    """What needs no log imports nothing of it."""
    folder = write_town(tmp_path)
    found = imported(f'"{command}", "{folder}"', check=False)
    assert COMMANDS[command].split(".")[0] in {name.removeprefix("app.cli.commands.") for name in found}
    assert not any(name.startswith("sqlalchemy.") for name in found)


def imported(arguments: str, *, check: bool = True) -> set[str]:
    """Modules of commands and of the database that are imported for that."""
    code = IMPORTED.format(arguments=arguments)
    ended = subprocess.run([sys.executable, "-c", code], check=check, capture_output=True, timeout=120, text=True)  # noqa: S603  (ourselves)
    [line] = [each for each in ended.stderr.splitlines() if each.startswith("imported")]
    return set(line.split()[1:])


def test_a_database_that_cannot_be_used_is_told_once(tmp_path: Path) -> None:
    """What is said in a sentence of its own has none of another's in front."""
    broken = tmp_path / "broken.sqlite"
    broken.write_text("no database", encoding="utf-8")
    ended = Terminal(tmp_path).run("status", "--database", f"sqlite:///{broken}")
    assert (ended.code, ended.talk.startswith("The database cannot be used: file is not a database")) == (3, True)


def test_modules_are_no_garbage_to_a_process_of_its_own(tmp_path: Path) -> None:
    """What a command is made of is not looked through again; who runs it within a process is left as it was."""
    ended = subprocess.run([sys.executable, "-c", FROZEN], check=True, capture_output=True, timeout=120, text=True)  # noqa: S603  (ourselves)
    assert int(ended.stdout.splitlines()[-1]) > MANY
    before, threshold = gc.get_freeze_count(), gc.get_threshold()
    Terminal(tmp_path).run("config", "show")
    assert gc.get_freeze_count() <= before, "some that were frozen may have ended since"
    assert gc.get_threshold() == threshold


def test_it_says_its_version(tmp_path: Path) -> None:
    """`--version` is one line, to stdout."""
    [line] = Terminal(tmp_path).run("--version").lines
    name, number = line.split()
    assert (name, number.count(".")) == ("habarshy", 2)
