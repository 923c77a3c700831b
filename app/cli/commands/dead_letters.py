"""habarshy dead-letters: what could not be handled; an operator looks at it, retries it, or gives it up."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

import typer

from app.cli.options import AsJson, Limit, Plan, Yes
from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import PrincipalSession, operators
from app.log_places import zone_shown
from app.moments import told_in
from app.terminal import Exit, agree, data_json, many, stop, talk, tell
from domain.facts.access_facts import says_why
from streams.privacy.discard import give_up
from streams.queues.dead_letters import DeadLetters, LetterFilter

Ids = Annotated[list[UUID] | None, typer.Argument(metavar="ID", help="The ids of letters.")]
OfKind = Annotated[str | None, typer.Option("--kind", help="Letters of this kind.")]
OfCause = Annotated[str | None, typer.Option("--cause", help="Letters with this cause.")]
Every = Annotated[bool, typer.Option("--all", help="All letters.")]
Reason = Annotated[str, typer.Option("--reason", help="The reason, which the log keeps; needed without --plan.")]


def list_letters(kind: OfKind = None, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Count the dead letters by kind and cause."""
    with operators("dead letters", on) as at:
        _print_groups(at, LetterFilter(kind=kind), as_json=as_json)


def show(
    ids: Ids = None,
    kind: OfKind = None,
    cause: OfCause = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    *,
    on: PlatformOptions,
) -> None:
    """Show dead letters, the oldest first, without personal data."""
    with operators("dead letters", on) as at:
        zone = zone_shown(at.platform.rules.library)
        found = at.platform.runtime.dead_letters.letters(_choice(ids, kind, cause), limit)
    for one in found:
        tried = many(one.attempts, "attempt")
        line = f"{one.id}  {told_in(one.at, zone)}  {one.kind}  {one.cause}  {tried}  {one.told}"
        tell(one, line, as_json=as_json)
    if not found:
        stop(Exit.CHECK_FAILED, "there is no such letter")


def retry(
    ids: Ids = None,
    kind: OfKind = None,
    cause: OfCause = None,
    every: Every = False,
    plan: Plan = False,
    yes: Yes = False,
    as_json: AsJson = False,
    *,
    on: PlatformOptions,
) -> None:
    """Retry dead letters; those that fail again stay, with their new cause."""
    with operators("dead letters", on) as at:
        letters = at.platform.runtime.dead_letters
        choice = _decided(letters, ids, kind, cause, every=every)
        _agree(at, choice, "retry", plan=plan, yes=yes, as_json=as_json)
        done = letters.retry(choice)
    if as_json:
        data_json(done)
    talk(f"{done.handled} handled, {done.failed} failed again, {done.unknown} of a kind that nobody here handles")
    if done.failed or done.unknown:
        raise typer.Exit(Exit.CHECK_FAILED)


def drop(
    *,
    ids: Ids = None,
    kind: OfKind = None,
    cause: OfCause = None,
    every: Every = False,
    reason: Reason = "",
    plan: Plan = False,
    yes: Yes = False,
    as_json: AsJson = False,
    on: PlatformOptions,
) -> None:
    """Drop dead letters for good; the log keeps who did it and why."""
    with operators("dead letters", on) as at:
        if not plan and not says_why(reason):
            stop(Exit.USAGE, "--reason: say why they are given up; the log keeps it")
        letters = at.platform.runtime.dead_letters
        choice = _decided(letters, ids, kind, cause, every=every)
        _agree(at, choice, "drop", plan=plan, yes=yes, as_json=as_json)
        dropped = give_up(at.platform.rules.context, choice, at.who, reason.strip())
    if as_json:
        data_json({"dropped": dropped})
    talk(f"{dropped} dropped")


def _choice(ids: Iterable[UUID] | None, kind: str | None, cause: str | None) -> LetterFilter:
    return LetterFilter(tuple(ids) if ids else None, kind, cause)


def _decided(
    letters: DeadLetters, ids: list[UUID] | None, kind: str | None, cause: str | None, *, every: bool
) -> LetterFilter:
    """Return the selection with its ids fixed: no option is not everything, and later letters are not included."""
    if not (every or ids or kind or cause):
        stop(Exit.USAGE, "which letters? name IDs, --kind, --cause, or --all")
    choice = letters.fixed(_choice(ids, kind, cause))
    if not choice.ids:
        stop(Exit.CHECK_FAILED, "there is no such letter")
    return choice


def _agree(at: PrincipalSession, choice: LetterFilter, what: str, *, plan: bool, yes: bool, as_json: bool) -> None:
    """Show what is meant, and go on only if that is wanted."""
    if plan or not yes:
        _print_groups(at, choice, as_json=as_json)
    if plan:
        raise typer.Exit
    count = at.platform.runtime.dead_letters.count(choice)
    agree(f"{what} {count}", str(count), yes=yes)


def _print_groups(at: PrincipalSession, choice: LetterFilter, *, as_json: bool) -> None:
    zone = zone_shown(at.platform.rules.library)
    for group in at.platform.runtime.dead_letters.groups(choice):
        since = f"{told_in(group.oldest, zone)} to {told_in(group.newest, zone)}"
        tell(group, f"{group.count:>8,}  {group.kind}  {group.cause}  {since}", as_json=as_json)
