"""The table of commands and their modules. A module is imported only when its command is used.

(As click's documentation has it, "Lazily Loading Subcommands".)
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import typer
from typer.main import get_command, get_group

from app.cli.help_format import Command, Group
from app.cli.options import with_option_groups
from app.tuning import INTERRUPTED

_Group: TypeAlias = tuple[str, Mapping[str, str]]
"""Commands under one name: their help, and name → module and function."""
PANELS: Mapping[str, Mapping[str, str | _Group]] = {
    "Try it out": {"demo": "demo.demo", "simulate": "simulate.simulate_command"},
    "For service owners: write and test triggers": {
        "new": "new.new",
        "lint": "packs.lint",
        "test": "packs.try_packs",
        "preview": "preview.preview",
        "diff": "diff.diff",
        "backtest": "backtest.backtest",
        "test-send": "trials.trial",
    },
    "For service owners: publish and watch triggers": {
        "submit": "govern.submit",
        "submissions": "govern.submissions",
        "approve": "govern.approve",
        "publish": "govern.publish",
        "pause": "stops.pause",
        "resume": "stops.resume",
        "withdraw": "stops.withdraw",
        "backfill": "backfill.backfill",
        "rules": "rules.rules",
        "forecast": "forecast.forecast",
        "intents": "intents.intents",
    },
    "For questions about a person or a nudge": {
        "why": "people.why",
        "trail": "people.trail",
        "evidence": "evidence.evidence_command",
        "eligible": "eligible.eligible",
        "erase": "erase.erase",
        "mcp": "mcp.mcp",
    },
    "For operators: watch, stop and repair": {
        "status": "status.status",
        "schedule": "schedule.schedule",
        "control": "stops.control",
        "unknown": "unknown.unknown",
        "dead-letters": (
            "List, retry or drop what could not be handled.",
            {
                "list": "dead_letters.list_letters",
                "show": "dead_letters.show",
                "retry": "dead_letters.retry",
                "drop": "dead_letters.drop",
            },
        ),
        "jobs": (
            "Work at long jobs, as one of any number of processes; or list, confirm, pause, resume or cancel them.",
            {
                "list": "jobs.list_jobs",
                "show": "jobs.show",
                "confirm": "jobs.confirm",
                "pause": "jobs.pause",
                "resume": "jobs.resume",
                "cancel": "jobs.cancel",
            },
        ),
        "repair": "repair.repair",
        "replay": (
            "Rebuild views, resend events to Kafka, or verify that everything matches the log.",
            {"views": "replay.views", "kafka": "replay.kafka"},
        ),
        "audit": (
            "Verify the log, and list accesses to personal data.",
            {"verify": "audit.verify", "heads": "audit.heads", "key": "audit.key", "list": "readings.list_readings"},
        ),
        "retire": "retire.retire",
        "restored": "restored.restored",
    },
    "For the platform: run the processes": {
        "run": "run.run",
        "api": "serve.api",
        "relay": "roles.relay",
        "worker": "roles.worker",
        "dispatch": "dispatch.dispatch",
        "ingest": "ingest.ingest",
        "bounce": "bounces.bounce",
        "bounces": "bounces.bounces",
    },
    "For the platform: set it up": {
        "migrate": "migrate.migrate",
        "config": ("Show the settings.", {"show": "config.show"}),
        "keys": (
            "Show or rotate the master key that wraps the keys of persons.",
            {"show": "keys.show", "rotate": "keys.rotate"},
        ),
        "principals": (
            "Manage the people and systems that may act, each for an agency.",
            {"add": "principals.add", "show": "principals.show", "remove": "principals.remove"},
        ),
    },
}
"""The panels of `habarshy --help`, in order → name → module in `app.cli.commands` and function in it, or a group."""
_EVERY = {name: where for panel in PANELS.values() for name, where in panel.items()}
COMMANDS = {name: where for name, where in _EVERY.items() if isinstance(where, str)}
GROUPS = {name: where for name, where in _EVERY.items() if not isinstance(where, str)}
DESTRUCTIVE = frozenset({"erase", "retire", "withdraw", "restored"})
"""What they do cannot be taken back, so none of them is suggested in place of a mistyped name."""
ALONE: Mapping[str, str] = {"replay": "replay.replay", "jobs": "roles.jobs"}
"""Groups that are a command themselves → its module and function."""
ROLES = frozenset({"jobs"})
"""The groups in ALONE that do something without any option."""
_PANEL_OF: Mapping[str, str] = {name: panel for panel, names in PANELS.items() for name in names}


class Commands(Mapping[str, Any]):
    """All commands by name, as Typer's click has them, in the order of the panels."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  (Typer's own click)
        return _listed(name)

    def __iter__(self) -> Iterator[str]:
        yield from _PANEL_OF

    def __len__(self) -> int:
        return len(_PANEL_OF)


@cache
def _listed(name: str) -> Any:  # noqa: ANN401  (the same)
    """Return a stand-in for the command, for lists that need only its name, help and panel."""
    panel = _PANEL_OF[name]
    about = GROUPS[name][0] if name in GROUPS else _about(COMMANDS[name])
    made = typer.Typer(add_completion=False)
    made.command(name, help=about, rich_help_panel=panel)(_nothing)
    return get_command(made)


def _about(where: str) -> str:
    """Return the first paragraph of the function's docstring; a list imports no module for it."""
    module, function = where.split(".")
    tree = ast.parse((Path(__file__).parent / "commands" / f"{module}.py").read_text("utf-8"))
    [found] = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == function]
    return " ".join((ast.get_docstring(found) or "").partition("\n\n")[0].split())


def _nothing() -> None:
    """The function of a stand-in; it is never called."""


@cache
def import_command(name: str) -> Any:  # noqa: ANN401  (the same)
    """Return the command itself, or the group with its commands."""
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
        cls=Group,
        no_args_is_help=name not in ROLES,
        help=about,
        callback=alone,
        invoke_without_command=alone is not None,
    )
    for inner, where in commands.items():
        made.command(inner, cls=Command)(_imported(where))
    return made


def _imported(where: str) -> Callable[..., None]:
    """Return the function. An interrupt during its import ends silently, for nothing was begun."""
    module, function = where.split(".")
    try:
        found: Callable[..., None] = getattr(import_module(f"app.cli.commands.{module}"), function)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    return with_option_groups(found)
