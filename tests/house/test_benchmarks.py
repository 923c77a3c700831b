"""The benchmarks: each still runs, with a hundredth of what it measures."""

import os
from pathlib import Path

import pytest

from tests.services.commands import Command

ROOT = Path(__file__).parents[2]
LONG = {"country", "far", "latency", "relay", "republish", "worker"}
"""Those that take long however little they measure: they wait for a far provider, or start Kafka and all roles."""
MET, NOT_MET = 0, 1
"""What it ends with; so small, a benchmark says nothing of its target."""
MEASURING = {each.stem for each in (ROOT / "benchmarks").glob("*.py") if "def measure(" in each.read_text()}


@pytest.mark.parametrize("name", sorted(MEASURING - LONG))
def test_a_benchmark_runs_to_its_end(name: str, tmp_path: Path) -> None:
    """A benchmark that nobody runs every day still works when figures are wanted."""
    ran = Command([name], os.environ | {"BENCH_SHARE": "0.01"}, tmp_path / "log", module="benchmarks")
    assert ran.wait(600) in (MET, NOT_MET), ran.said()
    assert "FAILED" not in ran.said(), ran.said()
