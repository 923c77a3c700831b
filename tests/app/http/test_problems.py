from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from app.compose import Platform
from app.server import application
from streams.log.damaged import DamagedFact
from streams.rules.library import NothingPublished
from tests.app.http.wire import client_of, event, post

PROBLEM = "application/problem+json"
SECRET = "s3cr3t-words"


@pytest.fixture
def failing(platform: Platform) -> TestClient:
    """The application with two more routes: one fails as told, one has a typed parameter."""
    app = application(platform)
    errors = {
        "defect": RuntimeError(SECRET),
        "database": OperationalError(SECRET, {}, Exception(SECRET)),
        "rules": NothingPublished(),
        "log": DamagedFact(7, KeyError(SECRET)),
    }

    def fail(what: str) -> NoReturn:
        raise errors[what]

    def typed(number: int) -> int:
        return number

    app.add_api_route("/fail/{what}", fail, methods=["GET"], response_model=None)
    app.add_api_route("/typed/{number}", typed, methods=["GET"])
    return client_of(app)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/events/", 401),
        ("/static/nothing.css", 404),
        ("/static/..%2fstop.py", 404),
        ("/fail/defect", 500),
        ("/fail/database", 503),
        ("/fail/rules", 503),
        ("/fail/log", 500),
        ("/typed/s3cr3t-words", 422),
    ],
)
def test_every_error_is_a_problem(failing: TestClient, path: str, status: int) -> None:
    """Whoever made the error, the platform or its framework, it is RFC 9457 and holds nothing of what was sent."""
    answer = failing.get(path)
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert body["status"] == status
    assert all(isinstance(body[name], str) and body[name] for name in ("type", "title", "detail"))
    assert SECRET not in answer.text


def test_a_fact_that_cannot_be_read_is_a_problem_of_its_own(failing: TestClient) -> None:
    """The answer names its place in the log and what an operator does; a page says that to try again is no use."""
    answer = failing.get("/fail/log")
    body = answer.json()
    assert (body["type"], "retry-after" in answer.headers) == ("urn:habarshy:problem:damaged-fact", False)
    assert "at position 7 of the log" in body["detail"]
    assert "`habarshy audit verify`" in body["detail"]
    page = failing.get("/fail/log", headers={"accept": "text/html", "accept-language": "ru"})
    assert (page.status_code, "Запись не читается" in page.text) == (500, True)
    assert "position 7" not in page.text


def test_a_wrong_parameter_is_named(failing: TestClient) -> None:
    """422 names the parameter, gives the reason, and leaves its value out."""
    [error] = failing.get("/typed/s3cr3t-words").json()["errors"]
    assert (error["field"], error["code"]) == ("path.number", "int_parsing")
    assert error["reason"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/events", "POST"),
        ("PUT", "/livez", "GET, HEAD"),
        ("DELETE", "/stop/x", "GET, HEAD, POST"),
        ("POST", "/static/page.css", "GET, HEAD"),
    ],
)
def test_a_wrong_method_says_which_are_right(client: TestClient, method: str, path: str, allow: str) -> None:
    """405 is a problem that keeps the Allow header (RFC 9110)."""
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize("path", ["/fail/database", "/fail/rules"])
def test_what_passes_says_when_to_ask_again(failing: TestClient, path: str) -> None:
    """503 has a Retry-After: the sender keeps the event and sends it again."""
    assert int(failing.get(path).headers["retry-after"]) > 0


def test_an_event_is_not_accepted_without_a_database(platform: Platform, client: TestClient, tmp_path: Path) -> None:
    """While the database cannot be opened an event is answered 503, never 202."""
    platform.database.engine.dispose()
    for file in tmp_path.glob("world.sqlite*"):
        file.unlink()
    (tmp_path / "world.sqlite").mkdir()
    answer = post(client, event())
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)


@pytest.mark.parametrize("path", ["/livez", "/check", "/static/style.css", "/openapi.json", "/nowhere", "/my"])
def test_head_is_get_without_the_content(failing: TestClient, path: str) -> None:
    """The same status and length as a GET, and nothing in it."""
    got, asked = (failing.request(method, path, follow_redirects=False) for method in ("GET", "HEAD"))
    assert (asked.status_code, asked.content) == (got.status_code, b"")
    assert asked.headers.get("content-length") == got.headers.get("content-length")


def test_head_records_nothing(failing: TestClient) -> None:
    """Where there is no GET, or one by which a provider has something recorded, HEAD is no method."""
    assert failing.head("/seen/x").headers["allow"] == "POST"
    assert failing.head("/gateways/kannel/receipts").status_code == 405
    assert failing.post("/livez").headers["allow"] == "GET, HEAD"
