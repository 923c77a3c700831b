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

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": (
        "demo.demo",
        "Show a year in a minute: open the printed address. Needs no configuration, and sends nothing.",
    ),
    "ingest": (
        "ingest.ingest",
        "Store life events from files. What is refused is named by line and field; the rest goes in.",
    ),
    "run": (
        "run.run",
        "Plan and send, for as long as it runs (or until nothing waits); with --json, end with how it stands.",
    ),
    "relay": ("relay.relay", "Relay the log to Kafka. One is active; others wait, and one of them takes over."),
    "worker": ("worker.worker", "Work on what comes through Kafka; as many as needed share the work."),
    "api": ("serve.api", "Serve the HTTP API and the pages; `habarshy principals add` makes the keys of registries."),
    "dispatch": (
        "dispatch.dispatch",
        "Send what is due, until it is stopped; others may do the same beside it. It plans nothing: `worker` does.",
    ),
    "intents": (
        "intents.intents",
        "Print every planned nudge, whatever became of it, sorted by id; an agency's people see their agency's.",
    ),
    "trail": ("people.trail", "Print every fact that concerns a person, in the order of the log."),
    "why": (
        "people.why",
        "Explain a nudge: the facts, the rule, its version, the data used, the words, the legal basis.",
    ),
    "evidence": (
        "evidence.evidence_command",
        "Write the facts behind a nudge with their proofs into a file that anybody can check offline.",
    ),
    "eligible": (
        "eligible.eligible",
        "Say for each benefit whether the person is entitled to it, how much it is, or why not.",
    ),
    "erase": (
        "erase.erase",
        "Destroy a person's key, end their nudges, and print a certificate; it cannot be undone.",
    ),
    "repair": (
        "repair.repair",
        "Find what should have been planned and was not, and plan it once; or try anew what an outage failed.",
    ),
    "unknown": (
        "unknown.unknown",
        "List messages whose outcome is unknown, or decide: ask about them, settle, send again, or close them.",
    ),
    "restored": (
        "restored.restored",
        "Say that the database came back from a backup; what may have been sent since is not sent again.",
    ),
    "retire": (
        "retire.retire",
        "Destroy the keys of content that is older than its event type may be read for; it cannot be undone.",
    ),
    "backfill": (
        "backfill.backfill",
        "Have a published trigger look further back, and plan what it should have said by then, once.",
    ),
    "forecast": (
        "forecast.forecast",
        "Say how many messages go when, by channel and agency, after quiet hours and caps, and what they cost.",
    ),
    "mcp": (
        "mcp.mcp",
        "Answer an assistant (MCP) about the person whose token is in HABARSHY_TOKEN; it can change nothing.",
    ),
    "simulate": (
        "simulate.simulate_command",
        "Write the life events of an invented population, as NDJSON of CloudEvents.",
    ),
    "status": ("status.status", "Print what is stopped, what is stored, what waits, and what became of the nudges."),
    "migrate": (
        "migrate.migrate",
        "Bring the database's tables to this version; SQLite's are brought there by every start.",
    ),
    "lint": ("packs.lint", "Say what is wrong with packs, by file, line and column."),
    "test": (
        "packs.try_packs",
        "Try the words out, then play the tests on a virtual clock; a message that no test expects fails it.",
    ),
    "new": (
        "new.new",
        "Make a trigger (or, with --pack, a pack) that passes lint and test, to be changed from there.",
    ),
    "diff": (
        "diff.diff",
        "Say what changes for citizens between two versions; with one folder, since what is published.",
    ),
    "preview": (
        "preview.preview",
        "Show what a trigger would say to invented people; needs no database and sends nothing.",
    ),
    "backtest": (
        "backtest.backtest",
        "Say what a trigger or a pack would have sent in a part of the past. Sends nothing.",
    ),
    "submit": ("govern.submit", "Put triggers and packs up for approval, once lint and their tests have passed."),
    "submissions": (
        "govern.submissions",
        "Print what waits for approval or publication; with names, what each would change.",
    ),
    "approve": ("govern.approve", "Show what waits, ask, and approve or refuse it as another person of the agency."),
    "publish": ("govern.publish", "Publish what was approved: for a share of all persons first, or for everybody."),
    "withdraw": ("govern.withdraw", "Plan and send nothing of a trigger any more; what it planned is withheld."),
    "pause": ("stops.pause", "Send nothing of a trigger until it is resumed; it goes on planning."),
    "resume": ("stops.resume", "Send again, what waited included."),
    "control": ("stops.control", "Set or clear a kill switch, as an operator."),
    "rules": (
        "rules.rules",
        "Print every published version of your agency's triggers: hash, share, reach, owner, state.",
    ),
    "test-send": ("trials.trial", "Send what a trigger says to a colleague's registered contact, marked as a test."),
    "bounce": (
        "bounces.bounce",
        "Take in one mail from standard input, as a mail server pipes it; 75 asks the server to try again.",
    ),
    "bounces": (
        "bounces.bounces",
        "Take in the new mails of a Maildir, and mark them read once what they tell is stored.",
    ),
}
"""Name → the module in `app.cli.commands` and the function in it, and what that says it does: a list imports none."""
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
        "Rebuild views, resend events to Kafka, or verify that everything matches.",
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
        return _listed(name)

    def __iter__(self) -> Iterator[str]:
        yield from (*COMMANDS, *GROUPS)

    def __len__(self) -> int:
        return len(COMMANDS) + len(GROUPS)


@cache
def _listed(name: str) -> Any:  # noqa: ANN401  (the same)
    """In its place where only its name and its use are asked for."""
    about = GROUPS[name][0] if name in GROUPS else COMMANDS[name][1]
    made = typer.Typer(add_completion=False)
    made.command(name, help=about)(_nothing)
    return get_command(made)


def _nothing() -> None:
    """Not imported yet."""


@cache
def imported(name: str) -> Any:  # noqa: ANN401  (the same)
    """The command itself, or the group with those in it."""
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
        cls=Group, no_args_is_help=True, help=about, callback=alone, invoke_without_command=alone is not None
    )
    for inner, where in commands.items():
        made.command(inner, cls=Command)(_imported(where))
    return made


def _imported(where: str) -> Callable[..., None]:
    """The function; who interrupts its import hears nothing, for nothing was begun."""
    module, function = where.split(".")
    try:
        found: Callable[..., None] = getattr(import_module(f"app.cli.commands.{module}"), function)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    return found
