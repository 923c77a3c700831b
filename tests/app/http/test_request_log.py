"""What each request leaves in the log and among the metrics."""

import logging
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from starlette.testclient import TestClient

from app.compose import Platform
from app.http.request_log import UNROUTED
from app.server import application
from tests.app.http.wire import event, post, routes_of, served

SECRET = "s3cret-token"


def asked(platform: Platform, registry: CollectorRegistry | None = None) -> TestClient:
    """Asks the API, and counts there."""
    return TestClient(application(platform, registry), raise_server_exceptions=False)


def test_a_request_leaves_its_route_and_nothing_of_whom_it_is(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    """The line has method, template, status and time; no token, id or query of the request."""
    caplog.set_level(logging.INFO, "habarshy.access")
    client = asked(platform)
    client.get(f"/stop/{SECRET}?q={SECRET}", headers={"Authorization": f"Bearer {SECRET}"})
    client.get(f"/persons/{SECRET}/inbox")
    client.get(f"/{SECRET}")
    client.get("/livez")
    lines = [each.getMessage() for each in caplog.records if each.name == "habarshy.access"]
    expected = (
        r"GET /stop/\{token\} 404 \d+ ms",
        r"GET /persons/\{person\}/inbox 401 \d+ ms",
        rf"GET {UNROUTED} 404 \d+ ms",
    )
    assert len(lines) == len(expected)
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line), line
    assert SECRET not in caplog.text


def test_a_request_that_fails_is_an_error_with_its_cause(
    platform: Platform, client: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An outage of the database leaves a line for each 503, with the kind of what was raised."""
    caplog.set_level(logging.INFO, "habarshy.access")
    platform.database.engine.dispose()
    for file in tmp_path.glob("world.sqlite*"):
        file.unlink()
    (tmp_path / "world.sqlite").mkdir()
    assert post(client, event()).status_code == 503
    [record] = [each for each in caplog.records if each.name == "habarshy.access"]
    assert record.levelno == logging.ERROR
    assert re.fullmatch(r"POST /events 503 \d+ ms \w*(Error|Unavailable)", record.getMessage()), record.getMessage()


def test_latency_is_counted_by_route_and_status(platform: Platform) -> None:
    """Each answer counts for its template: whatever is asked for, there are no more labels than routes."""
    registry = CollectorRegistry()
    client = asked(platform, registry)
    for number in range(20):
        client.get(f"/stop/{number}")
        client.request(f"X{number}", f"/{number}")
    shown = generate_latest(registry).decode()
    counted = dict(re.findall(r"^habarshy_http_request_seconds_count\{(.*)\} (\S+)$", shown, re.MULTILINE))
    assert counted['method="GET",route="/stop/{token}",status="404"'] == "20.0"
    assert len(counted) == 2
    routes = {each.path for each in routes_of(served(platform))} | {UNROUTED}
    assert set(re.findall(r'route="([^"]*)"', shown)) <= routes
