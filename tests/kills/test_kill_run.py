"""kill -9 of a real `habarshy run`, with a real SMTP server on the other side."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.simulation import simulate
from domain.nudge import State

NOW = "2025-12-15T12:00:00+05:00"
ENDED = {State.SENT, State.WITHHELD, State.EXPIRED, State.UNKNOWN, State.FAILED}
WAITING = {State.PLANNED, State.DEFERRED}


class Sink:
    """Keeps the Message-ID of every mail that it took over."""

    def __init__(self) -> None:
        self.received: list[str] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (the library's name)
        content = envelope.content
        assert isinstance(content, bytes)
        self.received.append(str(message_from_bytes(content)["Message-ID"]))
        return "250 taken"


@pytest.fixture
def smtp() -> Iterator[tuple[Sink, int]]:
    """A real SMTP server on a free port of the loopback."""
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=0)
    controller.start()
    assert controller.server is not None
    yield sink, controller.server.sockets[0].getsockname()[1]
    controller.stop()


def by_mail_only(event: dict[str, Any]) -> dict[str, Any]:
    """The same event of a population that has mail and no phone."""
    if event["type"] == "citizen.contact_changed":
        mail = event["data"].get("email") or f"c{event['id']}@example.org"
        return event | {"data": {"email": mail}}
    return event


class Process:
    """`habarshy` as a process of its own, on one database."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "HABARSHY_DATABASE": f"sqlite:///{folder}/kill.sqlite",
            "HABARSHY_KEY_FILE": str(folder / "key"),
            "HABARSHY_SMTP_HOST": "127.0.0.1",
            "HABARSHY_SMTP_PORT": str(port),
            "HABARSHY_SMTP_SECURITY": "none",
        }

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "app", *arguments]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603  (ourselves)

    def finish(self, *arguments: str) -> bytes:
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
        return output


def test_killed_at_a_hundred_moments_every_nudge_ends_once(
    tmp_path: Path, smtp: tuple[Sink, int], pytestconfig: pytest.Config
) -> None:
    """However often `run` is killed, no mail goes twice, none is lost, and every nudge has one end."""
    sink, port = smtp
    process = Process(tmp_path, port)
    moments = random.Random(7)  # noqa: S311  (a seeded test)
    events = [by_mail_only(each) for each in simulate(400, 7, date(2025, 1, 1), date(2025, 12, 15))]
    portions = [events[at::40] for at in range(40)]
    kills = int(pytestconfig.getoption("kills"))
    killed = 0
    while killed < kills:
        if portions:
            (tmp_path / "portion.ndjson").write_text("".join(json.dumps(each) + "\n" for each in portions.pop()))
            process.finish("ingest", str(tmp_path / "portion.ndjson"), "--clock", NOW)
        killed += _killed(process, sink, moments)
    process.finish("run", "--until-idle", "--clock", NOW)

    _every_nudge_ended_once(process, sink)


def _killed(process: Process, sink: Sink, moments: random.Random) -> int:
    """Start a run and kill it: after a random time, counted from a random number of mails where it sends any."""
    running = process.start("run", "--until-idle", "--clock", NOW)
    try:
        running.wait(timeout=moments.uniform(0.3, 1.6))
    except subprocess.TimeoutExpired:
        running.kill()
        running.communicate()
        return 1
    assert running.returncode == 0, running.communicate()[1].decode()
    running.communicate()
    return 0


def _every_nudge_ended_once(process: Process, sink: Sink) -> None:
    intents = {each["id"] for each in map(json.loads, process.finish("intents", "--json").splitlines())}
    report = json.loads(process.finish("status", "--json", "--clock", NOW))
    states = report["nudges"]
    received = Counter(sink.received)
    assert set(received.values()) <= {1}, "a mail went twice"
    assert report["unplanned"] == report["due_now"] == report["open_attempts"] == 0
    assert set(states) <= ENDED | WAITING | {State.CANCELLED}
    assert sum(states.values()) - states.get("cancelled", 0) >= len(intents)
    assert states["sent"] <= len(received) <= states["sent"] + states.get("unknown", 0)
