"""make bench: every benchmark, one table; `python -m benchmarks append plan` runs some."""

import gc
import sys
import traceback
from importlib import import_module

from app.tuning import calm_collector
from benchmarks.measuring import Row, save

BENCHMARKS = (
    *("append", "scan", "audit", "plan", "embedded", "area", "area_shared", "asking", "backtest", "cluster"),
    *("copying", "lint", "relay", "rebuild", "republish", "worker", "postgres", "due", "email", "sms", "dispatch"),
    *("dispatch_shared", "far", "push", "latency", "country", "pages"),
)
"""The modules with a benchmark, in the order in which they run."""


def main(names: list[str]) -> int:
    calm_collector()
    if len(names) > 1 and names[0] == "country":
        return _told(import_module("benchmarks.country").main(names[1:])[0], [])
    print(f"Python {sys.version}")  # one built without profile-guided optimisation makes a fifth less of everything
    table: list[Row] = []
    failed: list[str] = []
    for name in names or BENCHMARKS:
        print(f"… {name}", flush=True)
        try:
            table += _measured(name)
        except Exception:  # noqa: BLE001  (the others are measured all the same)
            traceback.print_exc()
            failed.append(name)
    return _told(table, failed)


def _told(table: list[Row], failed: list[str]) -> int:
    for row in table:
        sign = "≤" if row.most else "≥"
        verdict = "ok " if row.met else "NOT"
        print(f"{verdict}  {row.name:<55} {row.value:>12,.2f} {row.unit:<12} ({sign} {row.target:,})")
    for name in failed:
        print(f"FAILED  {name}")
    return 0 if not failed and all(row.met for row in table) else 1


def _measured(name: str) -> list[Row]:
    rows: list[Row]
    rows, notes = import_module(f"benchmarks.{name}").measure()
    gc.unfreeze()  # what this one had is no burden of the next one
    save(name, rows, notes)
    print("  ".join(f"{what}: {value:,.0f}" for what, value in notes.items()), flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
