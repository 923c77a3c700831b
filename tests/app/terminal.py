"""The command line as somebody at a terminal sees it, on a data folder of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, NamedTuple

import msgspec
from typer.testing import CliRunner

from app.cli.failures import exit_for
from app.cli.main import application
from app.identity.key_file import load_keyring
from app.identity.log_codes import codes_by
from streams.intake.cloudevents import Envelope
from streams.storage.database import Database

NO_MORE: Mapping[str, str] = {}


class Ended(NamedTuple):
    """How a command ended: its exit code, the lines of its data, and what it said."""

    code: int
    lines: list[str]
    talk: str

    @property
    def objects(self) -> list[Any]:
        """The lines as JSON."""
        return [json.loads(line) for line in self.lines]


class Terminal:
    """Runs commands with files below one folder, whatever the machine's own settings are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config" / "habarshy" / "config.toml"
        self.environment: dict[str, str | None] = {name: None for name in os.environ if name.startswith("HABARSHY_")}
        self.environment |= {"XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}

    def run(self, *arguments: str, stdin: bytes | None = None, env: Mapping[str, str] = NO_MORE) -> Ended:
        """Run a command in this process; `env` is set besides."""
        found = CliRunner().invoke(application(), arguments, input=stdin, env={**self.environment, **env})
        failure, lines = found.exception, found.stdout.splitlines()
        if failure is None or isinstance(failure, SystemExit):
            return Ended(found.exit_code, lines, found.stderr)
        if (ended := exit_for(failure)) is None:
            raise failure
        code, words = ended
        return Ended(int(code), lines, found.stderr + words)

    def act(self, name: str, agency: str, *roles: str, contacts: Mapping[str, str] = NO_MORE) -> Mapping[str, str]:
        """The environment in which a new principal acts."""
        given = [part for role in roles for part in ("--role", role)]
        given += [part for option, address in contacts.items() for part in (f"--{option}", address)]
        added = self.run("principals", "add", name, "--agency", agency, *given)
        assert added.code == 0, added.talk
        return {"HABARSHY_TOKEN": added.lines[0]}

    def start(
        self,
        *arguments: str,
        env: Mapping[str, str] = NO_MORE,
        stdout: IO[bytes] | int = subprocess.PIPE,
        stdin: int | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start a command as a process of its own."""
        wanted = {**os.environ, **self.environment, **env}
        return subprocess.Popen(  # noqa: S603  (ourselves)
            [sys.executable, "-m", "app", *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={name: value for name, value in wanted.items() if value is not None},
        )

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Its database, as a process with its key file has it."""
        data = self.folder / "data" / "habarshy"
        with closing(Database(f"sqlite:///{data / 'habarshy.sqlite'}")) as found:
            found.use_codes(codes_by(load_keyring(data / "key", create=False)))
            yield found

    def written(self, name: str, *lines: Envelope | str) -> str:
        """A file with these events, one a line; its path."""
        path = self.folder / name
        path.write_bytes(
            b"\n".join(line.encode() if isinstance(line, str) else ndjson(line) for line in lines) + b"\n"
        )
        return str(path)


_begun: dict[Callable[[Terminal], object], TemporaryDirectory[str]] = {}
"""What a terminal began with -> the folder where it was done."""


def begun(folder: Path, begin: Callable[[Terminal], object]) -> Terminal:
    """A terminal in an empty folder at which `begin` was done: once in a process, for its files are copied.

    A platform of its own reads and checks all shipped packs, which takes longer than most tests.
    """
    if begin not in _begun:
        _begun[begin] = TemporaryDirectory()
        begin(Terminal(Path(_begun[begin].name)))
    shutil.copytree(_begun[begin].name, folder, dirs_exist_ok=True)
    return Terminal(folder)


def ndjson(envelope: Envelope) -> bytes:
    """An event as a registry writes it."""
    plain = msgspec.to_builtins(envelope)
    return msgspec.json.encode({name: value for name, value in plain.items() if value not in (None, False)})
