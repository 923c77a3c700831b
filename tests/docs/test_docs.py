"""The documentation is run: its commands, its links, its lists."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from app.cli.command_table import COMMANDS, GROUPS
from app.cli.main import application
from app.http.metrics import DEAD_EVENTS, GAUGES, LAG, LAG_SECONDS, RECONCILED
from app.settings import Settings
from app.terminal import Exit
from streams.kafka.brokers import Brokers
from streams.kafka.topics import Topics
from tests.app.pages.test_catalogues import written

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
OURS = ".venv/bin/habarshy "
LABELS = ("field", "reason", "code", "origin", "left_out_bytes")
"""What a refused event says in headers."""


@pytest.fixture
def newcomer(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has just cloned the project: nothing of ours is set, homes are empty."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HABARSHY_")}
    return kept | {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}


def test_the_commands_of_the_readme_run_in_their_order(tmp_path: Path, newcomer: dict[str, str]) -> None:
    """Whoever types the README's commands one after the other gets no error."""
    lines = [line for block in BLOCK.findall((ROOT / "README.md").read_text()) for line in block.splitlines()]
    commands = [line for line in lines if line.startswith(OURS)]
    assert len(commands) >= 5
    for command in commands:
        shell = command.replace(OURS, f"{ROOT}/{OURS}")
        done = subprocess.run(shell, shell=True, cwd=tmp_path, env=newcomer, capture_output=True, check=False)  # noqa: S602  (our own README)
        assert done.returncode == Exit.OK, f"{command}: {done.stderr.decode()}"


ACTS = "export HABARSHY_TOKEN=$(cat "
EDIT = re.compile(r"^Write `(?P<new>[^`]+)` instead of `(?P<old>[^`]+)` in `(?P<where>[^`]+)`", re.MULTILINE)
FILE = re.compile(
    rf"{EDIT.pattern}|```(?P<kind>sh|\w+ file=(?P<file>\S+))\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL
)


def test_the_walk_to_a_first_trigger_leads_there(tmp_path: Path, newcomer: dict[str, str]) -> None:
    """Each file of the walk is written and each command is run, in their order; none of them fails."""
    said: list[tuple[str, str]] = []
    page = (ROOT / "docs/first-trigger.md").read_text()
    for block in FILE.finditer(page):
        if block["where"] is not None:
            edited = tmp_path / block["where"]
            assert block["old"] in edited.read_text()
            edited.write_text(edited.read_text().replace(block["old"], block["new"]))
            continue
        if block["file"] is not None:
            (tmp_path / block["file"]).write_text(block["text"])
            continue
        for command in block["text"].splitlines():
            if command.startswith(ACTS):
                token = tmp_path / command.removeprefix(ACTS).removesuffix(")")
                newcomer["HABARSHY_TOKEN"] = token.read_text().strip()
                continue
            shell = command.replace(OURS, f"{ROOT}/{OURS}")
            done = subprocess.run(shell, shell=True, cwd=tmp_path, env=newcomer, capture_output=True, check=False)  # noqa: S602  (our own page)
            assert done.returncode == Exit.OK, f"{command}: {(done.stderr or done.stdout).decode()}"
            assert b"2 SMS" not in done.stdout, "each SMS of the walk costs one"
            said.append((command.removeprefix(OURS), done.stdout.decode()))
    assert len(said) >= 20
    tokens = [*tmp_path.glob("*.token")]
    assert [stat.S_IMODE(token.stat().st_mode) for token in tokens] == [0o600] * 2, "nobody else reads a token"
    assert "*.token" in (ROOT / ".gitignore").read_text().splitlines()
    told = dict(said)
    made = told["new mytown/card_ends --on mytown.library.card_issued"].splitlines()
    assert ("`new` made five files" in page, len(made)) == (True, 5)
    assert "Step week" in told["diff before/card_ends mytown/card_ends"]
    assert [line.partition("@")[0] for line in told["submissions"].splitlines()] == ["pack:mytown", "card_ends"]
    listed = [text for command, text in said if command == "rules"]
    assert [text.splitlines()[-1].split()[1:3] for text in listed] == [["in", "force"], ["paused", "library"]]


def test_the_names_on_the_walk_in_the_browser_stand_on_the_pages() -> None:
    """Whatever the page on a first trigger prints bold in its part on the browser is a text of the pages."""
    part = (ROOT / "docs/first-trigger.md").read_text().partition("## In the browser")[2]
    named = re.findall(r"\*\*(.+?)\*\*", re.sub(r"\s+", " ", part))
    assert len(named) > 10
    assert set(named) - {"workbench"} <= written()


def test_the_example_line_of_ingest_is_taken(tmp_path: Path, newcomer: dict[str, str]) -> None:
    """The line that the documentation shows is an event that goes in."""
    [line] = re.findall(r"^```json\n(.*?)^```", (ROOT / "docs/cli.md").read_text(), re.MULTILINE | re.DOTALL)
    command = [str(ROOT / ".venv/bin/habarshy"), "ingest", "-", "--json"]
    done = subprocess.run(command, input=line.encode(), env=newcomer, cwd=tmp_path, capture_output=True, check=True)  # noqa: S603  (ourselves)
    assert json.loads(done.stdout) == {"accepted": 1, "duplicates": 0, "rejected": 0}


def test_every_command_and_exit_code_is_documented() -> None:
    """docs/cli.md names every command and every exit code, each once, and no others."""
    page = (ROOT / "docs/cli.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert {name.split()[0] for name in rows} == {*COMMANDS, *GROUPS}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == {int(code) for code in Exit}


TYPED = re.compile(r"(?:`|\.venv/bin/)habarshy ([a-z][a-z-]*)(?![a-z/-])(?: ([a-z]+))?([^`/\n]*)")
NOW = [page for page in PAGES if page.name != "CHANGELOG.md" and "decisions" not in page.parts]
"""The pages of what holds today."""


@pytest.mark.parametrize("page", NOW, ids=lambda page: page.stem)
def test_the_commands_that_pages_tell_to_type_exist(page: Path) -> None:
    """Each command in a text or a block of the pages exists, with each of its options."""
    for name, part, rest in set(TYPED.findall(page.read_text())):
        assert name in COMMANDS or name in GROUPS, name
        words = [name, part] if part and name in GROUPS and part in GROUPS[name][1] else [name]
        shown = CliRunner().invoke(application(), [*words, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
        assert shown.exit_code == Exit.OK, words
        typed = re.split(r"[|>;#]", rest)[0]
        assert [each for each in re.findall(r"--[a-z-]+", typed) if each not in shown.stdout] == [], words


def test_every_alert_has_its_line_in_what_to_do() -> None:
    """Whoever is called finds the alert by its name in docs/operations.md, and no alert there that nobody raises."""
    [group] = yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text())["groups"]
    lines = re.findall(r"^\|([^|]*)\|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    assert {name for line in lines for name in re.findall(r"`(Habarshy\w+)`", line)} == {
        rule["alert"] for rule in group["rules"]
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """No link of the documentation is broken."""
    broken = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]
    assert broken == []


def test_what_the_page_on_kafka_names_exists() -> None:
    """docs/kafka.md names every setting, topic and header of Kafka's, and no metric that nobody shows."""
    page = (ROOT / "docs/kafka.md").read_text()
    settings = {name.removeprefix("kafka").upper() for name in Settings.model_fields if name.startswith("kafka")}
    assert settings <= {"", *re.findall(r"`(?:HABARSHY_KAFKA)?(_[A-Z_]+)`", page)}
    assert set(re.findall(r"^\| `([a-z.-]+)` \|", page, re.MULTILINE)) == set(Topics(Brokers("")).hours())
    shown = {
        LAG,
        LAG_SECONDS,
        f"{RECONCILED}_total",
        f"{DEAD_EVENTS}_total",
        *(f"habarshy_{name}" for name in GAUGES),
    }
    assert set(re.findall(r"`(habarshy_[a-z_]+)`", page)) <= shown | {"habarshy_" + name for name in LABELS}


def test_every_test_that_the_page_on_security_names_is_there() -> None:
    """No threat in docs/security.md is held by a test that nobody has."""
    named = re.findall(r"`(tests/[^`]+)`", (ROOT / "docs/security.md").read_text())
    assert len(named) > 15
    assert [path for path in named if not (ROOT / path).exists()] == []
