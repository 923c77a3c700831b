"""habarshy rules: the rulebook, as it is or as it was."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from app.desk import desk
from app.options import AsJson, DatabaseUrl, KeyFile, moment_of
from app.terminal import data, data_json
from domain.principals import Principal
from domain.settle import PAUSED
from streams.governed import Governed

At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="As it was at that time.")]


def rules(at: At = None, as_json: AsJson = False, database: DatabaseUrl = None, key_file: KeyFile = None) -> None:
    """Print every published version of your agency's triggers: hash, share, reach, owner, state."""
    moment = None if at is None else moment_of(at, "--at")
    with desk(database, key_file) as here:
        library = here.platform.library
        found = library.rules() if moment is None else library.rules_at(moment)
        for line in _lines(found.governed, here.who):
            data_json(line) if as_json else data(_told(line))


def _lines(now: Governed, who: Principal) -> Iterator[dict[str, Any]]:
    for each in sorted(now.publications, key=lambda each: (each.fact.trigger, each.position)):
        fact, owner = each.fact, str(each.fact.rules["owner"])
        if who.may_read(owner):
            latest = now.of(fact.trigger)[-1:] == [each]
            state = "withdrawn" if each.withdrawn else "in force" if latest else "earlier"
            state = "paused" if latest and (PAUSED, fact.trigger) in now.stopped else state
            yield {
                "trigger": fact.trigger, "hash": fact.hash, "owner": owner, "state": state, "share": fact.share,
                "reach": fact.reach, "ahead_from": fact.ahead_from, "published": fact.at, "by": fact.by,
            }  # fmt: skip


def _told(line: dict[str, Any]) -> str:
    share = "everybody" if line["share"] == 1 else f"{line['share']:.4%}".rstrip("0%").rstrip(".") + "%"
    return (
        f"{line['trigger']}@{line['hash'][:12]}  {line['state']}  {line['owner']}  {share}"
        f"  reach {line['reach']:%Y-%m-%d %H:%M}  published {line['published']:%Y-%m-%d %H:%M} by {line['by']}"
    )
