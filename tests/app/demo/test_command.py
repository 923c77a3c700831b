"""The command itself: one address, no configuration, and nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

PATIENCE = 120.0
DEMO = "from app.cli.main import main; main()"


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """The demo in a process that knows nothing of this machine but where its programs are."""
    known = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return subprocess.Popen(  # noqa: S603  (our own program)
        [sys.executable, "-c", DEMO, "demo", "--citizens", "8", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
        env=known | {"TMPDIR": str(folder), "HOME": str(folder / "home")} | environment,
    )


def test_it_prints_one_address_and_leaves_nothing(tmp_path: Path) -> None:
    """Settings of this machine, good or broken, are not used; the talk is one line, and the temporary folder goes."""
    config, temporary = tmp_path / "config/habarshy", tmp_path / "temporary"
    config.mkdir(parents=True)
    temporary.mkdir()
    (config / "config.toml").write_text("nonsense = 1")
    process = start(
        temporary,
        "--fast",
        "--until-done",
        HABARSHY_DATABASE="postgresql://nowhere.invalid/x",
        HABARSHY_LEASE_SECONDS="many",
        HABARSHY_SMTP_HOST="nowhere.invalid",
        XDG_CONFIG_HOME=str(tmp_path / "config"),
    )
    out, talk = process.communicate(timeout=PATIENCE)
    (line,) = out.splitlines()
    assert line.startswith("http://127.0.0.1:")
    assert "8 invented citizens" in talk
    assert (process.returncode, talk.count("\n"), list(temporary.iterdir())) == (0, 1, [])


def test_it_serves_at_once_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    """The page answers while the year goes on, and an interrupt ends it cleanly, in the middle of the year."""
    process = start(tmp_path)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    front = httpx2.get(url, timeout=PATIENCE)
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=PATIENCE)
    assert front.status_code == 200
    assert 'data-every="1000"' in front.text, "the page keeps itself fresh while the year goes on"
    assert (process.returncode, "Traceback" in talk, list(tmp_path.iterdir())) == (0, False, [])


def test_keep_leaves_data_that_can_be_read(tmp_path: Path) -> None:
    """With --keep the database and its keys stay, and the talk says how to look at them."""
    process = start(tmp_path, "--fast", "--until-done", "--keep")
    _, talk = process.communicate(timeout=PATIENCE)
    (home,) = tmp_path.iterdir()
    assert {"habarshy.sqlite", "key"} <= {path.name for path in home.iterdir()}
    assert f"habarshy status --database sqlite:///{home}/habarshy.sqlite --key-file {home}/key" in talk


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_a_taken_port_is_said_plainly(tmp_path: Path, taken: int) -> None:
    """Another program's port ends the command with exit code 3 and what to do about it."""
    process = start(tmp_path, "--port", str(taken))
    _, talk = process.communicate(timeout=PATIENCE)
    assert (process.returncode, f"Port {taken}" in talk, list(tmp_path.iterdir())) == (3, True, [])
