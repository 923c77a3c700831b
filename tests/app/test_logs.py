"""Structured logs: one object a line, and nobody in it."""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvloop
from sqlalchemy.exc import OperationalError
from starlette.types import Message, Receive, Scope, Send

from app.logs import JsonLine, Tracing
from app.terminal import TALK, talk
from streams.runtime.faults import Faults
from streams.storage.errors import Backoff
from streams.storage.severity import Failed, Warned
from tests.app.terminal import Terminal, ndjson
from tests.world import NOON, fine, iin, registered

AIGERIM = iin(1)
PHONE, EMAIL = "+77017654321", "aigerim@example.org"
JSON = {"HABARSHY_LOG_FORMAT": "json"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ALWAYS = {"time", "level", "logger", "message", "role"}


def line(name: str, message: str, *args: object, error: Exception | None = None) -> dict[str, Any]:
    """What becomes of a record."""
    ended = None
    if error is not None:
        try:
            raise error
        except type(error):
            ended = sys.exc_info()
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, message, args, ended)
    found: dict[str, Any] = json.loads(JsonLine("api").format(record))
    return found


def test_ours_is_said_whole() -> None:
    """A record of the platform has its words, when, how bad, by whom and in which role."""
    found = line("habarshy", "%s failed: %s", "dispatch", "the disk is full")
    assert found.keys() == ALWAYS
    assert (found["message"], found["level"], found["role"]) == ("dispatch failed: the disk is full", "error", "api")
    assert found["time"].endswith("+00:00")


def test_what_others_log_keeps_no_value() -> None:
    """Of a library's record its arguments, its further lines and the words of its exception are left out."""
    found = line("asyncio", f"Task exception was never retrieved\nfuture: {AIGERIM}", error=ValueError(AIGERIM))
    assert AIGERIM not in str(found)
    assert (found["message"], found["error"]) == ("Task exception was never retrieved", "ValueError")
    assert found["place"].startswith(__file__)
    assert AIGERIM not in str(line("psycopg", "cannot reach %s", AIGERIM))


def test_a_record_has_the_trace_of_its_request() -> None:
    """What is logged while a request is answered has the trace that it brought, if it brought one."""
    kept: list[dict[str, Any]] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        kept.append(line("habarshy", "it failed"))

    async def nothing() -> Message:
        return {}

    async def unsaid(_: Message) -> None:
        return None

    for headers in ([(b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())], []):
        uvloop.run(Tracing(app)({"type": "http", "headers": headers}, nothing, unsaid))
    assert [each.get("trace") for each in kept] == [TRACE, None]


@pytest.mark.parametrize("role", [["api"], ["relay"], ["worker"], ["worker", "--intake"], ["dispatch"]], ids=" ".join)
def test_every_line_of_a_role_is_json(tmp_path: Path, role: list[str]) -> None:
    """Where JSON is set no line is anything else, from the first on; that it cannot work is an error."""
    at = Terminal(tmp_path)
    ended = at.start(*role, "--health-port", "0", "--health-host", "192.0.2.1", env=JSON)
    _, said = ended.communicate()
    lines = [json.loads(each) for each in said.splitlines()]
    assert ended.returncode
    assert lines[-1]["level"] == "error"


@pytest.mark.parametrize("role", ["relay", "dispatch"])
def test_what_ends_a_role_is_an_error(tmp_path: Path, role: str) -> None:
    """A role that cannot work at all, here on a database that is none for it, ends with an error in its log."""
    ended = Terminal(tmp_path).start(role, "--health-port", "0", env=JSON)
    out, said = ended.communicate()
    first, *_, last = [json.loads(each) for each in (out + said).splitlines()]
    assert first["message"].startswith("health on http://")
    assert (ended.returncode, last["level"]) == (2, "error")


def test_what_is_away_is_a_warning() -> None:
    """That a database or Kafka does not answer is more than news, and that it answers again is news."""
    kept: list[str] = []
    backoff = Backoff(kept.append)
    backoff.next_pause("Kafka does not answer. Start it.")
    backoff.recovered("working")
    assert [isinstance(each, Warned) for each in kept] == [True, False]
    assert kept == ["Kafka does not answer. Start it; trying again", "working again"]


def test_a_part_that_waits_for_the_database_warns(caplog: pytest.LogCaptureFixture) -> None:
    """A part of a process whose database does not answer is no error; a defect in it is one."""
    faults = Faults()
    assert faults.report("the upkeep", OperationalError("SELECT 1", {}, Exception("connection refused"))) is None
    assert faults.report("the upkeep", ValueError()) is None
    assert [each.levelno for each in caplog.records] == [logging.WARNING, logging.ERROR]


@pytest.mark.parametrize(
    ("said", "level"),
    [("ready", logging.INFO), (Warned("away"), logging.WARNING), (Failed("ended"), logging.ERROR)],
)
def test_a_line_is_logged_as_severe_as_it_is(said: str, level: int, caplog: pytest.LogCaptureFixture) -> None:
    """What a role says keeps its severity in the log."""
    caplog.set_level(logging.INFO, TALK)
    log, handler = logging.getLogger(TALK), logging.NullHandler()
    log.addHandler(handler)
    talk(said)
    log.removeHandler(handler)
    assert [(each.levelno, each.getMessage()) for each in caplog.records] == [(level, said)]


def test_nobody_is_in_the_logs_of_a_run(tmp_path: Path) -> None:
    """Neither a person's id, phone, address nor the text of their message is in what `api` and `run` log."""
    at = Terminal(tmp_path)
    events = [*registered(AIGERIM, phone=PHONE, email=EMAIL), fine(AIGERIM, "KZ-77", "2025-06-02T11:00:00+05:00")]
    at.run("ingest", at.written("events.ndjson", *events), "--clock", NOON.isoformat())
    ran = at.start("run", "--until-idle", "--json", "--clock", NOON.isoformat(), env=JSON)
    stood, logged = ran.communicate()
    assert json.loads(stood)["nudges"]["sent"] == 1
    served = asked(at, [json.dumps({"id": AIGERIM, "phone": PHONE}).encode(), AIGERIM.encode(), ndjson(events[0])])
    lines = [json.loads(each) for each in (logged + served).decode().splitlines()]
    assert {each["role"] for each in lines} >= {"api"}
    assert all(each.keys() >= ALWAYS for each in lines)
    assert [each for each in (AIGERIM, PHONE, EMAIL, "Айгерім", "KZ-77") if each in str(lines)] == []


def asked(at: Terminal, bodies: list[bytes]) -> bytes:
    """What `api` logs while it is asked for pages of somebody and sent those bodies."""
    api = at.start("api", "--port", "0", env=JSON)
    assert api.stderr is not None
    first = api.stderr.readline()
    base = json.loads(first)["message"].partition(";")[0].rpartition(" ")[2]
    with httpx2.Client(base_url=base, timeout=60) as client:
        for body in bodies:
            client.post("/events", content=body, headers={"content-type": "application/cloudevents+json"})
            client.get(f"/persons/{AIGERIM}", params={"phone": PHONE})
    api.terminate()
    return first + api.communicate()[1]
