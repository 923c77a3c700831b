"""Which commands there are, and where each is: it is imported when it is asked for, and not with all others.

(As click's documentation has it, "Lazily Loading Subcommands".)
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.main import get_group

from app.helping import Command, Group

COMMANDS: Mapping[str, str] = {
    "demo": "demo.demo",
    "ingest": "ingest.ingest",
    "run": "run.run",
    "relay": "relay.relay",
    "worker": "worker.worker",
    "api": "serve.api",
    "dispatch": "dispatch.dispatch",
    "intents": "intents.intents",
    "trail": "people.trail",
    "why": "people.why",
    "evidence": "evidence.evidence_command",
    "eligible": "eligible.eligible",
    "erase": "erase.erase",
    "repair": "repair.repair",
    "restored": "restored.restored",
    "retire": "retire.retire",
    "backfill": "backfill.backfill",
    "forecast": "forecast.forecast",
    "mcp": "mcp.mcp",
    "simulate": "simulate.simulate_command",
    "status": "status.status",
    "migrate": "migrate.migrate",
    "lint": "packs.lint",
    "test": "packs.try_packs",
    "new": "new.new",
    "diff": "diff.diff",
    "preview": "preview.preview",
    "backtest": "backtest.backtest",
    "submit": "govern.submit",
    "submissions": "govern.submissions",
    "approve": "govern.approve",
    "publish": "govern.publish",
    "withdraw": "govern.withdraw",
    "pause": "stops.pause",
    "resume": "stops.resume",
    "control": "stops.control",
    "rules": "rules.rules",
    "test-send": "trials.trial",
    "bounce": "bounces.bounce",
    "bounces": "bounces.bounces",
}
"""Name → the module in `app.commands`, and the function in it."""
GROUPS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "config": ("Look at the settings.", {"show": "config.show"}),
    "keys": ("The master key that wraps the keys of persons.", {"show": "keys.show", "rotate": "keys.rotate"}),
    "audit": (
        "Whether the log is as it was written, and who read people's data.",
        {"verify": "audit.verify", "heads": "audit.heads", "key": "audit.key", "list": "readings.list_readings"},
    ),
    "principals": (
        "Who may act, and for which agency.",
        {"add": "principals.add", "show": "principals.show", "remove": "principals.remove"},
    ),
    "dead-letters": (
        "What could not be handled.",
        {
            "list": "dead_letters.list_letters",
            "show": "dead_letters.show",
            "retry": "dead_letters.retry",
            "drop": "dead_letters.drop",
        },
    ),
    "replay": (
        "History again: views anew, a range to Kafka, the proof that all agrees.",
        {"views": "replay.views", "kafka": "replay.kafka"},
    ),
    "jobs": (
        "Long work over history.",
        {
            "list": "jobs.list_jobs",
            "show": "jobs.show",
            "confirm": "jobs.confirm",
            "pause": "jobs.pause",
            "resume": "jobs.resume",
            "cancel": "jobs.cancel",
        },
    ),
}
"""Commands that have commands of their own."""
ALONE: Mapping[str, str] = {"replay": "replay.replay"}
"""What those do that mean something without one."""


class Commands(Mapping[str, Any]):
    """All of them by name, as Typer's click has them."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  (Typer's own click)
        if name not in COMMANDS and name not in GROUPS:
            raise KeyError(name)
        return _made(name)

    def __iter__(self) -> Iterator[str]:
        yield from (*COMMANDS, *GROUPS)

    def __len__(self) -> int:
        return len(COMMANDS) + len(GROUPS)


@cache
def _made(name: str) -> Any:  # noqa: ANN401  (the same)
    made = typer.Typer()
    if name in COMMANDS:
        made.command(name, cls=Command)(_imported(COMMANDS[name]))
    else:
        made.add_typer(_group(name), name=name)
    return get_group(made).commands[name]


def _group(name: str) -> typer.Typer:
    about, commands = GROUPS[name]
    alone = _imported(ALONE[name]) if name in ALONE else None
    made = typer.Typer(
        cls=Group, no_args_is_help=True, help=about, callback=alone, invoke_without_command=alone is not None
    )
    for inner, where in commands.items():
        made.command(inner, cls=Command)(_imported(where))
    return made


def _imported(where: str) -> Callable[..., None]:
    module, function = where.split(".")
    found: Callable[..., None] = getattr(import_module(f"app.commands.{module}"), function)
    return found
