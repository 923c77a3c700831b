"""habarshy repair: what should have been planned, or sent, and was not; said first, then made up for, once."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, TypeVar

import typer
from msgspec import convert, to_builtins
from msgspec.structs import replace

from app.cli.job_options import parse_order, run_job
from app.cli.logged_reading import DataReader
from app.cli.options import ConfirmOptions, OfTrigger
from app.cli.persons import pseudonym_of
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import PrincipalSession, principal_session
from app.jobs import job_results
from app.jobs.progress import counting_progress
from app.jobs.requests import Order
from app.terminal import Exit, counted, print_json, print_line, stop, talk
from domain.facts.principals import NotAllowed
from domain.facts.submissions import check_stopping
from domain.persons.channels import ADDRESS_OF
from projections import history
from streams.planning.histories import share_upto
from streams.replay.repair import Gap, GapFilter, GapReason, RepairBatch
from streams.replay.retry_failed import FailedBatch, Outage, Renewal
from streams.rules.switches import owner_of
from templates.reading.findings import hint

Batch = TypeVar("Batch", RepairBatch, FailedBatch)

Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help="The beginning of the outage.")]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="The end of the outage, not included.")]
OfArea = Annotated[str | None, typer.Option("--area", metavar="CODE", help="Only people who live in that area now.")]
OfPerson = Annotated[str | None, typer.Option("--person", help="Only this person: national id, pseudonym, or -.")]
Failed = Annotated[bool, typer.Option("--failed", help="Retry what failed by an outage of its provider.")]
OfProvider = Annotated[
    str | None, typer.Option("--provider", help="With --failed: only what that provider failed to send.")
]
OfChannel = Annotated[str | None, typer.Option("--channel", help="With --failed: only on that channel.")]
OfAgency = Annotated[
    str | None, typer.Option("--agency", help="With --failed: only nudges of the triggers of this agency.")
]
LastOnly = Annotated[
    bool,
    typer.Option("--last-only", help="With --failed: only where the last attempt matches, not an earlier one."),
]


def repair(  # noqa: PLR0913  (a flag each)
    *,
    since: Since = None,
    until: Until = None,
    trigger: OfTrigger = None,
    area: OfArea = None,
    person: OfPerson = None,
    failed: Failed = False,
    provider: OfProvider = None,
    channel: OfChannel = None,
    agency: OfAgency = None,
    last_only: LastOnly = False,
    how: ConfirmOptions,
    on: TimedOptions,
) -> None:
    """Find nudges that should have been planned, and plan them once; or retry what an outage failed."""
    _refuse_mixed(failed=failed, of_failed=(provider, channel, agency, last_only or None), of_planned=(area, person))
    with principal_session(on, local=True) as at:
        _check_allowed(at, trigger)
        options = {"from": since, "to": until, "trigger": trigger}
        if failed:
            _warn_of_unknown_provider(at, provider)
            options |= {"provider": provider, "channel": channel, "agency": agency}
            options |= {"last_only": "yes" if last_only else None}
            _retry_failed(at, parse_order(at, "repair-failed", options), how)
            return
        order = parse_order(at, "repair", options | {"area": area})
        selection = replace(convert(order.arguments, GapFilter), person=_person(at, person))
        _plan_missing(at, selection, how)


def _plan_missing(at: PrincipalSession, selection: GapFilter, how: ConfirmOptions) -> None:
    if how.plan:
        print_missing(at.platform.replay.repair.look(selection), as_json=how.as_json)
        return
    job = run_job(at, Order("repair", to_builtins(selection)), how)
    talk(f"repaired: {job.words}")
    job_results.report(job, as_json=how.as_json)


def _retry_failed(at: PrincipalSession, order: Order, how: ConfirmOptions) -> None:
    if how.plan:
        outage = convert(order.arguments["outage"], Outage)
        _print_failed(at.platform.replay.retry_failed.look(outage), as_json=how.as_json)
        return
    talk(f"due again: {run_job(at, order, how).words}")


def _check_allowed(at: PrincipalSession, trigger: str | None) -> None:
    """Check that they are an operator, or act for the agency that owns the trigger.

    Raises:
        NotAllowed: they are neither.
        UnknownName: nothing of that name was ever published.
    """
    if trigger is not None:
        governed = at.platform.rules.approval.governed()
        check_stopping(at.who, owner_of(governed, trigger, at.who), trigger)
    elif not at.who.operator:
        raise NotAllowed(f"only an operator repairs for all agencies; {at.who.name} may name a --trigger of theirs")


def _refuse_mixed(*, failed: bool, of_failed: tuple[object, ...], of_planned: tuple[str | None, ...]) -> None:
    if failed and any(each is not None for each in of_planned):
        stop(Exit.USAGE, "--area and --person say whose plans are looked at; --failed looks at what was sent")
    if not failed and any(each is not None for each in of_failed):
        stop(Exit.USAGE, "--provider, --channel, --agency and --last-only go with --failed")


def _warn_of_unknown_provider(at: PrincipalSession, provider: str | None) -> None:
    """Say if no provider is called so any more, or ever was; what it failed is in the log in any case."""
    known = [*at.platform.settings.providers, *(ADDRESS_OF if at.platform.database.sqlite else ())]
    if provider is not None and provider not in known:
        meant = hint(provider, known)
        talk(f"--provider: no provider is called {provider!r} now{meant}; only what the log has of it is looked at")


def _person(at: PrincipalSession, person: str | None) -> str | None:
    """Return the person's pseudonym, after the log has recorded the reading of their data, as for `trail`.

    Raises:
        NotAllowed: who acts is no operator.
    """
    if person is None:
        return None
    if not at.who.operator:
        raise NotAllowed(f"--person is for operators, who may read people's data; {at.who.name} is not an operator")
    who = pseudonym_of(person, at.platform.identity.names, "--person")
    DataReader(at.who, "to plan for them what is missing").note_reading(at.platform.rules.context, who, "repair")
    with at.platform.database.reading() as connection:
        if not history.count_of_facts(connection, [who]):
            stop(Exit.CHECK_FAILED, "nothing is known about this person")
    return who


def print_missing(found: Iterable[RepairBatch], *, as_json: bool) -> None:
    """Print what is missing: as JSON each nudge, else how many of each kind; end with 1 if not all can be known."""
    kinds: Counter[tuple[str, ...]] = Counter()
    unplannable: Counter[str] = Counter()
    looked, missing, concerned, unnoted = 0, 0, 0, 0
    for each in _shown(found, "persons", as_json=as_json):
        looked += each.persons
        lacking = [gap for gap in each.gaps if gap.why is not GapReason.UNNOTED]
        missing += len({gap.nudge for gap in lacking})
        concerned += len({gap.person for gap in lacking})
        unnoted += len({gap.nudge for gap in each.gaps} - {gap.nudge for gap in lacking})
        of_nudges = {(gap.nudge, gap.what.value, gap.why.value, gap.trigger) for gap in each.gaps}
        kinds.update(kind[1:] for kind in of_nudges)
        unplannable.update(each.unplannable.values())
        for gap in each.gaps if as_json else ():
            print_json({name: getattr(gap, name) for name in Gap.__struct_fields__})
    _print_counts(("nudges", "to do", "because", "trigger"), kinds, as_json=as_json)
    found_missing = _missing(missing, concerned, lame=unplannable.total())
    talk(f"{counted(looked, 'person')} looked at; {found_missing}{_unnoted(unnoted)}")
    if unplannable:
        causes = ", ".join(f"{count} {cause}" for cause, count in sorted(unplannable.items()))
        stop(Exit.CHECK_FAILED, f"some persons cannot be planned ({causes}); their facts wait until that is mended")


def _print_failed(found: Iterable[FailedBatch], *, as_json: bool) -> None:
    kinds: Counter[tuple[str, ...]] = Counter()
    left: Counter[str] = Counter()
    looked = 0
    for each in _shown(found, "failed deliveries", as_json=as_json):
        looked += each.failed
        left.update(each.left)
        for renewal in each.renewals:
            kinds[renewal.reason, renewal.provider, renewal.nudge.intent.trigger] += 1
            if as_json:
                print_json(_plain(renewal))
    _print_counts(("deliveries", "failed by", "provider", "trigger"), kinds, as_json=as_json)
    others = "".join(f"; {count:,} {why}" for why, count in sorted(left.items()))
    failed = counted(looked, "failed delivery", "failed deliveries")
    talk(f"{failed} looked at; {kinds.total():,} to be tried again{others}")


def _shown(found: Iterable[Batch], unit: str, *, as_json: bool) -> Iterator[Batch]:
    """Yield each batch while showing the progress; pseudonyms are spread evenly."""
    looked = 0
    with counting_progress(beside=as_json) as shown:
        for each in found:
            looked += each.stride.looked
            shown(looked, round(looked / share_upto(each.stride.upto)), unit)
            yield each


def _missing(nudges: int, persons: int, *, lame: int) -> str:
    unknown = f"; what {counted(lame, 'person')} who cannot be planned may lack is not known" if lame else ""
    if not nudges:
        return f"nothing {'else ' if lame else ''}is missing{unknown}"
    verb = "is" if nudges == 1 else "are"
    return f"{counted(nudges, 'nudge')} of {counted(persons, 'person')} {verb} missing{unknown}"


def _unnoted(nudges: int) -> str:
    gone = counted(nudges, "nudge")
    return f"; not noted: that it was wrong or the thing was done, of {gone} that had gone" if nudges else ""


def _print_counts(heads: tuple[str, ...], kinds: Counter[tuple[str, ...]], *, as_json: bool) -> None:
    """Print a table of what was counted, with its headings; nothing where there is nothing."""
    rows = [heads, *((f"{found:,}", *kind) for kind, found in sorted(kinds.items()))]
    for count, one, other, trigger in () if as_json or not kinds else rows:
        print_line(f"{count:>10}  {one:<12}  {other:<12}  {trigger}")


def _plain(renewal: Renewal) -> dict[str, object]:
    intent = renewal.nudge.intent
    return {
        "nudge": intent.id,
        "recipient": renewal.recipient,
        "trigger": intent.trigger,
        "step": intent.step,
        "due": intent.due,
        "expires": intent.expires,
        "channels": renewal.channels,
        "provider": renewal.provider,
        "reason": renewal.reason,
    }
