"""The command line."""

import sys
from collections.abc import Callable

import typer

from app.commands import (
    audit,
    backfill,
    backtest,
    bounces,
    config,
    dead_letters,
    demo,
    diff,
    dispatch,
    eligible,
    erase,
    evidence,
    forecast,
    govern,
    ingest,
    intents,
    jobs,
    keys,
    mcp,
    migrate,
    new,
    packs,
    people,
    preview,
    principals,
    readings,
    relay,
    repair,
    replay,
    restored,
    retire,
    rules,
    run,
    serve,
    simulate,
    status,
    stops,
    trials,
    worker,
)
from app.helping import Command, Group
from app.job_kinds import UnknownKind
from app.keyfile import BadKeyFile
from app.principals import BadPrincipals
from app.replaying import UnknownView
from app.runlock import AlreadyRunning
from app.settings import BadSettings
from app.terminal import Exit, open_standard, talk, writing
from app.tuning import calm_collector
from domain.principals import NotAllowed
from streams.at_work import StillAtWork
from streams.backfilling import NotInForce
from streams.damaged import DamagedFact
from streams.database import DatabaseUnavailable
from streams.drafting import DoesNotFit
from streams.erasing import NobodyKnown
from streams.governing import NotSubmitted, TwoVersions
from streams.jobs import Busy, NothingToDo, NotNow, Stale, UnknownJob
from streams.kafka_failures import (
    KafkaRefused,
    KafkaUnavailable,
    KeptOtherwise,
    NotGranted,
    TopicRefused,
    WrongPartitions,
)
from streams.keyring import WrongKeyFile
from streams.library import NothingPublished
from streams.migrating import WrongSchema
from streams.not_here import NoPrivilege, ReadOnly
from streams.one_active import NeedsPostgres
from streams.outages import STORE_AWAY, told
from streams.ownership import OtherPack
from streams.presence import NoDatabase
from streams.publishing import BreaksVersions
from streams.releasing import NotPublished
from streams.republish import BadRange, BadTopic
from streams.shadow import NoQuietMoment
from streams.switches import UnknownName
from streams.watermark import OlderLog
from templates.catalogue import NoDefaults
from templates.loader import BrokenPack

FAILURES: dict[type[Exception], Exit] = {
    BadSettings: Exit.USAGE,
    BadKeyFile: Exit.USAGE,
    WrongKeyFile: Exit.USAGE,
    BrokenPack: Exit.CHECK_FAILED,
    BreaksVersions: Exit.CHECK_FAILED,
    DoesNotFit: Exit.CHECK_FAILED,
    NoDefaults: Exit.CHECK_FAILED,
    DatabaseUnavailable: Exit.UNAVAILABLE,
    NoPrivilege: Exit.UNAVAILABLE,
    ReadOnly: Exit.UNAVAILABLE,
    NoDatabase: Exit.UNAVAILABLE,
    WrongSchema: Exit.UNAVAILABLE,
    StillAtWork: Exit.UNAVAILABLE,
    DamagedFact: Exit.UNAVAILABLE,
    NothingPublished: Exit.UNAVAILABLE,
    AlreadyRunning: Exit.UNAVAILABLE,
    OlderLog: Exit.UNAVAILABLE,
    NeedsPostgres: Exit.USAGE,
    KafkaRefused: Exit.UNAVAILABLE,
    KafkaUnavailable: Exit.UNAVAILABLE,
    WrongPartitions: Exit.UNAVAILABLE,
    TopicRefused: Exit.UNAVAILABLE,
    NotGranted: Exit.UNAVAILABLE,
    KeptOtherwise: Exit.UNAVAILABLE,
    NotAllowed: Exit.NOT_ALLOWED,
    BadPrincipals: Exit.USAGE,
    NobodyKnown: Exit.CHECK_FAILED,
    NotSubmitted: Exit.CHECK_FAILED,
    NotPublished: Exit.CHECK_FAILED,
    TwoVersions: Exit.USAGE,
    OtherPack: Exit.CHECK_FAILED,
    UnknownName: Exit.CHECK_FAILED,
    Busy: Exit.UNAVAILABLE,
    UnknownView: Exit.USAGE,
    BadRange: Exit.USAGE,
    BadTopic: Exit.USAGE,
    NoQuietMoment: Exit.UNAVAILABLE,
    NotNow: Exit.CHECK_FAILED,
    Stale: Exit.CHECK_FAILED,
    UnknownJob: Exit.CHECK_FAILED,
    UnknownKind: Exit.UNAVAILABLE,
    NothingToDo: Exit.OK,
    NotInForce: Exit.CHECK_FAILED,
}
"""What went wrong → how the command ends. Everything else is a defect and shows its traceback."""

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo.demo,
    "ingest": ingest.ingest,
    "run": run.run,
    "relay": relay.relay,
    "worker": worker.worker,
    "api": serve.api,
    "dispatch": dispatch.dispatch,
    "intents": intents.intents,
    "trail": people.trail,
    "why": people.why,
    "evidence": evidence.evidence_command,
    "eligible": eligible.eligible,
    "erase": erase.erase,
    "repair": repair.repair,
    "restored": restored.restored,
    "retire": retire.retire,
    "backfill": backfill.backfill,
    "forecast": forecast.forecast,
    "mcp": mcp.mcp,
    "simulate": simulate.simulate_command,
    "status": status.status,
    "migrate": migrate.migrate,
    "lint": packs.lint,
    "test": packs.try_packs,
    "new": new.new,
    "diff": diff.diff,
    "preview": preview.preview,
    "backtest": backtest.backtest,
    "submit": govern.submit,
    "submissions": govern.submissions,
    "approve": govern.approve,
    "publish": govern.publish,
    "withdraw": govern.withdraw,
    "pause": stops.pause,
    "resume": stops.resume,
    "control": stops.control,
    "rules": rules.rules,
    "test-send": trials.trial,
    "bounce": bounces.bounce,
    "bounces": bounces.bounces,
}
GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "config": ("Look at the settings.", {"show": config.show}),
    "keys": ("The master key that wraps the keys of persons.", {"show": keys.show, "rotate": keys.rotate}),
    "audit": (
        "Whether the log is as it was written, and who read people's data.",
        {"verify": audit.verify, "heads": audit.heads, "key": audit.key, "list": readings.list_readings},
    ),
    "principals": (
        "Who may act, and for which agency.",
        {"add": principals.add, "show": principals.show, "remove": principals.remove},
    ),
    "dead-letters": (
        "What could not be handled.",
        {
            "list": dead_letters.list_letters,
            "show": dead_letters.show,
            "retry": dead_letters.retry,
            "drop": dead_letters.drop,
        },
    ),
    "replay": (
        "History again: views anew, a range to Kafka, the proof that all agrees.",
        {"views": replay.views, "kafka": replay.kafka},
    ),
    "jobs": (
        "Long work over history.",
        {
            "list": jobs.list_jobs,
            "show": jobs.show,
            "confirm": jobs.confirm,
            "pause": jobs.pause,
            "resume": jobs.resume,
            "cancel": jobs.cancel,
        },
    ),
}
"""Commands that have commands of their own."""
ALONE: dict[str, Callable[..., None]] = {"replay": replay.replay}
"""What those do that mean something without one."""


def application() -> typer.Typer:
    """The command line as an object: all commands, registered by name."""
    app = typer.Typer(
        cls=Group,
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # they would print local variables, and with them people's data
        help="Tells citizens, at the right moment of their life, what the state can do for them.",
    )
    for name, command in COMMANDS.items():
        app.command(name, cls=Command)(command)
    for name, (about, commands) in GROUPS.items():
        group = typer.Typer(
            cls=Group,
            no_args_is_help=True,
            help=about,
            callback=ALONE.get(name),
            invoke_without_command=name in ALONE,
        )
        for command_name, command in commands.items():
            group.command(command_name, cls=Command)(command)
        app.add_typer(group, name=name)
    return app


def main() -> None:
    """Run a command; known failures end with their words and their exit code."""
    calm_collector()
    open_standard()
    try:
        application()()
    except tuple(FAILURES) as failure:
        talk(str(failure))
        sys.exit(int(FAILURES[type(failure)]))
    except STORE_AWAY as failure:
        talk(f"the database: {told(failure)}")
        sys.exit(int(Exit.UNAVAILABLE))
    finally:
        with writing():
            sys.stdout.flush()
