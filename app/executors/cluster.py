"""The executor of a Dask cluster, whose workers have settings and keys of their own, like every other role.

Nothing secret goes to a worker: a task names what to do, and the worker opens the database by its own settings. What
comes back are counts, pseudonyms and words of sample messages, so an address of another machine must be encrypted.
"""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import uvloop
from distributed import Client
from distributed.comm.core import connect
from distributed.scheduler import KilledWorker
from distributed.security import Security
from msgspec import Struct

from app.clock import system_clock
from app.compose import Platform, compose
from app.executors.errors import NoCluster
from app.executors.kept import close_kept
from app.settings import load_settings

ANSWER_SECONDS, JOIN_SECONDS = 10.0, 20.0
"""The time that a scheduler has to answer, and that a first worker has to join it."""


class Described(Struct, frozen=True):
    """A process of ours: its version, its Python, a word under its keys, and the last position of its log."""

    version: str
    python: str
    keys: str
    position: int


def described(platform: Platform) -> Described:
    """Describe this process, on that platform."""
    python = ".".join(map(str, sys.version_info[:2]))
    keys = platform.identity.names.pseudonym("which keys")
    return Described(version("habarshy"), python, keys, platform.log.facts.max_notification_id() or 0)


def describe() -> Described | str:
    """Describe this worker; return in a sentence what keeps it from work."""
    try:
        platform = compose(load_settings(), system_clock, make=False)
    except Exception as error:  # noqa: BLE001  (told by the one who asked)
        return str(error)
    try:
        return described(platform)
    finally:
        platform.database.close()


@contextmanager
def cluster_executor(address: str, platform: Platform) -> Iterator[tuple[Executor, int]]:
    """Yield the executor of the cluster whose scheduler is at this address, and the number of its threads.

    Raises:
        NoCluster: nobody answers there, no worker joined, or one is not like this process;
            in the block: the scheduler was lost, or a part ended several workers.
    """
    with connected(address) as client:
        check(client.run(describe, on_error="return"), described(platform))
        try:
            with _losses_told(address):
                yield client.get_executor(pure=False), sum(client.ncores().values())
        finally:
            if client.status == "running":  # else it would wait for a scheduler that is gone
                client.run(close_kept, on_error="ignore")


@contextmanager
def _losses_told(address: str) -> Iterator[None]:
    try:
        yield
    except CancelledError:
        raise NoCluster(f"the scheduler at {address} was lost; nothing was changed, so ask again") from None
    except KilledWorker as error:
        last, times = error.last_worker.address, error.allowed_failures + 1
        raise NoCluster(f"{times} workers died over one part, {last} last: do they lack memory?") from None


@contextmanager
def connected(
    address: str, answer_seconds: float = ANSWER_SECONDS, join_seconds: float = JOIN_SECONDS
) -> Iterator[Client]:
    """Yield a client of the scheduler at this address, once it has a worker.

    Raises:
        NoCluster: nobody answers there, or no worker joined.
    """
    uvloop.run(_answers(address, answer_seconds))
    with Client(address, timeout=answer_seconds, set_as_default=False) as client:
        try:
            client.wait_for_workers(1, timeout=join_seconds)
        except TimeoutError:
            raise NoCluster(f"the scheduler at {address} has no worker: start `dask worker {address}`") from None
        yield client


async def _answers(address: str, seconds: float) -> None:
    """Check that a scheduler answers. A client that fails to connect would go on trying in the background."""
    try:
        line = await connect(address, timeout=seconds, **Security().get_connection_args("client"))
    except OSError:
        raise NoCluster(f"no Dask scheduler answers at {address}") from None
    except TypeError:
        raise NoCluster(
            f"{address} needs Dask's certificates: set DASK_DISTRIBUTED__COMM__TLS__CA_FILE and its siblings "
            "(docs/operations.md)"
        ) from None
    await line.close()


def check(workers: Mapping[str, Any], here: Described) -> None:
    """Refuse workers that would find something else than this process.

    Raises:
        NoCluster: a worker cannot work, or has another version, other keys or another log.
    """
    for worker, found in workers.items():
        if not isinstance(found, Described):
            raise NoCluster(f"the worker {worker} cannot work: {found}")
        for what, theirs, ours in (
            ("runs version", found.version, here.version),
            ("runs Python", found.python, here.python),
        ):
            if theirs != ours:
                raise NoCluster(f"the worker {worker} {what} {theirs}, this process {ours}: give them the same")
        if found.keys != here.keys:
            raise NoCluster(f"the worker {worker} has other keys than this process: give it the same key file")
        if found.position < here.position:
            raise NoCluster(
                f"the worker {worker} has another database than this process, or one that lags: its log ends at "
                f"{found.position}, ours at {here.position}"
            )
