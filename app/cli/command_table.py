"""The table of commands and their modules. A module is imported only when its command is used.

(As click's documentation has it, "Lazily Loading Subcommands".)
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.main import get_command, get_group

from app.cli.help_format import Command, Group
from app.tuning import INTERRUPTED

PANELS: Mapping[str, tuple[str, ...]] = {
    "Try it out": ("demo", "simulate"),
    "For service owners: write and test triggers": (
        "new",
        "lint",
        "test",
        "preview",
        "diff",
        "backtest",
        "test-send",
    ),
    "For service owners: publish and watch triggers": (
        "submit",
        "submissions",
        "approve",
        "publish",
        "pause",
        "resume",
        "withdraw",
        "backfill",
        "rules",
        "forecast",
        "intents",
    ),
    "For questions about a person or a nudge": ("why", "trail", "evidence", "eligible", "erase", "mcp"),
    "For operators: watch, stop and repair": (
        "status",
        "schedule",
        "control",
        "unknown",
        "dead-letters",
        "jobs",
        "repair",
        "replay",
        "audit",
        "retire",
        "restored",
    ),
    "For the platform: run the processes": (
        "run",
        "api",
        "relay",
        "worker",
        "dispatch",
        "ingest",
        "bounce",
        "bounces",
    ),
    "For the platform: set it up": ("migrate", "config", "keys", "principals"),
}
"""The panels of `habarshy --help` → their commands and groups, in order."""
COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": (
        "demo.demo",
        "Run a simulated year in a minute and show it in the browser; sends nothing and needs no configuration.",
    ),
    "simulate": (
        "simulate.simulate_command",
        "Write the life events of a simulated population, as NDJSON of CloudEvents.",
    ),
    "new": ("new.new", "Create a trigger (or, with --pack, a pack) that passes lint and test."),
    "lint": ("packs.lint", "Check packs and report errors by file, line and column."),
    "test": (
        "packs.try_packs",
        "Render the words, then run the tests of packs on a virtual clock; an unexpected message fails a test.",
    ),
    "preview": (
        "preview.preview",
        "Show the messages of a trigger for sample people; sends nothing and needs no database.",
    ),
    "diff": ("diff.diff", "Show what changes for citizens between two versions, or since the published one."),
    "backtest": (
        "backtest.backtest",
        "Show what a trigger or a pack would have sent in a past period; sends nothing.",
    ),
    "test-send": ("trials.trial", "Send a trigger's message to a colleague's registered contact, marked as a test."),
    "submit": ("govern.submit", "Submit triggers and packs for approval, if lint and their tests pass."),
    "submissions": (
        "govern.submissions",
        "List what waits for approval or publication; with names, show what each would change.",
    ),
    "approve": ("govern.approve", "Show a colleague's submission, ask, and approve or refuse it."),
    "publish": ("govern.publish", "Publish what was approved, to a share of all persons or to everybody."),
    "pause": ("stops.pause", "Pause sending for a trigger; planning continues."),
    "resume": ("stops.resume", "Resume sending for a trigger, including the messages that waited."),
    "withdraw": ("stops.withdraw", "Withdraw a trigger: plan and send nothing more, and withhold what is planned."),
    "backfill": ("backfill.backfill", "Apply a published trigger to earlier events, and plan their nudges once."),
    "rules": (
        "rules.rules",
        "List the published versions of your agency's triggers: hash, share, reach, owner, state.",
    ),
    "forecast": (
        "forecast.forecast",
        "Forecast messages and their cost by time, channel and agency, with quiet hours and caps.",
    ),
    "intents": (
        "intents.intents",
        "List every planned nudge, sorted by id; people of an agency see only its own.",
    ),
    "why": (
        "people.why",
        "Explain a nudge: the facts, the rule, its version, the data used, the words, the legal basis.",
    ),
    "trail": ("people.trail", "List every fact about a person, in the order of the log."),
    "evidence": (
        "evidence.evidence_command",
        "Export the facts behind a nudge with their proofs, to be checked by anybody offline.",
    ),
    "eligible": ("eligible.eligible", "Check a person's entitlement to each benefit: how much it is, or why not."),
    "erase": (
        "erase.erase",
        "Destroy a person's key, cancel their nudges, and print a certificate; it cannot be undone.",
    ),
    "mcp": ("mcp.mcp", "Serve an assistant (MCP) for the person whose token is in HABARSHY_TOKEN; read-only."),
    "status": (
        "status.status",
        "Show what is stopped, what is stored, what waits, what runs, and the outcomes of the nudges.",
    ),
    "control": ("stops.control", "Set or clear a kill switch."),
    "schedule": (
        "schedule.schedule",
        "Show what runs at which times, and how it last ended (exit 1 if something failed or is late); or run a job.",
    ),
    "unknown": ("unknown.unknown", "List messages whose outcome is unknown, or settle them: ask, resend or close."),
    "repair": (
        "repair.repair",
        "Find nudges that should have been planned, and plan them once; or retry what an outage failed.",
    ),
    "retire": (
        "retire.retire",
        "Destroy the keys of content that is past its retention period; it cannot be undone.",
    ),
    "restored": (
        "restored.restored",
        "Confirm that the database was restored from a backup; what may have been sent since is not resent.",
    ),
    "run": ("run.run", "Plan and send in one process, until it is stopped (or until nothing waits)."),
    "api": ("serve.api", "Serve the HTTP API and the pages; `habarshy principals add` makes the keys of registries."),
    "relay": ("relay.relay", "Relay the log to Kafka; one process is active, others wait to take over."),
    "worker": ("worker.worker", "Plan what arrives through Kafka; any number of workers share the load."),
    "dispatch": (
        "dispatch.dispatch",
        "Send due messages until it is stopped; any number of processes share the load.",
    ),
    "ingest": ("ingest.ingest", "Store life events from files; refused ones are reported by line and field."),
    "bounce": (
        "bounces.bounce",
        "Record one bounced mail from standard input, for a mail server's pipe; exit 75 asks it to try again.",
    ),
    "bounces": ("bounces.bounces", "Record the new bounces in a Maildir, and mark each as read once it is stored."),
    "migrate": (
        "migrate.migrate",
        "Migrate the database's tables to this version; SQLite is migrated at every start.",
    ),
}
"""Name → the module in `app.cli.commands` and the function in it, and its help, so that a list imports neither."""
GROUPS: Mapping[str, tuple[str, Mapping[str, str]]] = {
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
    "replay": (
        "Rebuild views, resend events to Kafka, or verify that everything matches the log.",
        {"views": "replay.views", "kafka": "replay.kafka"},
    ),
    "audit": (
        "Verify the log, and list accesses to personal data.",
        {"verify": "audit.verify", "heads": "audit.heads", "key": "audit.key", "list": "readings.list_readings"},
    ),
    "config": ("Show the settings.", {"show": "config.show"}),
    "keys": (
        "Show or rotate the master key that wraps the keys of persons.",
        {"show": "keys.show", "rotate": "keys.rotate"},
    ),
    "principals": (
        "Manage the people and systems that may act, each for an agency.",
        {"add": "principals.add", "show": "principals.show", "remove": "principals.remove"},
    ),
}
"""Groups of commands under one name: their help, and name → module and function."""
DESTRUCTIVE = frozenset({"erase", "retire", "withdraw", "restored"})
"""What they do cannot be taken back, so none of them is suggested in place of a mistyped name."""
ALONE: Mapping[str, str] = {"replay": "replay.replay", "jobs": "job_role.jobs"}
"""Groups that are a command themselves → its module and function."""
ROLES = frozenset({"jobs"})
"""Of these the ones that need no option."""
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
    about = GROUPS[name][0] if name in GROUPS else COMMANDS[name][1]
    made = typer.Typer(add_completion=False)
    made.command(name, help=about, rich_help_panel=panel)(_nothing)
    return get_command(made)


def _nothing() -> None:
    """The function of a stand-in; it is never called."""


@cache
def imported(name: str) -> Any:  # noqa: ANN401  (the same)
    """Return the command itself, or the group with its commands."""
    made = typer.Typer()
    if name in COMMANDS:
        made.command(name, cls=Command)(_imported(COMMANDS[name][0]))
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
    return found
