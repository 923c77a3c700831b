"""A backtest on a Dask cluster: a real scheduler, real workers, on this machine."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from distributed import Client

from app.executors.cluster import Described, check, connected
from app.executors.errors import NoCluster
from app.executors.executor import TaskWorkers, results
from tests.app.terminal import Ended, Terminal
from tests.services.dask import dask, scheduler
from tests.streams.distributed import eventually
from tests.world import LONG_AGO, few_triggers, fine, iin, registered

SPAN = ("--from", "2025-01-01", "--to", "2026-01-01", "--purpose", "trying the cluster")
HERE = Described("1.0", "3.11", "keys", 10)


class Cluster:
    """A scheduler, and workers that are begun one by one."""

    def __init__(self, address: str, terminal: Terminal) -> None:
        self.address, self.terminal = address, terminal

    @contextmanager
    def workers(self, *environments: Mapping[str, str]) -> Iterator[list["subprocess.Popen[bytes]"]]:
        """Workers with the terminal's settings and these, in the block."""
        with ExitStack() as using, Client(self.address, set_as_default=False) as client:
            options = (self.address, "--no-nanny", "--nthreads", "1", "--local-directory", str(self.terminal.folder))
            given = [{**self.terminal.environment, **environment} for environment in environments]
            begun = [using.enter_context(dask("worker", *options, environment=each)) for each in given]
            client.wait_for_workers(len(begun), timeout=60)
            yield begun

    def backtest(self, *options: str) -> Ended:
        """A year of fines backtested."""
        return self.terminal.run("backtest", "traffic_fine_discount", *SPAN, *options)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler without workers, and a terminal on whose database drivers had fines."""
    terminal = Terminal(tmp_path_factory.mktemp("cluster"))
    terminal.environment["HABARSHY_PACKS"] = str(few_triggers(terminal.folder))
    events = [each for number in range(1, 30) for each in registered(iin(number), LONG_AGO)]
    events += [fine(iin(number), f"F{number}", f"2025-03-{number:02}T12:00:00+05:00") for number in range(1, 30)]
    assert terminal.run("ingest", "--historical", terminal.written("events.ndjson", *events)).code == 0
    with scheduler() as address:
        yield Cluster(address, terminal)


def test_a_cluster_finds_what_one_process_finds(cluster: Cluster) -> None:
    """The report of two workers is that of one process, byte for byte, as text and as JSON."""
    with cluster.workers({}, {}):
        for form in ((), ("--json", "--with-caps")):
            alone, together = cluster.backtest(*form), cluster.backtest(*form, "--cluster", cluster.address)
            assert (together.code, together.lines) == (0, alone.lines), together.talk
            assert len(alone.lines) > 5


def test_a_cluster_verifies_and_plans_as_one_process_does(cluster: Cluster) -> None:
    """A verification and all intents are the same by two workers, byte for byte, and no database stays open."""
    terminal, elsewhere = cluster.terminal, {"HABARSHY_CLUSTER": cluster.address}
    live = terminal.written("live.ndjson", fine(iin(1), "G1", "2025-06-15T12:00:00+05:00"))
    assert terminal.run("ingest", live).code == 0
    assert terminal.run("run", "--until-idle", "--clock=2025-06-20T12:00+05:00").code == 0
    with cluster.workers({}, {}) as workers:
        for command in (("replay", "--verify", "--json"), ("intents", "--json")):
            alone, together = terminal.run(*command), terminal.run(*command, env=elsewhere)
            assert (together.code, together.lines[1:]) == (0, alone.lines[1:]), together.talk
            assert alone.lines
            assert not [file for worker in workers for file in files_of(worker.pid) if file.endswith(".sqlite")]


def files_of(pid: int) -> list[str]:
    """The files that a process has open."""
    return [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()]


def die_once(folder: str) -> str:
    """The first worker dies over it; the next one does it."""
    first = Path(folder) / "died"
    if not first.exists():
        first.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def test_a_killed_worker_costs_its_part(cluster: Cluster, tmp_path: Path) -> None:
    """What a worker dies over another one does."""
    with cluster.workers({}, {}) as workers, Client(cluster.address, set_as_default=False) as client:
        executor = client.get_executor(pure=False)
        assert list(results(TaskWorkers(executor, 2), die_once, str.upper, [str(tmp_path)])) == ["done"]
        eventually(lambda: sum(each.poll() is not None for each in workers) == 1)


def test_a_worker_needs_a_key_file_and_the_same_database(cluster: Cluster, tmp_path: Path) -> None:
    """Who cannot work says what is missing, and nothing is begun."""
    ended = {}
    for what, environment in {
        "no keys": {"HABARSHY_KEY_FILE": str(tmp_path / "none")},
        "no database": {"HABARSHY_DATABASE": f"sqlite:///{tmp_path}/none.sqlite"},
    }.items():
        with cluster.workers(environment):
            ended[what] = cluster.backtest("--cluster", cluster.address)
    for what, found in ended.items():
        assert (found.code, found.lines) == (3, []), what
        assert re.search(r"the worker tcp://127\.0\.0\.1:\d+ cannot work: .*none", found.talk), found.talk


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Described("2.0", "3.11", "keys", 10), "w runs version 2.0, this process 1.0: give them the same"),
        (
            Described("1.0", "3.12", "keys", 10),
            "w runs Python 3.12, this process 3.11: give them the same",
        ),
        (Described("1.0", "3.11", "others", 10), "the worker w has other keys than this process"),
        (Described("1.0", "3.11", "keys", 9), "its log ends at 9, ours at 10"),
        (ModuleNotFoundError("No module named 'app'"), "the worker w cannot work: No module named 'app'"),
    ],
)
def test_a_worker_that_would_find_something_else_is_refused(other: object, said: str) -> None:
    """Another version, other keys or a log that lags would give another report."""
    check({"v": HERE}, HERE)
    with pytest.raises(NoCluster, match=re.escape(said)):
        check({"v": HERE, "w": other}, HERE)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://dask.example:8786", "write tls://dask.example:8786"),
        ("dask.example", "this is no address of a Dask scheduler; write tls://HOST:PORT"),
        ("tls://dask.example:no", "is no address of a Dask scheduler"),
    ],
)
def test_an_address_that_cannot_be_is_refused(cluster: Cluster, address: str, said: str) -> None:
    """An address that is none, or over which everything would go in clear, is said clearly."""
    found = cluster.backtest("--cluster", address)
    assert (found.code, found.lines) == (2, [])
    assert said in found.talk


def test_an_encrypted_address_needs_certificates() -> None:
    """Where Dask has no certificates it is said which setting names them."""
    address = "tls://127.0.0.1:1"
    with pytest.raises(NoCluster, match="DASK_DISTRIBUTED__COMM__TLS__CA_FILE"), connected(address, 0.2):
        pass


def test_without_a_scheduler_or_workers_nobody_waits_for_ever(cluster: Cluster) -> None:
    """An address where nobody answers, and a scheduler whom no worker joined, are named, with what to start."""
    nobody = "tcp://127.0.0.1:1"
    with pytest.raises(NoCluster, match=f"no Dask scheduler answers at {nobody}"), connected(nobody, 0.2):
        pass
    with (
        pytest.raises(NoCluster, match=f"start `dask worker {cluster.address}`"),
        connected(cluster.address, join_seconds=0.1),
    ):
        pass
