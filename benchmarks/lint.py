"""Lint: a pack of 200 triggers in three languages, by the command itself, its start included."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.measuring import Row, seconds, sized

TRIGGERS, ROUNDS = sized(200), sized(3)
KZ = Path(__file__).parents[1] / "templates" / "kz"


def measure() -> tuple[list[Row], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "big"
        _write(pack)
        before = _processor()
        whole = median(seconds(lambda: _run("lint", str(pack))) for _ in range(ROUNDS))
        processor = (_processor() - before) / ROUNDS
        start = median(seconds(lambda: _run("lint", "--help")) for _ in range(ROUNDS))
    return [Row("lint, 200 triggers", whole, "s", 2, most=True)], {
        "ms to start": start * 1000,
        "ms of processor": processor * 1000,
    }


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "app", *arguments], capture_output=True, check=True)  # noqa: S603  (ourselves)


def _write(pack: Path) -> None:
    """The triggers of `kz` again and again, each with words of its own."""
    (pack / "events").mkdir(parents=True)
    for path in (*KZ.glob("*.yaml"), *KZ.glob("events/*.yaml")):
        (pack / path.relative_to(KZ)).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    declared = pack / "pack.yaml"
    text = declared.read_text(encoding="utf-8")
    declared.write_text(text.replace("\npack: kz\n", "\npack: kz\nsms_parts: 9\n"), encoding="utf-8")
    shipped = sorted(path.parent for path in KZ.glob("*/trigger.yaml"))
    for number in range(TRIGGERS):
        trigger = shipped[number % len(shipped)]
        folder = pack / f"{trigger.name}_{number}"
        folder.mkdir()
        for path in trigger.iterdir():
            (folder / path.name).write_text(_own(path, number), encoding="utf-8")


def _own(path: Path, number: int) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".md":
        return text
    lines = (
        line[:-1] + f' {number}"' if line.endswith('"') and not line.strip().startswith("title:") else line
        for line in text.split("\n")
    )
    return "\n".join(lines) + f"\n{number}\n"
