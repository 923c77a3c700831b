"""Whatever strangers send, the readers of it say what is wrong or take it, in time: nothing else ever comes out."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import IO, Protocol

import pytest

from tests.fuzz.fuzzing import TARGETS, target_of

ROOT = Path(__file__).parents[2]
_DONE = re.compile(r"Done (\d+) runs")


class Campaigns(Protocol):
    """Tries so many inputs at a target of that module, in a folder; gives the exit code."""

    def __call__(self, module: str, name: str, inputs: int, folder: Path) -> int: ...


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaigns]:
    """A process for each module of targets, which has read it and forks another for each campaign."""
    with ExitStack() as ending:

        @cache
        def server(module: str) -> "subprocess.Popen[str]":
            made = subprocess.Popen(  # noqa: S603  (ourselves)
                [sys.executable, "-m", "tests.fuzz.fuzzing", module],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "PYTHONHASHSEED": "0"},  # the same inputs each time
            )
            return ending.enter_context(made)

        def run(module: str, name: str, inputs: int, folder: Path) -> int:
            to, answers = _pipes(server(module))
            to.write(f"{name} {inputs} {folder}\n")
            to.flush()
            return int(answers.readline())

        yield run


def _pipes(process: "subprocess.Popen[str]") -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


@pytest.mark.parametrize("name", TARGETS)
def test_any_input_is_read_or_refused(
    tmp_path: Path, request: pytest.FixtureRequest, campaign: Campaigns, name: str
) -> None:
    """So many inputs (--fuzz-inputs): only documented refusals come out, none takes long, and promises hold."""
    inputs = max(20, int(request.config.getoption("--fuzz-inputs")) // target_of(name).slow)
    code = campaign(TARGETS[name], name, inputs, tmp_path)
    said = (tmp_path / "said").read_text(errors="replace")
    broken = [f"{path.name}: {base64.b64encode(path.read_bytes()).decode()}" for path in tmp_path.glob("broken-*")]
    assert (code, broken) == (0, []), said[-4000:]
    [done] = _DONE.findall(said)
    assert int(done) >= inputs
