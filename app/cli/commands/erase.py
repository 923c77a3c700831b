"""habarshy erase: a person's data becomes unreadable, for ever and everywhere."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from app.cli.commands.preview import require_known
from app.cli.job_options import parse_order, run_job
from app.cli.logged_reading import DataReader
from app.cli.options import ConfirmOptions, reason_given
from app.cli.persons import pseudonym_of
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import PrincipalSession, operator_session
from app.identity import erased_list
from app.identity.meant_persons import NO_PERSON, pseudonym_in
from app.pages.catalogues import DEFAULT_LANGUAGE, LANGUAGES, Speech
from app.pages.erasure_letter import erasure_letter
from app.reports.erasure_certificate import certificate_rows
from app.terminal import Exit, confirm, counted, print_json_or_lines, stop, talk, write_file
from domain.core.ids import Names
from streams.privacy.erasure import Certificate, Scope

Reason = Annotated[
    str,
    typer.Option(
        "--reason", help="The reason; it is kept in the log and printed on the certificate.", callback=reason_given
    ),
]
Person = Annotated[str | None, typer.Argument(metavar="[PERSON]", help="National id, pseudonym, or - to read it.")]
Several = Annotated[
    Path | None, typer.Option("--list", metavar="FILE", help="Erase everybody in this list, one a line, as a job.")
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the certificate as a page to this file.")
]
Language = Annotated[str, typer.Option("--language", metavar="kk", help="The language of that page.")]
TYPED = 8
"""So many digits of the pseudonym are to be typed."""


def erase(
    reason: Reason,
    person: Person = None,
    several: Several = None,
    html: Html = None,
    language: Language = DEFAULT_LANGUAGE,
    *,
    how: ConfirmOptions,
    on: TimedOptions,
) -> None:
    """Destroy a person's key, cancel their nudges, and print a certificate; it cannot be undone."""
    if (person is None) == (several is None):
        stop(Exit.USAGE, "whom? name a PERSON, or give a list of persons with --list FILE")
    spoken = require_known(language, LANGUAGES, "--language")
    if several is not None and html is not None:
        stop(Exit.USAGE, "--html is for one person: `habarshy erase PERSON` prints the certificate again")
    with operator_session("erasures", on) as at:
        if several is not None:
            order = parse_order(at, "erase", {"persons": _listed(several, at.platform.identity.names), "why": reason})
            talk(run_job(at, order, how).words)
            return
        certificate = _erased(at, person or "", reason, how)
        speech = Speech(spoken, at.platform.rules.library.rules().defaults.zone)
    lines = (f"{name}: {value}" for name, value in certificate_rows(certificate))
    print_json_or_lines(certificate, *lines, as_json=how.as_json)
    if html is not None:  # last: it is erased, also where there is no room for a page
        write_file(html, erasure_letter(certificate, speech), "--html")


def _erased(at: PrincipalSession, person: str, reason: str, how: ConfirmOptions) -> Certificate:
    """Erase one person; with `--plan`, say only what that would do, and end the command."""
    pseudonym = pseudonym_of(person, at.platform.identity.names)
    if how.plan or not how.yes:
        DataReader(at.who, reason).note_reading(at.platform.rules.context, pseudonym, "erase")
    scope = at.platform.privacy.erasure.scope(pseudonym)
    if how.plan:
        print_json_or_lines(scope, *_lines(scope), as_json=how.as_json)
        raise typer.Exit
    for line in () if how.yes else _lines(scope):
        talk(line)
    confirm(f"erase {pseudonym} for ever", pseudonym[:TYPED], yes=how.yes)
    certificate = at.platform.privacy.erasure.erase(pseudonym, at.who, reason)
    _note(at.platform.settings.key_file, certificate)
    return certificate


def _listed(file: Path, names: Names) -> list[str]:
    """Return the persons of a list, one a line; a line that is none is named, and nobody is erased."""
    try:
        lines = (sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        stop(Exit.USAGE, f"--list: {file} cannot be read: {error}")
    found = [(number, pseudonym_in(line.strip(), names)) for number, line in enumerate(lines, 1) if line.strip()]
    for number, person in found:
        if person is None:
            stop(Exit.USAGE, f"{file}:{number}: {NO_PERSON}; nobody was erased")
    return [person for _, person in found if person is not None]


def _note(key_file: Path, certificate: Certificate) -> None:
    """List the erasure for a restore of an older backup.

    If the keys' folder is read-only, the certificate must be kept.
    """
    try:
        erased_list.add(key_file, certificate)
    except OSError as error:
        talk(f"keep the certificate for `habarshy restored --erased`: it is not listed beside the keys ({error})")


def _lines(scope: Scope) -> Iterator[str]:
    yield f"{scope.person}: {'a key is destroyed' if scope.key else 'no key is left to destroy'}"
    sealed, ending = counted(scope.sealed, "life event"), counted(scope.ending, "nudge")
    yield f"{sealed} will be unreadable in this person's part; {ending} will end"
    yield f"{counted(scope.others, 'other person')} named with them: their own parts stay"
    for topic, count in scope.kept.items():
        yield f"kept without their data, as proof of what was done: {count} of {topic}"
