"""One server of PostgreSQL, which can be killed, held up, and started again on the same port with the same data."""

import os
import select
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
from sqlalchemy.engine import URL

from tests.services.ports import kept_port

PATIENCE, LOOK_EVERY = 60.0, 0.05
"""Seconds for the server to start or stop, and between two looks whether it has."""
_USER = "postgres"


class NoPostgres(Exception):
    """PostgreSQL 15 or newer is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "PostgreSQL 15 or newer is not installed. "
            "Run `make services`, or name a server in HABARSHY_TEST_POSTGRES."
        )


class DidNotStart(Exception):
    """PostgreSQL did not start."""

    def __init__(self, words: str) -> None:
        super().__init__(f"PostgreSQL did not start; its last words: {words}.")


class Server:
    """It is initialised when it is made; its password is that of the user who may do everything."""

    def __init__(self, folder: Path, password: str = "", *, archived: bool = False, lasting: bool = True) -> None:
        self._password, self._folder = password, folder
        self._archive = folder / "archive" if archived else None
        self._programs, self._data, self._kept = _programs(), folder / "data", kept_port()
        self._port = int(self._kept.getsockname()[1])
        self._log, self._as_user = folder / "log", _other_user(folder)
        (folder / "password").write_text(password)
        signing_in = ("--auth=scram-sha-256", f"--pwfile={folder / 'password'}") if password else ("--auth=trust",)
        initdb = ("--no-sync", *signing_in, "--encoding=UTF8", "--locale=C", f"--username={_USER}")
        command = [str(self._programs / "initdb"), *initdb, f"--pgdata={self._data}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **self._as_user)  # noqa: S603  (ours)
        self._process: subprocess.Popen[bytes] | None = None
        self._lasting = lasting
        if self._archive is not None:
            self._archive.mkdir()
            self._own(self._archive)
            with (self._data / "postgresql.conf").open("a") as settings:
                settings.write(f"archive_mode = on\narchive_command = 'cp %p {self._archive}/%f'\n")

    def _own(self, path: Path) -> None:
        if self._as_user:
            shutil.chown(path, _USER, _USER)

    @property
    def url(self) -> URL:
        """Where it answers."""
        return URL.create(
            "postgresql+psycopg",
            _USER,
            self._password or None,
            host="127.0.0.1",
            port=self._port,
            database="postgres",
        )

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            DidNotStart: it ended, or took too long.
        """
        options = ("-h", "127.0.0.1", "-p", str(self._port), "-c", "unix_socket_directories=", "-c")
        waits = () if self._lasting else ("-c", "fsync=off", "-c", "full_page_writes=off")
        command = [str(self._programs / "postgres"), "-D", str(self._data), *options, "max_connections=200", *waits]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self._as_user)  # noqa: S603  (ours)
        for _ in range(int(PATIENCE / LOOK_EVERY)):
            with suppress(psycopg.OperationalError), psycopg.connect(plain(self.url)):
                return
            if self._process.poll() is not None:
                break
            Event().wait(LOOK_EVERY)
        self.close()
        raise DidNotStart(self._log.read_text()[-2000:])

    def kill(self) -> None:
        """End every process of it at once, as a failing machine would, and wait until the last is gone.

        PostgreSQL does not start again while a process has the memory that all of them shared.
        """
        self.pause()  # else those that are left would clean up
        gone = [os.pidfd_open(child) for child in self._children()]
        self._signal(signal.SIGKILL)
        self._ended()
        for each in gone:
            select.select([each], (), (), PATIENCE)
            os.close(each)

    def back_up(self) -> Path:
        """A base backup, taken while it works (pg_basebackup)."""
        copy = self._folder / "copy"
        command = [
            str(self._programs / "pg_basebackup"),
            "-h",
            "127.0.0.1",
            "-p",
            str(self._port),
            "-U",
            _USER,
            "-D",
            str(copy),
            "--checkpoint=fast",
            "--no-sync",
        ]
        subprocess.run(command, check=True, cwd="/", **self._as_user)  # noqa: S603  (ours)
        return copy

    def remember(self, point: str) -> None:
        """Name this point in time, and wait until the archive has it."""
        assert self._archive is not None
        with psycopg.connect(plain(self.url), autocommit=True) as admin:
            found = admin.execute("SELECT pg_walfile_name(pg_create_restore_point(%s))", [point]).fetchone()
            admin.execute("SELECT pg_switch_wal()")
            assert found is not None
            archived = self._data / "pg_wal" / "archive_status" / f"{found[0]}.done"
            for _ in range(int(PATIENCE / LOOK_EVERY)):
                if archived.exists():
                    return
                Event().wait(LOOK_EVERY)
        raise DidNotStart(self._log.read_text()[-2000:])

    def restore(self, copy: Path, point: str) -> None:
        """After a kill: the base backup in the place of what was there, played on to that named point."""
        shutil.rmtree(self._data)
        copy.rename(self._data)
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"restore_command = 'cp {self._archive}/%f %p'\nrecovery_target_name = '{point}'\n"
                "recovery_target_action = 'promote'\narchive_mode = off\n"
            )
        (self._data / "recovery.signal").touch()
        self._own(self._data / "recovery.signal")

    def revive(self) -> None:
        """Start it, if it has ended by itself meanwhile."""
        assert self._process is not None
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            return
        self.start()

    def pause(self) -> None:
        """Nobody of it does anything any more, until it resumes."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop it without ceremony."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._ended()
        self._kept.close()

    def _ended(self) -> None:
        assert self._process is not None
        self._process.wait(PATIENCE)
        self._process = None

    def _signal(self, number: signal.Signals) -> None:
        """To the first process, then to those that it has started."""
        assert self._process is not None
        if number is signal.SIGSTOP:
            self._process.send_signal(number)
        for child in self._children():
            with suppress(ProcessLookupError):
                os.kill(child, number)
        self._process.send_signal(number)

    def _children(self) -> list[int]:
        assert self._process is not None
        return [
            int(each)
            for each in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        ]


def _programs() -> Path:
    """Where the newest server's programs are: Debian does not put them on the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    if found is None:
        raise NoPostgres
    return Path(found).parent


def _other_user(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root, as containers do."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, _USER)
    return {"user": _USER, "group": _USER, "extra_groups": []}


def plain(at: URL) -> str:
    """As the driver reads it."""
    return at.set(drivername="postgresql").render_as_string(hide_password=False)
