"""Commands as processes of their own, forked from one process that has imported the product already.

The imports of a command take most of a second of processor, and a campaign of kills begins hundreds of commands. The
standard library's fork server imports once; each command is a fork of it, with its own environment, arguments and
output. A `kill -9` ends it as it ends any process.
"""

import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import TimeoutExpired

_PRELOADED = [
    "app.cli.commands.dispatch",
    "app.cli.commands.roles",
    "app.cli.main",
    "app.executors.cluster",
    "app.roles.job_role",
    "app.roles.kafka_roles",
    "app.roles.lifecycle",
    "app.server",
    "faust.app.base",  # what Faust, FastAPI and uvicorn import only when they are used
    "faust.transport.drivers.aiokafka",
    "notifiers.email.notifier",
    "notifiers.push.web_push",
    "notifiers.sms.smpp.notifier",
    "pydantic.v1",
    "streams.kafka.worker",
    "uvicorn.protocols.http.httptools_impl",
]
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(_PRELOADED)


class Command:
    """A running command; what it writes goes to the file `log`."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, module: str = "app"
    ) -> None:
        self.log = log
        self._process = _server.Process(
            target=_run, args=(module, [*arguments], dict(environment), str(Path.cwd()), str(self.log))
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return its exit code (-9 after `kill -9`), or None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it by `kill -9`, and wait until it has ended."""
        self._process.kill()
        self._process.join()

    def wait(self, seconds: float) -> int:
        """Return its exit code once it has ended.

        Raises:
            TimeoutExpired: it still runs after that time.
        """
        self._process.join(seconds)
        if (code := self.poll()) is None:
            raise TimeoutExpired(self.log.name, seconds)
        return code

    def said(self) -> str:
        """Return what it has written so far."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""


def _run(module: str, arguments: Sequence[str], environment: Mapping[str, str], folder: str, log: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
