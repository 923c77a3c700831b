"""habarshy backtest: what a draft would have sent, had it been published at a moment of the past."""

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from app.backtests.order import Order
from app.backtests.report import Report, report_lines, report_objects
from app.backtests.run import run_backtest
from app.cli.commands.preview import require_known
from app.cli.logged_reading import DataReader, Purpose, reader_for
from app.cli.options import AsJson
from app.cli.pack_paths import With, is_folder, load_checked, target_of
from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import LOCAL, acting_or_local
from app.clock import system_clock
from app.compose import compose
from app.jobs.progress import parts_progress
from app.moments import moment_of
from app.pages.backtest_report import backtest_page
from app.pages.catalogues import DEFAULT_LANGUAGE, LANGUAGES, Speech
from app.settings import Settings, load_settings
from app.terminal import Exit, print_json, print_line, stop, talk, write_file
from domain.facts.principals import Principal, Role, require
from projections import history
from projections.tables import micros
from streams.rehearsal.backtest_results import Samples, Tally
from streams.rules.context import WriteContext
from streams.rules.drafts import Draft
from streams.rules.library import Library
from streams.storage.database import Database
from templates.checks.loader import pack_of
from templates.checks.pack_check import sms_limit_of
from templates.reading.catalogue import defaults_of
from templates.reading.findings import hint

What = Annotated[
    str,
    typer.Argument(
        metavar="TRIGGER|PACK", help="The folder of a trigger or pack, or the name of a trigger in force."
    ),
]
From = Annotated[str, typer.Option("--from", metavar="TIME", help="The time at which it would have been published.")]
To = Annotated[str, typer.Option("--to", metavar="TIME", help="The end of the period, not included.")]
Against = Annotated[str | None, typer.Option("--against", metavar="live", help="Compare with what is in force.")]
WithCaps = Annotated[
    bool, typer.Option("--with-caps", help="Play all other triggers too, for their share of the fatigue cap.")
]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page to this file.")]
Language = Annotated[str, typer.Option("--language", metavar="kk", help="The language of that page.")]
Processes = Annotated[
    int | None, typer.Option("--processes", min=1, help="The number of processes; by default that of cores.")
]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="ADDRESS", help="The Dask scheduler whose workers play it: tls://HOST:PORT."),
]
LIVE = "live"


def backtest(  # noqa: PLR0913, PLR0917  (the options of a command)
    what: What,
    start: From,
    end: To,
    against: Against = None,
    with_caps: WithCaps = False,
    html: Html = None,
    language: Language = DEFAULT_LANGUAGE,
    others: With = None,
    processes: Processes = None,
    cluster: Cluster = None,
    purpose: Purpose = None,
    as_json: AsJson = False,
    *,
    on: PlatformOptions,
) -> None:
    """Show what a trigger or a pack would have sent in a past period; sends nothing."""
    if against not in (None, LIVE):
        stop(Exit.USAGE, f"--against: {against!r} is not known (did you mean 'live'?)")
    if html is not None and not html.parent.is_dir():
        stop(Exit.USAGE, f"--html: {html} cannot be written: there is no folder {html.parent}")
    spoken = require_known(language, LANGUAGES, "--language")
    settings = load_settings(database=on.database, key_file=on.key_file, cluster=cluster)
    who, look = acting_or_local(settings), _reader(settings, purpose)
    found = _read(what, others) if is_folder(Path(what)) else None
    platform = compose(settings, system_clock, make=False)
    with closing(platform.database):
        library = platform.rules.library
        draft = found or _in_force(what, library)
        _require_asking(who, draft, library)
        zone = _zone(draft, library)
        first, last = _period(start, end, zone)
        order = Order(draft, library.rules().governed, first, last, with_caps, against == LIVE)
        _warn(order, library)
        tally = run_backtest(platform, order, processes, parts_progress("backtest"))
        _explain_silence(tally, order, platform.database)
        _note_readings(tally, look, platform.rules.context, ", ".join(sorted(draft.names)))
    report = Report(order, tally, zone, sms_limit_of(draft.content).price)
    _show(report, as_json=as_json)
    if html is not None:  # last: what was found is told, also where there is no room for a page
        write_file(html, backtest_page(report, Speech(spoken, zone)), "--html")
        talk(f"the report is in {html}")


def _period(start: str, end: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    first, last = moment_of(start, "--from", zone), moment_of(end, "--to", zone)
    if last <= first:
        stop(Exit.USAGE, f"--to: {end} is not after --from {start}; between them lies what is to be played")
    return first, last


def _show(report: Report, *, as_json: bool) -> None:
    for one in report_objects(report) if as_json else ():
        print_json(one)
    for line in () if as_json else report_lines(report):
        print_line(line)


def _reader(settings: Settings, purpose: str | None) -> DataReader | None:
    """Return the reader of personal data, or of what would be sent; None where no purpose was given."""
    return reader_for(settings, purpose) if purpose is not None or acting_or_local(settings) is LOCAL else None


def _require_asking(who: Principal, draft: Draft, library: Library) -> None:
    """Check that they write or approve for the owners of these triggers, or may see everything.

    Raises:
        NotAllowed: they do not; a draft that says another owner than what is published is no way around it.
    """
    if who.operator or Role.AUDITOR in who.roles:
        return
    role, now = Role.AUTHOR if Role.AUTHOR in who.roles else Role.APPROVER, library.rules().governed
    for each in draft.triggers:
        for owner in (str(each.rules["owner"]), *now.trigger(each.name).owners):
            require(who, role, owner, each.name)


def _note_readings(tally: Tally, look: DataReader | None, context: WriteContext, triggers: str) -> None:
    """Whatever is about one person goes only to who said why, and the log says first whose data it is."""
    shown = [each.message for each in tally.samples.chosen()]
    shown += [each.message for some in tally.examples.values() for each in some]
    if look is None:
        tally.samples, tally.examples, tally.most = Samples(), {}, []
        if shown:
            talk(
                "messages as people would read them, and who would get them, are left out: --purpose says why you "
                "read them; the log keeps it"
            )
        return
    people = {who for _, who in tally.most} | {who for message in shown for who in (message.about, message.to)}
    for person in sorted(people):
        look.note_reading(context, person, f"backtest of {triggers}")


def _explain_silence(tally: Tally, order: Order, database: Database) -> None:
    """Explain an empty result, where the reason is that nothing was known in that time."""
    if not tally.persons or tally.messages:
        return
    with database.reading() as connection:
        known = history.has_facts_before(connection, micros(order.end))
    if not known:
        talk(
            "nothing was recorded yet before --to, so nothing was known that could be told. What happened is known "
            "from when it was ingested; what `ingest --historical` loads counts as known when it happened"
        )


def _read(what: str, others: list[Path] | None) -> Draft:
    """Return the draft in a folder; what is wrong with it, or with the packs that it needs, ends the command."""
    target = target_of(Path(what))
    pack = pack_of(load_checked(target, others)[0])
    triggers = tuple(each for each in pack.triggers if target.trigger in (None, each.name))
    return Draft(pack.name, pack.content, triggers)


def _in_force(name: str, library: Library) -> Draft:
    """Return the trigger of that name as it is in force."""
    now = library.rules().governed
    fact = now.current(name)
    if fact is None:
        names = {each.fact.trigger for each in now.publications if not each.withdrawn}
        stop(Exit.USAGE, f"{name}: no folder is there, and no trigger of that name is in force{hint(name, names)}")
    return Draft.published(fact, now.packs[fact.pack].content)


def _zone(draft: Draft, library: Library) -> ZoneInfo:
    contents = {**{each.pack: each.content for each in library.rules().governed.packs.values()}}
    return defaults_of([*(contents | {draft.pack: draft.content}).values()]).zone


def _warn(order: Order, library: Library) -> None:
    if order.against:
        now = library.rules().governed
        for name in sorted(order.draft.names):
            if now.current(name) is None:
                talk(f"--against live: no version of {name} is in force, so everybody gains")
