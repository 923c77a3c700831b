"""make bench: every benchmark, one table; `python -m benchmarks append plan` runs some."""

import sys
import traceback
from collections.abc import Callable

from app.tuning import calm_collector
from benchmarks import (
    append,
    area,
    area_shared,
    asking,
    audit,
    backtest,
    cluster,
    copying,
    country,
    dispatch,
    dispatch_shared,
    due,
    email,
    embedded,
    far,
    latency,
    lint,
    pages,
    plan,
    postgres,
    push,
    rebuild,
    relay,
    republish,
    scan,
    sms,
    worker,
)
from benchmarks.measuring import Row, save

BENCHMARKS: dict[str, Callable[[], tuple[list[Row], dict[str, float]]]] = {
    "append": append.measure,
    "scan": scan.measure,
    "audit": audit.measure,
    "plan": plan.measure,
    "embedded": embedded.measure,
    "area": area.measure,
    "area_shared": area_shared.measure,
    "asking": asking.measure,
    "backtest": backtest.measure,
    "cluster": cluster.measure,
    "copying": copying.measure,
    "lint": lint.measure,
    "relay": relay.measure,
    "rebuild": rebuild.measure,
    "republish": republish.measure,
    "worker": worker.measure,
    "postgres": postgres.measure,
    "due": due.measure,
    "email": email.measure,
    "sms": sms.measure,
    "dispatch": dispatch.measure,
    "dispatch_shared": dispatch_shared.measure,
    "far": far.measure,
    "push": push.measure,
    "latency": latency.measure,
    "country": country.measure,
    "pages": pages.measure,
}


def main(names: list[str]) -> int:
    calm_collector()
    if len(names) > 1 and names[0] == "country":
        return _told(country.main(names[1:])[0], [])
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
    rows, notes = BENCHMARKS[name]()
    save(name, rows, notes)
    print("  ".join(f"{what}: {value:,.0f}" for what, value in notes.items()), flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
