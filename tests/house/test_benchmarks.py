"""The benchmarks: each still runs, with a hundredth of what it measures."""

import os
from pathlib import Path

import pytest

from tests.services.commands import Command

ROOT = Path(__file__).parents[2]
LONG = {"area_shared", "cluster", "country", "dispatch_shared", "far", "latency", "relay", "republish", "worker"}
"""Those that take long however little they measure: for a far provider, or as they start Kafka, Dask or all roles."""
MET, NOT_MET = 0, 1
"""What it ends with; so small, a benchmark says nothing of its target."""
MEASURING = {each.stem for each in (ROOT / "benchmarks").glob("*.py") if "def measure(" in each.read_text()}


@pytest.fixture(scope="module")
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the wanted benchmarks said, one after the other in one process, which reads the packs once."""
    here = [
        each for each in request.session.items if isinstance(each, pytest.Function) and each.module is request.module
    ]
    names = [str(each.callspec.params["name"]) for each in here]
    log = tmp_path_factory.mktemp("benchmarks") / "log"
    process = Command(names, os.environ | {"BENCH_SHARE": "0.01"}, log, module="benchmarks")
    assert process.wait(600) in (MET, NOT_MET), process.said()
    return process.said()


@pytest.mark.parametrize("name", sorted(MEASURING - LONG))
def test_a_benchmark_runs_to_its_end(name: str, ran: str) -> None:
    """A benchmark that nobody runs every day still works when figures are wanted."""
    assert f"… {name}\n" in ran
    assert f"FAILED  {name}" not in ran, ran
