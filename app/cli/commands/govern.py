"""habarshy submit, approve, publish and submissions: how a version becomes what holds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins

from app.cli.commands.packs import require_passing
from app.cli.options import AsJson, Yes
from app.cli.pack_paths import Target, With, examine_folders, is_folder, load_checked, target_of
from app.cli.platform_options import PlatformOptions, TimedOptions
from app.cli.principal_session import PrincipalSession, principal_session
from app.cli.submission_view import refused_before, show_submission
from app.terminal import Exit, confirm, print_json_or_lines, stop, talk
from domain.facts.access_facts import LEAST_SAID, MOST_SAID, says_why
from domain.facts.submissions import Subject, Submission, check_approving, check_refusing
from streams.rules.approval import Reference, SubmissionResult, reference
from streams.rules.ownership import mine_of
from templates.checks.loader import Pack, pack_of

Folders = Annotated[
    list[Path], typer.Argument(metavar="TRIGGER_FOLDER|PACK", help="The folders of triggers or packs to submit.")
]
Names = Annotated[list[str], typer.Argument(metavar="NAME[@HASH]|FOLDER", help="A trigger, pack:NAME, or a folder.")]
Some = Annotated[list[str] | None, typer.Argument(metavar="NAME[@HASH]", help="Show the changes of these versions.")]
Comment = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Your comment, which the log keeps.")]
Refuse = Annotated[
    str | None, typer.Option("--refuse", metavar="REASON", help="Refuse it for this reason, which its author reads.")
]
Canary = Annotated[
    str | None, typer.Option("--canary", metavar="5%", help="Publish for that share of all persons only.")
]
ToPending = Annotated[
    bool, typer.Option("--apply-to-pending", help="Also apply it to nudges that are planned and not sent yet.")
]
SHOWN = 12


def submit(folders: Folders, others: With = None, as_json: AsJson = False, *, on: TimedOptions) -> None:
    """Submit triggers and packs for approval, if lint and their tests pass."""
    targets = [target_of(folder) for folder in folders]
    packs_read = (*(target_of(each).pack for each in others or ()), *(each.pack for each in targets))
    paths = list({path.resolve(): path for path in packs_read}.values())
    with principal_session(on, make=True) as at:
        require_passing(paths, (), as_json=as_json)
        packs = {files.folder.resolve(): pack_of(files) for files in examine_folders(paths)[0]}
        wanted, left = _wanted(at, targets, packs)
        require_passing(paths, {about.name for about in wanted if about.kind == "trigger"}, as_json=as_json)
        done = at.platform.rules.approval.submit(list(packs.values()), wanted, at.who)
        _report(done, "submitted", as_json=as_json)
        for result in done:
            if (refusal := result.submission.refused_before) is not None:
                talk(f"{_named(result.submission)}: {refused_before(refusal)}; its approver reads this too")
        for about in left:
            talk(f"{about} is left out: it belongs to others")
        if left and not wanted:
            raise typer.Exit(Exit.NOT_ALLOWED)
        if not wanted:
            talk("all of it is published as it is")


def _wanted(
    at: PrincipalSession, targets: Sequence[Target], packs: Mapping[Path, Pack]
) -> tuple[list[Subject], list[Subject]]:
    """Return the new subjects that may be submitted, and those of whole packs that are left out."""
    before = at.platform.rules.approval.governed()
    wanted: list[Subject] = []
    left: list[Subject] = []
    for target in targets:
        if target.trigger is not None:
            wanted.append(Subject("trigger", target.trigger))
        else:
            mine, theirs = mine_of(before, packs[target.pack.resolve()], at.who)
            wanted += mine
            left += theirs
    return wanted, left


def approve(
    names: Names,
    others: With = None,
    comment: Comment = "",
    refuse: Refuse = None,
    yes: Yes = False,
    as_json: AsJson = False,
    *,
    on: TimedOptions,
) -> None:
    """Show a colleague's submission, ask, and approve or refuse it."""
    check_length("--comment", comment, least=0)
    if refuse is not None:
        check_length("--refuse", refuse, least=LEAST_SAID)
    with principal_session(on) as at:
        governing = at.platform.rules.approval
        wanted = {each: governing.find(each, at.who) for each in _references(at, names, others)}
        for reference_, submission in wanted.items():
            _require_whole_hash(reference_, submission)
            (check_approving if refuse is None else check_refusing)(at.who, submission)
        found = list({each.about: each for each in wanted.values()}.values())
        for submission in found:
            show_submission(governing.governed(), submission, as_json=as_json)
        wish = "approve" if refuse is None else "refuse"
        confirm(f"{wish} {', '.join(map(_named, found))}", _confirmation_word(found), yes=yes)
        for submission in found:
            if refuse is None:
                _report([governing.approve(submission, at.who, comment)], "approved", as_json=as_json)
            else:
                _report([governing.refuse(submission, at.who, refuse)], "refused", as_json=as_json)


def _confirmation_word(found: Sequence[Submission]) -> str:
    """Return the word that an approver types: the name of a single version, or the number of versions."""
    return str(found[0].about) if len(found) == 1 else str(len(found))


def _require_whole_hash(wanted: Reference, found: Submission) -> None:
    if wanted.hash and wanted.hash != found.hash:
        stop(
            Exit.USAGE,
            f"{wanted}: give the whole hash, for a part may fit another version: {wanted.about}@{found.hash}",
        )


def check_length(option: str, text: str, *, least: int) -> None:
    """End with exit 2, if what somebody says by an option is too short or too long to be kept."""
    if least and not says_why(text, 1):
        stop(Exit.USAGE, f"{option}: say why, in words")
    if not least <= len(text.strip()) <= MOST_SAID or "\x00" in text:
        stop(Exit.USAGE, f"{option}: write {least} to {MOST_SAID} characters")


def publish(
    names: Names,
    canary: Canary = None,
    apply_to_pending: ToPending = False,
    others: With = None,
    as_json: AsJson = False,
    *,
    on: TimedOptions,
) -> None:
    """Publish what was approved, to a share of all persons or to everybody."""
    share = _share(canary)
    with principal_session(on) as at:
        wanted = _references(at, names, others)
        done = at.platform.rules.approval.publish(wanted, at.who, share=share, to_pending=apply_to_pending)
        for each in done:
            narrow = f" for {canary} of all persons" if each.share < 1 else ""
            _report([each], f"published{narrow}", as_json=as_json)


def submissions(names: Some = None, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """List what waits for approval or publication; with names, show what each would change."""
    with principal_session(on) as at:
        governing = at.platform.rules.approval
        if names:
            for each in _references(at, names, None):
                submission = governing.find(each, at.who)
                show_submission(governing.governed(), submission, as_json=as_json)
            return
        waiting = governing.waiting(at.who)
        if not waiting:
            talk("No submissions wait.")
        for submission in waiting:
            state, by = submission.state, submission.last_by
            said = f": {submission.said}" if submission.said else ""
            before = submission.refused_before
            again = "" if before is None else f"; {refused_before(before)}"
            line = f"{_named(submission)}  {state} by {by}{said}{again}  ({submission.owner or 'shared'})"
            print_json_or_lines(
                {**_plain(submission), "state": state, "by": by, "said": submission.said}, line, as_json=as_json
            )


def _references(at: PrincipalSession, names: Iterable[str], others: Sequence[Path] | None) -> list[Reference]:
    """Return the versions that the names stand for.

    A folder stands for its content as it is now; a pack's, for what waits.
    """
    found: list[Reference] = []
    for name in names:
        if not is_folder(Path(name)):
            found.append(reference(name))
            continue
        target = target_of(Path(name))
        pack = pack_of(load_checked(target, others)[0])
        if target.trigger is not None:
            found += [
                Reference(Subject("trigger", each.name), each.hash)
                for each in pack.triggers
                if each.name == target.trigger
            ]
            continue
        waiting = {(each.about, each.hash) for each in at.platform.rules.approval.waiting(at.who)}
        all_of_it = [(Subject("pack", pack.name), pack.hash)]
        all_of_it += [(Subject("trigger", each.name), each.hash) for each in pack.triggers]
        found += [Reference(*each) for each in all_of_it if each in waiting]
        if not waiting.intersection(all_of_it):
            stop(Exit.CHECK_FAILED, f"{name}: no submission has the content of this folder")
    return found


def _report(done: Iterable[SubmissionResult], what: str, *, as_json: bool) -> None:
    for each in done:
        state = {"state": what.split(maxsplit=1)[0], "new": each.new, "share": each.share}
        line = f"{_named(each.submission)}  {what}" + ("" if each.new else "  (was so before)")
        print_json_or_lines(_plain(each.submission) | state, line, as_json=as_json)


def _plain(submission: Submission) -> dict[str, object]:
    about = submission.about
    found = {"kind": about.kind, "name": about.name, "hash": submission.hash, "owner": submission.owner}
    before = submission.refused_before
    return {**found, **({} if before is None else {"refused_before": to_builtins(before)})}


def _named(submission: Submission) -> str:
    return f"{submission.about}@{submission.hash[:SHOWN]}"


def _share(canary: str | None) -> float:
    if canary is None:
        return 1.0
    found = re.fullmatch(r"(\d{1,2}(?:\.\d{1,4})?)%", canary)
    if found is None or float(found[1]) == 0:
        stop(Exit.USAGE, f"--canary: {canary!r} is no share between 0% and 100%, such as 5% or 0.5%")
    return float(found[1]) / 100
