"""habarshy trail and habarshy why: what happened to a person, and why they were told."""

from collections.abc import Iterable
from datetime import tzinfo
from typing import Annotated, Any
from uuid import UUID

import typer

from app.cli.explanation_lines import explanation_lines
from app.cli.logged_reading import Purpose, open_for_reading
from app.cli.options import AsJson, PersonId
from app.cli.persons import pseudonym_of
from app.cli.platform_options import PlatformOptions, TimedOptions
from app.log_places import zone_shown
from app.moments import local_time
from app.reports.plain_data import as_plain, entry_plain
from app.terminal import Exit, print_json, print_json_or_lines, print_line, stop
from domain.core.events import LifeEvent
from projections import trail as view
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.queries.explain import UnknownNudge, explain

NudgeId = Annotated[str, typer.Argument(metavar="NUDGE", help="The id of a nudge.")]


def trail(person: PersonId, purpose: Purpose = None, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """List every fact about a person, in the order of the log."""
    with open_for_reading(on, purpose) as (platform, look):
        pseudonym = pseudonym_of(person, platform.identity.names)
        platform.replay.follower.drain()
        with platform.database.reading() as connection:
            known = view.is_known(connection, pseudonym)
        look.note_reading(platform.rules.context, pseudonym, "trail")
        zone = zone_shown(platform.rules.library)
        for entry in _entries(platform.log, pseudonym) if known else ():
            print_json_or_lines(entry_plain(entry), _line(entry, zone), as_json=as_json)
    if not known:
        stop(Exit.CHECK_FAILED, "nothing is known about this person")


def _entries(log: Log, pseudonym: str) -> Iterable[Entry]:
    after = 0
    while True:
        with log.database.reading() as connection:
            positions = view.positions(connection, pseudonym, after=after)
            entries = log.read(connection, positions)
        if not entries:
            return
        yield from entries
        after = entries[-1].position


def _line(entry: Entry, zone: tzinfo) -> str:
    fact: Any = entry.fact
    if isinstance(fact, LifeEvent):
        mark = "" if fact.revision == 1 else f" (revision {fact.revision}{', annulled' if fact.annuls else ''})"
        return f"{entry.position:>8}  {local_time(fact.time, zone)}  {fact.type}{mark}"
    detail = getattr(fact, "reason", None) or getattr(fact, "step", None) or getattr(fact, "channel", "")
    name = getattr(fact, "trigger", "")
    return f"{entry.position:>8}  {local_time(fact.at, zone)}  {fact.TOPIC}  {name} {detail}  {entry.originator_id}"


def why(nudge: NudgeId, purpose: Purpose = None, as_json: AsJson = False, *, on: TimedOptions) -> None:
    """Explain a nudge: the facts, the rule, its version, the data used, the words, the legal basis."""
    id_, now = nudge_id(nudge), on.clock
    with open_for_reading(on, purpose) as (platform, look):
        rules = platform.rules.library.rules()
        try:
            with platform.database.reading() as connection:
                found = explain(connection, platform.log, rules, id_, now())
        except UnknownNudge as unknown:
            stop(Exit.CHECK_FAILED, str(unknown))
        for person in found.shown:
            look.note_reading(platform.rules.context, person, "why")
    if as_json:
        print_json(as_plain(found))
    else:
        for line in explanation_lines(found, rules):
            print_line(line)


def nudge_id(text: str) -> UUID:
    """Return the id of a nudge as it was given."""
    try:
        return UUID(text)
    except ValueError:
        stop(Exit.USAGE, f"NUDGE: {text!r} is no id; one is written 3f2b8c1e-5d7a-9c41-8e02-6b1f0a9d4c55")
