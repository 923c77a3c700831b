import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.identity.principals import add
from domain.facts.principals import Principal, Scope
from tests.app.http.wire import STRUCTURED, event

ROOT = Path(__file__).parents[3]
COMMAND = "import sys, app.cli.main; sys.argv[0] = 'habarshy'; app.cli.main.main()"


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """A server of its own, with nothing but this folder."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "HABARSHY_DATABASE": f"sqlite:///{folder / 'log.sqlite'}",
    }
    return subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "-c", COMMAND, "api", *options],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A server on a free port."""
    with start(tmp_path, "--port", "0") as process:
        yield process
        process.kill()


def key(folder: Path) -> dict[str, str]:
    """The header with a new key of a registry of that server."""
    registry = Principal("registry", "interior", frozenset(), {}, frozenset([Scope.EVENTS]))
    return {"authorization": f"Bearer {add(folder / '.local/share/habarshy/principals.toml', registry)}"}


def port_of(server: subprocess.Popen[str]) -> int:
    """The port that the server says it took."""
    assert server.stderr is not None
    said = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+); Ctrl-C stops\n", server.stderr.readline())
    assert said is not None
    return int(said[1])


def test_it_serves_on_this_machine_until_it_is_told_to_stop(server: subprocess.Popen[str], tmp_path: Path) -> None:
    """By default it says that it listens on the loopback address, answers there, and ends with 0 at SIGTERM."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server))
    pieces = (piece.encode() for piece in re.findall(".{1,40}", json.dumps(event())))
    connection.request("POST", "/events", pieces, STRUCTURED | key(tmp_path), encode_chunked=True)
    assert connection.getresponse().status == 202
    connection.close()
    server.send_signal(signal.SIGTERM)
    output, talk = server.communicate()
    assert (server.returncode, output, talk) == (0, "", "stopped\n")


def test_no_path_is_ever_logged(server: subprocess.Popen[str]) -> None:
    """The token of a stop link is a secret, and appears nowhere in what the server writes."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server))
    connection.request("GET", "/stop/s3cr3t-words?s3cr3t=words")
    assert connection.getresponse().status == 404
    connection.close()
    server.send_signal(signal.SIGINT)
    assert "s3cr3t" not in "".join(server.communicate())


def test_a_body_over_the_limit_ends_the_connection(server: subprocess.Popen[str], tmp_path: Path) -> None:
    """Whoever announces too much is answered 413 before they sent it."""
    with socket.create_connection(("127.0.0.1", port_of(server))) as connection:
        connection.sendall(
            b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/cloudevents+json\r\n"
            b"Content-Length: 999999999\r\nAuthorization: " + key(tmp_path)["authorization"].encode() + b"\r\n\r\n"
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    """Exit 3 and one line that names the port, not a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start(tmp_path, "--port", port) as process:
            _, talk = process.communicate()
    assert process.returncode == 3
    assert talk.startswith(f"cannot listen on 127.0.0.1 port {port}: ")
    assert len(talk.splitlines()) == 1


def test_an_open_address_is_warned_about(tmp_path: Path) -> None:
    """Whoever lets others reach the port is told that keys would go there in clear."""
    with start(tmp_path, "--port", "0", "--host", "0.0.0.0") as process:  # noqa: S104  (that is what it is about)
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(2)]
        process.kill()
    assert "in clear" in said[1]
