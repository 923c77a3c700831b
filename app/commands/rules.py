"""habarshy rules: the rulebook, as it is or as it was."""

from typing import Annotated, Any

import typer

from app.desk import desk
from app.options import AsJson, DatabaseUrl, KeyFile, moment_of
from app.places_in_log import zone_here
from app.rule_lines import lines
from app.terminal import data, data_json

At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="As it was at that time.")]


def rules(at: At = None, as_json: AsJson = False, database: DatabaseUrl = None, key_file: KeyFile = None) -> None:
    """Print every published version of your agency's triggers: hash, share, reach, owner, state."""
    with desk(database, key_file) as here:
        library = here.platform.library
        moment = None if at is None else moment_of(at, "--at", zone_here(here.platform))
        found = library.rules() if moment is None else library.rules_at(moment)
        for line in lines(found.governed, here.who):
            data_json(line) if as_json else data(_told(line))


def _told(line: dict[str, Any]) -> str:
    share = "everybody" if line["share"] == 1 else f"{line['share']:.4%}".rstrip("0%").rstrip(".") + "%"
    return (
        f"{line['trigger']}@{line['hash'][:12]}  {line['state']}  {line['owner']}  {share}"
        f"  reach {line['reach']:%Y-%m-%d %H:%M}Z  published {line['published']:%Y-%m-%d %H:%M}Z by {line['by']}"
    )
