"""habarshy repair: what should have been planned and was not; said first, then planned once."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer
from msgspec import to_builtins

from app.desk import Desk, desk
from app.jobs import begin, finished
from app.options import AsJson, ClockTime, DatabaseUrl, KeyFile, Yes, moment_of
from app.persons import pseudonym_of
from app.terminal import Exit, data, data_json, stop, talk
from domain.principals import NotAllowed
from domain.submissions import check_stopping
from streams.repair_selection import Selection
from streams.repairing import Gap, Looked
from streams.switches import owner_of

Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Recorded or woken at that time or later.")]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Recorded or woken before that time.")]
OfTrigger = Annotated[str | None, typer.Option("--trigger", help="Only nudges of this trigger.")]
OfArea = Annotated[str | None, typer.Option("--area", metavar="CODE", help="Only of who lives in that area now.")]
OfPerson = Annotated[str | None, typer.Option("--person", help="Only this person: national id, pseudonym, or -.")]
Plan = Annotated[bool, typer.Option("--plan", help="Only say what would be done.")]


def repair(  # noqa: PLR0913  (a flag each)
    *, plan: Plan = False, yes: Yes = False, since: Since = None, until: Until = None, trigger: OfTrigger = None,
    area: OfArea = None, person: OfPerson = None, as_json: AsJson = False, clock: ClockTime = None,
    database: DatabaseUrl = None, key_file: KeyFile = None,
) -> None:  # fmt: skip
    """Find what should have been planned and was not, and plan it once."""
    with desk(database, key_file, clock) as at:
        may_repair(at, trigger)
        selection = _selection(at, since, until, trigger, area, person)
        if plan:
            tell_missing(at.platform.repairing.look(selection), as_json=as_json)
            return
        job = finished(begin(at.platform, "repair", to_builtins(selection), at.who.name, yes=yes, as_json=as_json))
        talk(f"repaired: {job.words}")


def may_repair(at: Desk, trigger: str | None) -> None:
    """Nothing, if they are an operator, or act for the agency whose trigger it is.

    Raises:
        NotAllowed: they are neither.
        UnknownName: nothing of that name was ever published.
    """
    if trigger is not None:
        governed = at.platform.governing.governed()
        check_stopping(at.who, owner_of(governed, trigger, at.who), trigger)
    elif not at.who.operator:
        raise NotAllowed(f"only an operator repairs for all agencies; {at.who.name} may name a --trigger of theirs")


def _selection(
    at: Desk, since: str | None, until: str | None, trigger: str | None, area: str | None, person: str | None
) -> Selection:  # fmt: skip
    start = None if since is None else moment_of(since, "--from")
    end = None if until is None else moment_of(until, "--to")
    if start is not None and end is not None and start >= end:
        stop(Exit.USAGE, f"--to: {until} is not after --from {since}, so no time lies between them")
    levels = at.platform.library.rules().catalogue.area_levels
    if area is not None and not (area.isdigit() and len(area) == max(levels, default=len(area))):
        stop(Exit.USAGE, f"--area: {area!r} is no code of an area ({max(levels, default=1)} digits)")
    who = None if person is None else pseudonym_of(person, at.platform.names, "--person")
    return Selection(start, end, trigger, area, who)


def tell_missing(found: Iterable[Looked], *, as_json: bool) -> None:
    """Print what is missing: as JSON each nudge, else how many of each kind; end with 1 if not all can be known."""
    kinds: Counter[tuple[str, str, str]] = Counter()
    unplannable: Counter[str] = Counter()
    looked = 0
    for each in found:
        looked += each.persons
        kinds.update((gap.trigger, gap.what.value, gap.why.value) for gap in each.gaps)
        unplannable.update(each.unplannable.values())
        for gap in each.gaps if as_json else ():
            data_json(_plain(gap))
    for line in () if as_json else _counts(kinds):
        data(line)
    talk(f"{looked} persons looked at; {kinds.total()} nudges are missing")
    if unplannable:
        causes = ", ".join(f"{count} {cause}" for cause, count in sorted(unplannable.items()))
        stop(Exit.CHECK_FAILED, f"some persons cannot be planned ({causes}); their facts wait until that is mended")


def _counts(kinds: Counter[tuple[str, str, str]]) -> Iterator[str]:
    for (trigger, what, why), count in sorted(kinds.items()):
        yield f"{count:>8}  {what:<10}  {why:<10}  {trigger}"


def _plain(gap: Gap) -> dict[str, object]:
    return {name: getattr(gap, name) for name in Gap.__struct_fields__}
