"""habarshy principals add: the token goes where only its owner reads it."""

import stat
from pathlib import Path

from tests.app.terminal import Terminal
from tests.faults.disks import disk


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


def test_a_token_that_cannot_be_written_makes_no_principal(tmp_path: Path) -> None:
    """On a full disk nobody is added, so the same command works once there is room."""
    terminal = Terminal(tmp_path)
    with disk(tmp_path / "small", 1) as small:
        file = small.folder / "aigerim.token"
        given = ("aigerim", "--agency", "library", "--role", "author", "--token-file", str(file))
        small.fill()
        refused = terminal.run("principals", "add", *given)
        assert (refused.code, "cannot be written" in refused.talk, file.exists()) == (2, True, False)
        small.empty()
        assert terminal.run("principals", "add", *given).code == 0
        assert terminal.run("submissions", env={"HABARSHY_TOKEN": file.read_text().strip()}).code != 4


def test_a_principal_who_is_not_added_leaves_no_token(tmp_path: Path) -> None:
    """A name that is taken or unusable makes no file, so another name can have it."""
    terminal, file = Terminal(tmp_path), tmp_path / "token"
    given = ("--agency", "library", "--role", "author", "--token-file", str(file))
    assert (terminal.run("principals", "add", "Nobody!", *given).code, file.exists()) == (2, False)
    assert terminal.run("principals", "add", "dana", *given).code == 0
