"""How the benchmarks measure: rounds in turn with their baseline, medians, one JSON file a run."""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

T = TypeVar("T")
RESULTS = Path(__file__).parent / "results"


class Row(NamedTuple):
    """One line of the table. `value` in `unit`; `target` is what it should at least (or, with `most`, at most) be."""

    name: str
    value: float
    unit: str
    target: float
    most: bool = False

    @property
    def met(self) -> bool:
        return self.value <= self.target if self.most else self.value >= self.target


def sized(count: int, least: int = 1) -> int:
    """That many, or the share of them that BENCH_SHARE asks for: a hundredth tells whether a benchmark still runs."""
    return max(least, int(count * _share()))


def _share() -> float:
    return float(os.environ.get("BENCH_SHARE", "1"))


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes."""
    gc.collect()
    gc.freeze()  # to look at all of it again before each of many short measurements takes longer than they do
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_a_process(module: str, kind: type[T], *arguments: object) -> T:
    """What the module tells (`tell`), run as a process of its own with these arguments."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    child = subprocess.run(command, check=True, capture_output=True)  # noqa: S603  (ourselves)
    return msgspec.json.decode(child.stdout, type=kind)


def tell(found: object) -> None:
    """Tell the process that began this one what was found."""
    sys.stdout.buffer.write(msgspec.json.encode(found))


class Shared(NamedTuple):
    """The work of several processes: seconds from the first to the last, processors at work, and what each told."""

    seconds: float
    busy: float
    told: list[bytes]


@contextmanager
def sharing(number: int, module: str, *arguments: str) -> Iterator[Callable[[], Shared]]:
    """So many processes of the module, each ready (`wait_to_begin`); what is yielded has all of them begin."""
    command = [sys.executable, "-m", module, *arguments]
    with ExitStack() as using:
        others = [
            using.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))  # noqa: S603  (ourselves)
            for _ in range(number)
        ]
        for each in others:
            assert each.stdout is not None
            each.stdout.readline()
        told: list[bytes] = []

        def all_done() -> None:
            for each in others:  # all begin before one is waited for
                assert each.stdin is not None
                each.stdin.write(b"\n")
                each.stdin.flush()
            told.extend(each.communicate()[0] for each in others)

        def share() -> Shared:
            before = _worked()
            taken = seconds(all_done)
            return Shared(taken, (_worked() - before) / taken, told)

        yield share


def wait_to_begin() -> None:
    """Say that this process is ready, and wait for the word to begin."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def _worked() -> float:
    """Seconds that all processors of this machine have worked, the database's included."""
    user, nice, system, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def ratio(
    ours: Callable[[int], float], raw: Callable[[int], float], rounds: int = sized(5)
) -> tuple[float, float, float]:
    """Median of raw/ours over rounds in turn, with both medians in seconds; each callable gets the round's number."""
    pairs = [(ours(number), raw(number)) for number in range(rounds)]
    return (
        statistics.median(b / a for a, b in pairs),
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
    )


def peak_mb() -> float:
    """The most memory that this process has used, in MB.

    By VmHWM, which begins anew with each program: `ru_maxrss` of a process tells at least as much as its parent had,
    whose memory it shared until it became a program of its own (getrusage(2), vfork(2)).
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def save(name: str, rows: list[Row], notes: dict[str, float]) -> None:
    """Keep a benchmark's rows, where it was of its full size."""
    if _share() < 1:
        return
    RESULTS.mkdir(exist_ok=True)
    kept = {"python": sys.version, "rows": [row._asdict() | {"met": row.met} for row in rows], "notes": notes}
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n")
