"""habarshy dead-letters: what could not be handled; an operator looks at it, retries it, or gives it up."""

from typing import Annotated
from uuid import UUID

import typer

from app.cli.options import AsJson, ConfirmOptions, Limit, OptionGroup
from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import PrincipalSession, operator_session
from app.log_places import zone_shown
from app.moments import local_time
from app.terminal import Exit, confirm, counted, print_json, print_json_or_lines, stop, talk
from domain.facts.access_facts import says_why
from streams.privacy.discard import give_up
from streams.queues.dead_letters import DeadLetters, LetterFilter

OfKind = Annotated[str | None, typer.Option("--kind", help="Letters of this kind.")]
Every = Annotated[bool, typer.Option("--all", help="All letters.")]
Reason = Annotated[str, typer.Option("--reason", help="The reason, which the log keeps; needed without --plan.")]


class LetterOptions(OptionGroup, frozen=True):
    """The options that name letters."""

    ids: Annotated[list[UUID] | None, typer.Argument(metavar="ID", help="The ids of letters.")] = None
    kind: OfKind = None
    cause: Annotated[str | None, typer.Option("--cause", help="Letters with this cause.")] = None

    @property
    def choice(self) -> LetterFilter:
        """Return the letters that they name; all where none of them is given."""
        return LetterFilter(tuple(self.ids) if self.ids else None, self.kind, self.cause)


def list_letters(kind: OfKind = None, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Count the dead letters by kind and cause."""
    with operator_session("dead letters", on) as at:
        _print_groups(at, LetterFilter(kind=kind), as_json=as_json)


def show(*, of: LetterOptions, limit: Limit = 100, as_json: AsJson = False, on: PlatformOptions) -> None:
    """Show dead letters, the oldest first, without personal data."""
    with operator_session("dead letters", on) as at:
        zone = zone_shown(at.platform.rules.library)
        found = at.platform.runtime.dead_letters.letters(of.choice, limit)
    for one in found:
        tried = counted(one.attempts, "attempt")
        line = f"{one.id}  {local_time(one.at, zone)}  {one.kind}  {one.cause}  {tried}  {one.told}"
        print_json_or_lines(one, line, as_json=as_json)
    if not found:
        stop(Exit.CHECK_FAILED, "there is no such letter")


def retry(*, of: LetterOptions, every: Every = False, how: ConfirmOptions, on: PlatformOptions) -> None:
    """Retry dead letters; those that fail again stay, with their new cause."""
    with operator_session("dead letters", on) as at:
        letters = at.platform.runtime.dead_letters
        choice = _fixed_selection(letters, of.choice, every=every)
        _confirm_plan(at, choice, "retry", how)
        done = letters.retry(choice)
    if how.as_json:
        print_json(done)
    talk(f"{done.handled} handled, {done.failed} failed again, {done.unknown} of a kind that nobody here handles")
    if done.failed or done.unknown:
        raise typer.Exit(Exit.CHECK_FAILED)


def drop(
    *, of: LetterOptions, every: Every = False, reason: Reason = "", how: ConfirmOptions, on: PlatformOptions
) -> None:
    """Drop dead letters for good; the log keeps who did it and why."""
    with operator_session("dead letters", on) as at:
        if not how.plan and not says_why(reason):
            stop(Exit.USAGE, "--reason: say why they are given up; the log keeps it")
        letters = at.platform.runtime.dead_letters
        choice = _fixed_selection(letters, of.choice, every=every)
        _confirm_plan(at, choice, "drop", how)
        dropped = give_up(at.platform.rules.context, choice, at.who, reason.strip())
    if how.as_json:
        print_json({"dropped": dropped})
    talk(f"{dropped} dropped")


def _fixed_selection(letters: DeadLetters, wanted: LetterFilter, *, every: bool) -> LetterFilter:
    """Return the selection with its ids fixed: no option is not everything, and later letters are not included."""
    if not (every or wanted.ids or wanted.kind or wanted.cause):
        stop(Exit.USAGE, "which letters? name IDs, --kind, --cause, or --all")
    choice = letters.fixed(wanted)
    if not choice.ids:
        stop(Exit.CHECK_FAILED, "there is no such letter")
    return choice


def _confirm_plan(at: PrincipalSession, choice: LetterFilter, what: str, how: ConfirmOptions) -> None:
    """Show what is meant, and go on only if that is wanted."""
    if how.plan or not how.yes:
        _print_groups(at, choice, as_json=how.as_json)
    if how.plan:
        raise typer.Exit
    count = at.platform.runtime.dead_letters.count(choice)
    confirm(f"{what} {count}", str(count), yes=how.yes)


def _print_groups(at: PrincipalSession, choice: LetterFilter, *, as_json: bool) -> None:
    zone = zone_shown(at.platform.rules.library)
    for group in at.platform.runtime.dead_letters.groups(choice):
        since = f"{local_time(group.oldest, zone)} to {local_time(group.newest, zone)}"
        print_json_or_lines(group, f"{group.count:>8,}  {group.kind}  {group.cause}  {since}", as_json=as_json)
