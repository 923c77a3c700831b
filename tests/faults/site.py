"""The platform as its operator has it: `habarshy` as processes of their own, with a real mail server beside it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from app.cli.failures import exit_for
from app.cli.main import application
from app.clock import fixed
from app.compose import Platform, compose
from app.identity.key_file import load_keyring
from app.settings import load_settings
from streams.intake.cloudevents import Envelope
from streams.queries.health import Health, health
from streams.rules.publishing import Publisher
from tests.app.terminal import ndjson
from tests.beginnings import packs_in
from tests.faults.post import Post
from tests.faults.wire import Wire
from tests.streams.distributed import eventually
from tests.world import event, few_triggers, iin

NOON = datetime(2025, 6, 2, 7, tzinfo=UTC)  # 12:00 in Almaty: nobody's quiet hours
PATIENCE = 120.0
NOTHING: Mapping[str, str] = {}
TIMED = frozenset({"run", "dispatch", "restored", "erase"})
VAPID_KEY = "openssl ecparam -name prime256v1 -genkey -noout -out"


class Ended(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    lines: list[str]
    talk: str

    @property
    def last(self) -> Any:
        """Its last line, which is JSON."""
        return json.loads(self.lines[-1])


class Site:
    """One database, one key file, one mail server; the clock stands at `now` until it is moved."""

    def __init__(
        self, folder: Path, url: str, mail: int, *, mail_host: str = "127.0.0.1", **mail_options: Any
    ) -> None:
        self.folder, self.url, self.now = folder, url, NOON
        self.key_file = folder / "key"
        self.packs = few_triggers(folder)
        load_keyring(self.key_file, create=True)
        (folder / "config").mkdir(exist_ok=True)
        self.environment = {name: each for name, each in os.environ.items() if not name.startswith("HABARSHY_")} | {
            "HABARSHY_DATABASE": url,
            "HABARSHY_KEY_FILE": str(self.key_file),
            "HABARSHY_PACKS": str(self.packs),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_DATA_HOME": str(folder / "data"),
            "HABARSHY_PROVIDERS": json.dumps(self._providers(mail_host, mail, mail_options)),
        }
        self._started: list[Running] = []

    def _providers(self, host: str, port: int, options: Mapping[str, Any]) -> dict[str, Any]:
        mail = {"kind": "smtp", "host": host, "port": port, "security": "none", "sender": "h@example.org", **options}
        if self.url.startswith("sqlite"):
            return {"mail": mail}
        vapid = self.folder / "vapid.pem"
        subprocess.run([*VAPID_KEY.split(), str(vapid)], check=True)  # noqa: S603  (our own arguments)
        return {
            "mail": mail,
            "sms": {"kind": "http_sms", "url": "http://127.0.0.1:9/", "sender": "1414"},
            "push": {"kind": "web_push", "key_file": str(vapid), "subject": "mailto:h@example.org"},
        }

    def publish(self) -> None:
        """On PostgreSQL nothing is published by itself."""
        with self.platform() as at:
            packs = packs_in([self.packs])
            Publisher(at.database, at.log, at.identity.names).publish(packs, by="tests", now=self.now)

    @contextmanager
    def platform(self) -> Iterator[Platform]:
        """The platform in this process, for a moment."""
        made = compose(
            load_settings(database=self.url, key_file=self.key_file, packs=str(self.packs)), fixed(self.now)
        )
        try:
            yield made
        finally:
            made.database.close()

    def take(self, *envelopes: Envelope) -> None:
        """Take events in, and plan."""
        with self.platform() as at:
            assert all(outcome.refused is None for outcome in at.intake.accept(list(envelopes)))
            at.planning.planning.drain()

    def written(self, events: Sequence[Envelope]) -> str:
        """A file with these events; its path."""
        path = self.folder / "events.ndjson"
        path.write_bytes(b"\n".join(map(ndjson, events)))
        return str(path)

    def standing(self) -> Health:
        """How it stands."""
        with self.platform() as at:
            return health(at.database, at.log, at.replay.follower, self.now)

    def start(
        self, *arguments: str, before: Callable[[], None] | None = None, env: Mapping[str, str] = NOTHING
    ) -> "Running":
        """A command as a process; `before`: what it does to itself first."""
        made = Running(
            [sys.executable, "-m", "app", *arguments, *self._at(arguments)],
            {**self.environment, **env},
            self.folder / f"{len(self._started)}.log",
            before,
        )
        self._started.append(made)
        return made

    def run(self, *arguments: str) -> Ended:
        """A command, in this process, until it ends."""
        unset = {name: None for name in os.environ if name.startswith("HABARSHY_")}
        found = CliRunner().invoke(
            application(), [*arguments, *self._at(arguments)], env={**unset, **self.environment}
        )
        failure = found.exception
        if failure is None or isinstance(failure, SystemExit):
            return Ended(found.exit_code, found.stdout.splitlines(), found.stderr)
        if (ended := exit_for(failure)) is None:
            raise failure
        code, words = ended
        return Ended(int(code), found.stdout.splitlines(), found.stderr + words)

    def _at(self, arguments: Sequence[str]) -> list[str]:
        return ["--clock", self.now.isoformat()] if arguments[0] in TIMED else []

    def close(self) -> None:
        """Nothing of it goes on."""
        for each in self._started:
            each.kill()


class Running:
    """A command that runs, with what it says in a file."""

    def __init__(
        self, command: list[str], environment: Mapping[str, str], log: Path, before: Callable[[], None] | None
    ) -> None:
        self._log = log
        with log.open("wb") as talk, log.with_suffix(".out").open("wb") as out:
            self.process = subprocess.Popen(  # noqa: S603  (ourselves)
                command,
                env=environment,
                stdout=out,
                stderr=talk,
                preexec_fn=before,  # noqa: PLW1509  (limits only)
            )

    @property
    def talk(self) -> str:
        """What it has said."""
        return self._log.read_text()

    def says(self, words: str) -> None:
        """Wait until it has said so."""
        comes(lambda: words in self.talk or self.process.poll() is not None)
        assert words in self.talk, self.talk

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> Ended:
        """Ask it to end."""
        self.process.terminate()
        return self.ended()

    def ended(self) -> Ended:
        """Wait until it ends."""
        code = self.process.wait(PATIENCE)
        return Ended(code, self._log.with_suffix(".out").read_text().splitlines(), self.talk)


@contextmanager
def site(folder: Path, url: str, post: Post | Wire, **options: Any) -> Iterator[Site]:
    """A site whose packs are published, with its mail server or what leads there."""
    made = Site(folder, url, post.port, **options)
    try:
        made.publish()
        yield made
    finally:
        made.close()


def fined(number: int, *, on: str = "2025-06-02", hour: str = "11:00:00+05:00") -> list[Envelope]:
    """The events of somebody who has mail and no phone, and who was fined: they are told at once."""
    mail = {"email": f"c{number}@example.org"}
    fine = {"number": str(number), "amount": 7, "violated_on": on, "issued_on": on}
    return [
        event("citizen.contact_changed", iin(number), "2020-01-02T00:00:00Z", mail, id=f"contact-{number}"),
        event("kz.traffic.fine_issued", iin(number), f"{on}T{hour}", fine, id=f"fine-{number}"),
    ]


def crowd(first: int, count: int, **when: str) -> list[Envelope]:
    """So many who were fined."""
    return [each for number in range(first, first + count) for each in fined(number, **when)]


def comes(true: Callable[[], object]) -> None:
    """Wait until it comes true."""
    eventually(lambda: bool(true()), PATIENCE)
