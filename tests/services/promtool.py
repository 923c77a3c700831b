"""promtool, Prometheus' own tool: checks its files, and plays alert rules over series of samples."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

_PROMTOOL = Path(__file__).parents[2] / ".services/prometheus/promtool"


def run(*arguments: str | Path) -> str:
    """Run promtool and return what it says.

    Raises:
        AssertionError: it found something wrong.
    """
    done = subprocess.run([_PROMTOOL, *arguments], capture_output=True, text=True, check=False)  # noqa: S603  (our own files)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


Fires = Mapping[str, Mapping[str, str]]
"""An alert that fires: its `exp_labels` and `exp_annotations`, as promtool names them."""


def play(
    folder: Path,
    rules: Sequence[Path],
    samples: Mapping[str, Sequence[float]],
    expected: Mapping[str, Sequence[Fires]],
) -> None:
    """Play the rules over a sample a minute, and require at the end that exactly these fire.

    `samples`: series -> its values; `expected`: alert -> what of it fires.

    Raises:
        AssertionError: something else fires.
    """
    minutes = max(len(values) for values in samples.values())
    case = {
        "rule_files": [str(each) for each in rules],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": " ".join(map(str, values))} for name, values in samples.items()
                ],
                "alert_rule_test": [
                    {"eval_time": f"{minutes - 1}m", "alertname": name, "exp_alerts": [dict(one) for one in found]}
                    for name, found in expected.items()
                ],
            }
        ],
    }
    (folder / "played.yaml").write_text(yaml.safe_dump(case))
    run("test", "rules", folder / "played.yaml")
