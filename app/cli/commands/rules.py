"""habarshy rules: the rulebook, as it is or as it was."""

import sys
from datetime import tzinfo
from typing import Annotated, Any

import typer

from app.cli.options import AsJson
from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import principal_session
from app.log_places import zone_here
from app.moments import local_time, moment_of
from app.packs.rule_lines import version_rows
from app.reports.stopped import stopped_lines, stops_known_to
from app.terminal import in_red, print_json_or_lines, print_line

At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="Show the rules as of that time.")]


def rules(at: At = None, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """List the published versions of your agency's triggers: hash, share, reach, owner, state."""
    with principal_session(on, local=True) as here:
        library = here.platform.rules.library
        moment = None if at is None else moment_of(at, "--at", zone_here(here.platform.rules.library))
        found = library.rules() if moment is None else library.rules_at(moment)
        zone = zone_here(here.platform.rules.library)
        if not as_json and moment is None:
            for line in stopped_lines(
                stops_known_to(here.who, here.platform.rules.switches.active_stops(), found.governed), zone
            ):
                print_line(in_red(line, sys.stdout))
        for each in version_rows(found.governed, here.who):
            print_json_or_lines(each, _told(each, zone), as_json=as_json)


def _told(line: dict[str, Any], zone: tzinfo) -> str:
    share = "everybody" if line["share"] == 1 else f"{line['share']:.4%}".rstrip("0%").rstrip(".") + "%"
    return (
        f"{line['trigger']}@{line['hash'][:12]}  {line['state']}  {line['owner']}  {share}"
        f"  reach {local_time(line['reach'], zone)}  published {local_time(line['published'], zone)} by {line['by']}"
    )
