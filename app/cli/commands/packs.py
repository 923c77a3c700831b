"""habarshy lint and habarshy test: packs in folders, without a database."""

from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from msgspec.structs import asdict, replace

from app.cli.options import AsJson
from app.cli.pack_paths import Target, With, examine_folders, is_folder, target_of
from app.packs.case_results import CaseResult, decision_data, decision_line, lines_of, try_case
from app.terminal import Exit, counted, print_json_or_lines, stop, talk
from streams.rehearsal.case_model import Expected, TriggerTest
from streams.rehearsal.case_reader import check_speaks, read_cases
from streams.rehearsal.stage import Stage, stages
from streams.rehearsal.verdict import Difference, said, unlike
from templates.checks.loader import pack_of
from templates.checks.personas import UNKNOWN_ATTRIBUTE
from templates.checks.placeholders import check_placeholders
from templates.reading.catalogue import NoDefaults
from templates.reading.files import PackFiles
from templates.reading.findings import BrokenPack, Finding, Report, hint, listed
from templates.sandbox.trial import trial_findings

Packs = Annotated[list[Path], typer.Argument(metavar="PACK|TRIGGER_FOLDER", help="Folders of packs or triggers.")]
Only = Annotated[
    str | None, typer.Option("--only", metavar="NAME", help="Only the trigger or the test case of this name.")
]
Explain = Annotated[bool, typer.Option("--explain", help="Print each decision.")]


def lint(packs: Packs, others: With = None, as_json: AsJson = False) -> None:
    """Check packs and report errors by file, line and column."""
    asked = _asked(packs, others)
    examined, report = examine_folders(asked.folders)
    if not report.about(finding.path for finding in report.findings):
        _check_tests(asked.folders, examined, report)
    found = [finding for finding in report.findings if asked.concerns(finding.path)]
    _print_findings(found, as_json=as_json)
    read = [files for files in examined if files.folder.resolve() in {each.resolve() for each in asked.folders}]
    warnings = sum(finding.warning for finding in found)
    findings = len(found) - warnings
    counts = {
        "triggers": len(asked.triggers) or sum(len(files.triggers) for files in read),
        "event_types": 0 if asked.triggers else sum(len(files.events) for files in read),
        "findings": findings,
        "warnings": warnings,
    }
    _end(counts, failed=bool(findings), as_json=as_json)


def try_packs(
    packs: Packs, others: With = None, only: Only = None, explain: Explain = False, as_json: AsJson = False
) -> None:
    """Render the words, then run the tests of packs on a virtual clock; an unexpected message fails a test."""
    asked = _asked(packs, others)
    one = next(iter(asked.triggers)).name if len(asked.triggers) == 1 else only
    examined, found = _examined(asked.folders, one)
    findings = list(found)
    tried = [] if findings else _tried(asked, examined, only, findings)
    _print_findings(findings, as_json=as_json)
    if not others and any(getattr(each.message, "template", "") == UNKNOWN_ATTRIBUTE for each in findings):
        talk("An attribute that another pack declares is known beside it: add --with PACK.")
    for each in tried:
        print_json_or_lines(_plain(each, explain=explain), *_lines(each, explain=explain), as_json=as_json)
    failed = sum(1 for each in tried if each.differences)
    counts = {"cases": len(tried), "failed": failed, "findings": len(findings)}
    _end(counts, failed=bool(failed or findings), as_json=as_json)


def require_passing(folders: Sequence[Path], triggers: Container[str], *, as_json: bool) -> None:
    """End the command with 1, after printing the findings, unless the packs are clean and the triggers' tests pass.

    A placeholder in one of the triggers is a finding too.

    Raises:
        Exit: with 1, as `lint` and `test` end.
    """
    packs, found = _examined(folders, None)
    findings = [*found, *(() if found else _placeholders(packs, triggers))]
    staged = [] if findings else [each for each in _loaded(folders, packs) if each[0].trigger.name in triggers]
    report = Report()
    cases = [(stage, case) for stage, folder in staged for case in _checked_cases(folder, stage, report)]
    findings += [each for each in report.findings if each.stops_submitting]
    failed = [] if findings else [each for stage, case in cases if (each := try_case(stage, case)).differences]
    _print_findings([replace(each, warning=not each.stops_submitting) for each in findings], as_json=as_json)
    for each in failed:
        print_json_or_lines(_plain(each, explain=False), *_lines(each, explain=False), as_json=as_json)
    if findings or failed:
        stopping = [each for each in findings if each.stops_submitting]
        wrong = [counted(len(of), what) for of, what in ((stopping, "finding"), (failed, "failed test")) if of]
        talk(f"Nothing was submitted: {' and '.join(wrong)} above; mend them, and submit again.")
        raise typer.Exit(Exit.CHECK_FAILED)


def _checked_cases(folder: Path, stage: Stage, report: Report) -> list[TriggerTest]:
    """Return a trigger's cases; that none of them expects a message is reported too."""
    cases = read_cases(folder / "tests.yaml", stage, report)
    check_speaks(cases, report)
    return cases


def _placeholders(packs: Iterable[PackFiles], triggers: Container[str]) -> Iterator[Finding]:
    """Yield the placeholders in the rules and words of these triggers."""
    report = Report()
    for files in packs:
        for trigger in files.triggers:
            if trigger.name in triggers:
                check_placeholders(trigger, report)
    yield from report.findings


def _check_tests(folders: Sequence[Path], examined: Iterable[PackFiles], report: Report) -> None:
    """Read the tests of these packs, where there are any; what they say can be checked once all else is in order."""
    try:
        for stage, folder in _staged(folders, examined):
            if (path := folder / "tests.yaml").is_file():
                check_speaks(read_cases(path, stage, report), report)
    except NoDefaults:  # a city's pack alone: with the country's it is read
        return


class _Asked(NamedTuple):
    """The folders of all packs that are read, and those of the triggers that are asked about; none: all of them.

    `own`: the packs that are asked about, without those that are only needed beside them (`--with`).
    """

    folders: list[Path]
    triggers: list[Path]
    own: frozenset[Path]

    def concerns(self, path: str) -> bool:
        """Return True for a file of the chosen triggers, or of no trigger at all."""
        folder = Path(path).resolve().parent
        beside = any(folder.parent == each.resolve() for each in self.folders) and folder.name != "events"
        return not self.triggers or not beside or folder in {each.resolve() for each in self.triggers}


def _asked(packs: Sequence[Path], others: Sequence[Path] | None) -> _Asked:
    """Return the folders to check: whole packs or, where every folder is a trigger's, these triggers."""
    named = [_target(each) for each in packs]
    folders = [*(each.pack for each in named), *(target_of(each).pack for each in others or ())]
    unique = list({folder.resolve(): folder for folder in reversed(folders)}.values())[::-1]
    triggers = [each.pack / each.trigger for each in named if each.trigger is not None]
    own = frozenset(each.pack.resolve() for each in named)
    return _Asked(unique, triggers if len(triggers) == len(named) else [], own)


def _target(folder: Path) -> Target:
    """Return a trigger's folder, or a pack's: what is neither is linted as a pack, which says what is missing."""
    if not is_folder(folder):
        stop(Exit.USAGE, f"{folder}: no such folder")
    alone = (folder / "trigger.yaml").is_file() and not (folder / "pack.yaml").is_file()
    return target_of(folder) if alone else Target(folder, None)


def _examined(folders: Sequence[Path], only: str | None) -> tuple[list[PackFiles], Sequence[Finding]]:
    packs, report = examine_folders(folders)
    try:
        report.close()
    except BrokenPack as broken:
        return packs, broken.findings
    named = {trigger.name for files in packs for trigger in files.triggers} & {only}
    return packs, trial_findings(packs, only=only if named else None)


def _tried(asked: _Asked, packs: Sequence[PackFiles], only: str | None, findings: list[Finding]) -> list[CaseResult]:
    report, read = Report(), []
    names = {each.name for each in asked.triggers}
    for stage, folder in _loaded(asked.folders, packs):
        if (names and stage.trigger.name not in names) or folder.parent.resolve() not in asked.own:
            continue
        read += [(stage, case) for case in read_cases(folder / "tests.yaml", stage, report)]
    findings += [each for each in report.findings if not each.warning]
    wanted = [(stage, case) for stage, case in read if only in (None, stage.trigger.name, case.name)]
    if only is not None and not wanted and not findings:
        _no_such(only, read)
    return [try_case(stage, case) for stage, case in wanted]


def _loaded(folders: Sequence[Path], packs: Iterable[PackFiles]) -> list[tuple[Stage, Path]]:
    try:
        return list(_staged(folders, packs))
    except NoDefaults as missing:
        stop(Exit.CHECK_FAILED, str(missing))


def _staged(folders: Sequence[Path], packs: Iterable[PackFiles]) -> Iterator[tuple[Stage, Path]]:
    for stage in stages([pack_of(files) for files in packs]):
        name = stage.trigger.name
        yield stage, next(folder / name for folder in folders if (folder / name / "trigger.yaml").is_file())


def _no_such(only: str, read: Iterable[tuple[Stage, TriggerTest]]) -> None:
    names = {name for stage, case in read for name in (stage.trigger.name, case.name)}
    stop(Exit.USAGE, f"--only: no trigger and no case is called {only!r}{hint(only, names)}")


def _print_findings(findings: Sequence[Finding], *, as_json: bool) -> None:
    found, more = listed(findings)
    for finding in found:
        print_json_or_lines(
            asdict(finding), str(finding), *(f"    {line}" for line in finding.pointer or ()), as_json=as_json
        )
    if more:
        talk(f"{more} more are not listed; mend these first")


def _lines(tried: CaseResult, *, explain: bool) -> Iterator[str]:
    case = tried.case
    if tried.differences:
        yield f"{case.path}:{case.line}: FAILED {tried.trigger}: {case.name}"
    else:
        yield f"ok {tried.trigger}: {case.name}"
    for decision in tried.played.decisions if explain else ():
        yield f"    {decision_line(decision_data(case, decision))}"
    for difference in tried.differences:
        yield from lines_of(case, difference)


def _plain(tried: CaseResult, *, explain: bool) -> dict[str, Any]:
    case = tried.case
    found: dict[str, Any] = {
        "path": case.path,
        "line": case.line,
        "trigger": tried.trigger,
        "case": case.name,
        "passed": not tried.differences,
        "differences": [_as_plain(case, each) for each in tried.differences],
    }
    if explain:
        found["decisions"] = [decision_data(case, each) for each in tried.played.decisions]
    return found


def _as_plain(case: TriggerTest, difference: Difference) -> dict[str, Any]:
    expected, got = difference.expected, difference.got
    line = expected.line if isinstance(expected, Expected) else None
    return {
        "line": line,
        "expected": expected and said(case, expected),
        "got": got and said(case, got),
        "differs": difference.keys,
        "words": list(unlike(difference)),
    }


def _end(counts: dict[str, int], *, failed: bool, as_json: bool) -> None:
    told = [(what.replace("_", " "), count) for what, count in counts.items()]
    line = ", ".join(counted(count, what.removesuffix("s"), what) for what, count in told)
    print_json_or_lines(counts, line, as_json=as_json)
    if failed:
        raise typer.Exit(Exit.CHECK_FAILED)
