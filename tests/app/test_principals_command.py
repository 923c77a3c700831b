"""habarshy principals add: the token goes where only its owner reads it."""

import stat
from pathlib import Path

from tests.app.terminal import Terminal


def test_a_token_is_written_for_its_owner_only(tmp_path: Path) -> None:
    """The file is new and private, the token is printed nowhere, and a file that is there is left as it is."""
    terminal, file = Terminal(tmp_path), tmp_path / "aigerim.token"
    given = ("--agency", "library", "--role", "author", "--token-file", str(file))
    added = terminal.run("principals", "add", "aigerim", *given)
    assert (added.code, added.lines) == (0, [])
    token = file.read_text().strip()
    assert token not in added.talk
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert terminal.run("submissions", env={"HABARSHY_TOKEN": token}).code != 4
    again = terminal.run("principals", "add", "dana", *given)
    assert (again.code, "left as it is" in again.talk) == (2, True)
    assert file.read_text().strip() == token
    assert "dana" not in " ".join(terminal.run("principals", "show").lines)
