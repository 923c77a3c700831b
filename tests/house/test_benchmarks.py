"""The benchmarks: each still runs, with a hundredth of what it measures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONG = {"far", "latency", "relay", "republish", "worker"}
"""Those that take long however little they measure: they wait for a far provider, or start Kafka and all roles."""
MET, NOT_MET = 0, 1
"""What it ends with; so small, a benchmark says nothing of its target."""
MEASURING = {each.stem for each in (ROOT / "benchmarks").glob("*.py") if "def measure(" in each.read_text()}


@pytest.mark.parametrize("name", sorted(MEASURING - LONG))
def test_a_benchmark_runs_to_its_end(name: str) -> None:
    """What nobody runs every day still works when figures are wanted."""
    command = [sys.executable, "-m", "benchmarks", name]
    shared = os.environ | {"BENCH_SHARE": "0.01"}
    ran = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=shared, timeout=600)  # noqa: S603  (ourselves)
    assert ran.returncode in (MET, NOT_MET), ran.stderr
    assert "FAILED" not in ran.stdout, ran.stderr
