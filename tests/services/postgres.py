"""A PostgreSQL server of the tests' own, on a private port of loopback, in a folder that goes with it."""

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from streams.database import Database
from streams.migrating import migrate

GIVEN = "HABARSHY_TEST_POSTGRES"
"""An SQLAlchemy URL of a server to use instead, whose user may create databases."""

_USER = "postgres"
_numbers = itertools.count(1)


class NoPostgres(Exception):
    """PostgreSQL 15 or newer is not installed. Run `make services`, or name a server in HABARSHY_TEST_POSTGRES."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


@contextmanager
def server() -> Iterator[URL]:
    """A running server, stopped and removed afterwards.

    Raises:
        NoPostgres: its programs are nowhere to be found.
    """
    if given := os.environ.get(GIVEN):
        yield make_url(given)
        return
    with tempfile.TemporaryDirectory(prefix="habarshy-pg-") as folder, closing(_Server(Path(folder))) as made:
        yield made.url


@contextmanager
def fresh(at: URL) -> Iterator[URL]:
    """A database with our tables on that server, dropped afterwards."""
    with empty(at) as made:
        database = Database(made.render_as_string(hide_password=False))
        migrate(database)
        database.close()
        yield made


@contextmanager
def empty(at: URL, like: URL | None = None) -> Iterator[URL]:
    """A database without any table (or with all that is in another, to which nobody is connected), dropped later."""
    name = f"habarshy_test_{os.getpid()}_{next(_numbers)}"
    _administer(at, f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{like.database}"' if like else ""))
    try:
        yield at.set(database=name)
    finally:
        _administer(at, f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(at: URL, statement: str) -> None:
    with psycopg.connect(
        at.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as admin:
        admin.execute(statement.encode())


class _Server:
    def __init__(self, folder: Path) -> None:
        self._programs, self._data, self._port = _programs(), folder / "data", _free_port()
        self._as_user = _other_user(folder)
        self._run(
            "initdb",
            "--no-sync",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            f"--username={_USER}",
            f"--pgdata={self._data}",
        )
        options = f"-h 127.0.0.1 -p {self._port} -c unix_socket_directories= -c max_connections=200"
        self._run(
            "pg_ctl",
            "start",
            "--wait",
            "--silent",
            f"--pgdata={self._data}",
            f"--log={folder / 'log'}",
            "-o",
            options,
        )

    @property
    def url(self) -> URL:
        return URL.create("postgresql+psycopg", _USER, host="127.0.0.1", port=self._port, database="postgres")

    def close(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "--silent", "--mode=immediate", f"--pgdata={self._data}")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self._programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")  # noqa: S603  (our own arguments)


def _programs() -> Path:
    """Where the newest server's programs are: Debian does not put them on the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    if found is None:
        raise NoPostgres
    return Path(found).parent


def _other_user(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root, as containers do."""
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, _USER)
    return ["runuser", "-u", _USER, "--"]


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
