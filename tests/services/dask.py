"""A Dask scheduler, and its processes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from tests.services.ports import kept_ports


@contextmanager
def dask(role: str, *arguments: str, environment: Mapping[str, str | None]) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of Dask's own, until the end of the block."""
    command = [sys.executable, "-m", "distributed.cli.dask_" + role, *arguments, "--no-dashboard"]
    wanted = {name: value for name, value in {**os.environ, **environment}.items() if value is not None}
    with subprocess.Popen(command, env=wanted, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603  (ourselves)
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def scheduler() -> Iterator[str]:
    """The address of a scheduler without workers."""
    with ExitStack() as using:
        [port] = kept_ports(1, using)
        using.enter_context(dask("scheduler", "--host", "127.0.0.1", "--port", str(port), environment={}))
        yield f"tcp://127.0.0.1:{port}"
