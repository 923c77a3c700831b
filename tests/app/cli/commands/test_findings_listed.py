from pathlib import Path

import pytest
import typer
from starlette.testclient import TestClient

from app.cli.commands.packs import lint
from app.compose import Platform
from app.identity.principals import add
from domain.core.translatable import Said
from domain.facts.principals import Principal, Role
from templates.reading.findings import MOST_SHOWN, Finding, listed
from tests.app.http.wire import client_of, served
from tests.world import World

MANY = 3 * MOST_SHOWN
TEXT = "\n".join(f"k{number}: 1" for number in range(MANY))


def test_mistakes_come_before_warnings() -> None:
    """Where not all findings fit, those that stop something are listed, in their order, and the rest is counted."""
    found = [Finding("a", line, 1, Said("x"), warning=line < MANY - 10) for line in range(MANY)]
    shown, more = listed(found)
    assert (len(shown), more) == (MOST_SHOWN, MANY - MOST_SHOWN)
    assert [each for each in shown if not each.warning] == found[-10:]
    assert shown == sorted(shown, key=lambda each: each.line)
    assert listed(found[:3]) == (found[:3], 0)


def test_lint_of_the_api_is_bounded(tmp_path: Path) -> None:
    """However much is wrong with a pack, the API lists a part, and says how many more there are."""
    world = World(tmp_path)
    answer = _author(world.platform).post("/lint", json={"files": {"pack.yaml": TEXT}})
    world.close()
    assert len(answer.json()["items"]) == MOST_SHOWN
    assert answer.json()["more"] >= MANY - MOST_SHOWN


def test_lint_of_the_command_line_is_bounded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command lists a part, says how many more there are, and still counts them all."""
    (tmp_path / "pack.yaml").write_text(TEXT, "utf-8")
    with pytest.raises(typer.Exit):
        lint([tmp_path])
    out, err = capsys.readouterr()
    *lines, sums = out.splitlines()
    assert len(lines) == MOST_SHOWN
    assert "more are not listed" in err
    assert int(sums.partition(" findings")[0].rpartition(" ")[2]) >= MANY


def _author(platform: Platform) -> TestClient:
    token = add(platform.settings.principals, Principal("saule", "interior", frozenset([Role.AUTHOR])))
    return client_of(served(platform), authorization=f"Bearer {token}")
