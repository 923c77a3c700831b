"""Whatever strangers send, the readers of it say what is wrong or take it, in time: nothing else ever comes out."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.fuzzing import TARGETS, target_of

ROOT = Path(__file__).parents[2]
_DONE = re.compile(r"Done (\d+) runs")


@pytest.mark.parametrize("name", TARGETS)
def test_any_input_is_read_or_refused(tmp_path: Path, request: pytest.FixtureRequest, name: str) -> None:
    """So many inputs (--fuzz-inputs): only documented refusals come out, none takes long, and promises hold."""
    inputs = max(20, int(request.config.getoption("--fuzz-inputs")) // target_of(name).slow)
    ended = subprocess.run(  # noqa: S603  (ourselves)
        [sys.executable, "-m", "tests.fuzz.fuzzing", name, str(inputs), str(tmp_path)],
        cwd=ROOT,
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": "0"},  # the same inputs each time
    )
    said = ended.stderr.decode(errors="replace")
    broken = [f"{path.name}: {base64.b64encode(path.read_bytes()).decode()}" for path in tmp_path.glob("broken-*")]
    assert (ended.returncode, broken) == (0, []), said[-4000:]
    [done] = _DONE.findall(said)
    assert int(done) >= inputs
