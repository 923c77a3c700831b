"""Broken packs, each with what lint says of it (tests/broken_packs/*/expected)."""

import shutil
from pathlib import Path

import pytest

from tests.app.terminal import Terminal

BROKEN = Path(__file__).parents[1] / "broken_packs"
PACKS = sorted(path.name for path in BROKEN.iterdir())


def test_there_are_many() -> None:
    """Every kind of mistake has a pack that makes it."""
    assert len(PACKS) >= 40


@pytest.mark.parametrize("name", PACKS)
def test_lint_says_exactly_this(tmp_path: Path, name: str) -> None:
    """Each finding with its file, line and column, nothing more and nothing less; warnings alone fail nothing."""
    expected = (BROKEN / name / "expected").read_text(encoding="utf-8").splitlines()
    alone = tmp_path / "packs"  # the others may have what this one lacks
    shutil.copytree(BROKEN / name, alone / name)
    ended = Terminal(tmp_path).run("lint", str(alone / name))
    assert [line.removeprefix(f"{alone}/") for line in ended.lines[:-1]] == expected
    findings = [line for line in expected if not line.startswith(" ")]  # the others are the line itself, and a caret
    warnings = sum(": warning: " in line for line in findings)
    errors = len(findings) - warnings
    assert (len(expected) > 0, ended.code, ended.talk) == (True, int(errors > 0), "")
    assert ended.lines[-1].endswith(f" {_counted(errors, 'finding')}, {_counted(warnings, 'warning')}")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
