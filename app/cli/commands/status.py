"""habarshy status: what is stopped, what waits, what providers do, and what became of the nudges."""

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Annotated

import typer
from msgspec import structs
from msgspec.structs import replace

from app.cli.options import AsJson
from app.cli.platform_options import TimedOptions
from app.compose import compose
from app.jobs.job_results import trouble
from app.log_places import zone_shown
from app.moments import local_time
from app.pages.catalogues import DEFAULT_LANGUAGE, Speech
from app.pages.finding_words import finding_in_words
from app.providers import channel_of
from app.reports.condition import Condition, ConditionReader, lag_of_workers
from app.reports.findings import Finding, Level, findings
from app.reports.stopped import stopped_lines
from app.terminal import Exit, counted, in_red, print_json, print_line
from domain.nudges.delivery import State
from streams.queries.health import Health, health_of
from streams.queries.provider_health import ProviderFigures, Record, figures_of
from streams.runtime.processes import LiveProcess

UNITS: Mapping[str, tuple[str, str]] = {
    "held_back": ("delivery now", "deliveries now"),
    "facts": ("fact in the log", "facts in the log"),
    "unplanned": ("fact about a person", "facts about persons"),
    "unplanned_for_seconds": ("second", "seconds"),
    "revisions_waiting": ("revision without its original", "revisions without their original"),
    "due_now": ("delivery", "deliveries"),
    "overdue_for_seconds": ("second", "seconds"),
    "open_attempts": ("attempt", "attempts"),
    "views_behind": ("fact", "facts"),
    "dead_letters": ("letter", "letters"),
    "sample_differences": ("person", "persons"),
    "altered_jobs": ("job", "jobs"),
    "untold": ("answer", "answers"),
    "reconciled": ("person", "persons"),
}
"""The unit of each figure, of one and of several; others are shown bare. `unplanned`: pairs of event and person."""
FIRST = ("facts", "nudges", "next_due")
"""The figures that are told first, also where they are 0. All others that are 0 share the line `none`."""


Check = Annotated[bool, typer.Option("--check", help="Exit 1 if anything is BAD, that is, to be mended now.")]


def status(check: Check = False, as_json: AsJson = False, *, on: TimedOptions) -> None:
    """Show what is stopped, what is stored, what waits, what runs, and the outcomes of the nudges."""
    now = on.clock
    platform = compose(on.settings, now, make=False)
    lag = lag_of_workers(platform)
    condition = ConditionReader(platform, trouble, None if lag is None else lag.partitions).read()
    if lag is not None:
        lag.close()
    found = health_of(platform.database, condition.status, condition.recent)
    idle = {name: Record(channel_of(each)) for name, each in platform.settings.providers.items()}
    found = replace(found, providers={name: figures_of(each) for name, each in idle.items()} | dict(found.providers))
    wrong, zone = findings(condition), zone_shown(platform.rules.library)
    speech = Speech(DEFAULT_LANGUAGE, zone)
    if as_json:
        running = [_process_data(each) for each in condition.processes]
        told_of = {"findings": [_as_data(each, speech) for each in wrong], "processes": running}
        print_json(structs.asdict(found) | told_of)
    else:
        for line in stopped_lines(found.stopped, zone):
            print_line(in_red(line, sys.stdout))
        for each in wrong:
            if each.stop is None:
                print_line(_line(each, speech))
        if not (wrong or found.stopped):
            print_line("OK: everything works")
        for name, told in (*status_lines(found, zone), *_processes(condition, zone)):
            print_line(f"{name}: {told}")
    platform.database.close()
    if check and any(each.level is Level.BAD for each in wrong):
        raise SystemExit(int(Exit.CHECK_FAILED))


def _processes(on: Condition, zone: tzinfo) -> Iterator[tuple[str, str]]:
    """Yield each process that runs, or lately ended without taking leave."""
    for each in on.processes:
        sign = "lives" if each.lives else f"gave no sign of life since {local_time(each.seen_at, zone)}"
        told = [sign, f"started {local_time(each.started_at, zone)}", f"version {each.process.version}"]
        if on.clocks_compared:
            told.append(f"clock {each.ahead.total_seconds():+.1f} s")
        yield f"process {each.process.name}", ", ".join(told)


def _process_data(each: LiveProcess) -> Mapping[str, object]:
    shown = {name: getattr(each.process, name) for name in ("role", "host", "pid", "version")}
    times = {"started_at": each.started_at, "seen_at": each.seen_at, "lives": each.lives}
    return shown | times | {"clock_ahead_seconds": each.ahead.total_seconds()}


def _line(finding: Finding, speech: Speech) -> str:
    words = finding_in_words(finding, speech)
    line = f"{finding.level.name}: {words.sentence} {words.todo} {words.command}"
    return in_red(line, sys.stdout) if finding.level is Level.BAD else line


def _as_data(finding: Finding, speech: Speech) -> Mapping[str, object]:
    words = finding_in_words(finding, speech)
    stop = finding.stop
    return {
        "kind": finding.kind,
        "level": finding.level.name.lower(),
        "sentence": words.sentence,
        "todo": words.todo,
        "command": words.command,
        "since": finding.since,
        "details": words.details,
        "about": finding.about,
        "cause": finding.cause if stop is None else stop.reason,
        "by": "" if stop is None else stop.by,
        "count": finding.count,
        "seconds": finding.seconds,
    }


def status_lines(found: Health, zone: tzinfo) -> Iterator[tuple[str, str]]:
    """Yield each figure by its name, with its unit: what there is, and at the end the names of what is none."""
    figures = {name: getattr(found, name) for name in (*FIRST, *found.__struct_fields__) if name not in _TOLD_APART}
    figures["nudges"] = _by_end(found)
    none = []
    for name, value in figures.items():
        shown = name.removesuffix("_seconds").replace("_", " ")
        if name not in FIRST and not value:
            none.append(shown)
        elif name == "unknown" or name not in UNITS:
            yield shown, _told(value, zone)
        else:
            yield shown, counted(round(value), *UNITS[name])
    for name, each in found.providers.items():
        yield f"provider {name} ({each.channel})", _provider(each, zone)
    if found.open_attempts and not found.unknown:
        yield "unknown", f"none yet; {counted(found.open_attempts, 'attempt')} may still end so"
        none.remove("unknown")
    if none:
        yield "none", ", ".join(none)


_TOLD_APART = frozenset({"stopped", "tried_again", "unknown_tried_again", "providers"})


def _provider(figures: ProviderFigures, zone: tzinfo) -> str:
    """Say what a provider did in the last hour."""
    if not figures.attempted:
        return str(figures.state)
    tried = f"{figures.state}; {counted(figures.attempted, 'attempt')} in the last hour"
    if not figures.failed:
        return f"{tried}, none failed"
    why = ", ".join(f"{count:,} {reason}" for reason, count in sorted(figures.reasons.items()))
    last = f", the last at {local_time(figures.last_failure, zone)}" if figures.last_failure else ""
    return f"{tried}, {figures.failed:,} failed ({figures.share_failed:.0%}){last}: {why}"


def _by_end(found: Health) -> Mapping[str, int]:
    """Return the nudges by state; those that ended as failed or unknown are told from those that are tried again."""
    states = dict(found.nudges)
    failed, unknown = states.pop(State.FAILED, 0), states.pop(State.UNKNOWN, 0)
    again = {
        "failed for good": failed - found.tried_again,
        "failed and tried again by themselves": found.tried_again,
        "unknown": unknown - found.unknown_tried_again,
        "unknown and tried again by themselves": found.unknown_tried_again,
    }
    return states | {what: count for what, count in again.items() if count}


def _told(value: object, zone: tzinfo) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{count:,} {what}" for what, count in sorted(value.items())) or "none"
    if isinstance(value, datetime):
        return local_time(value, zone)
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value or "none")
