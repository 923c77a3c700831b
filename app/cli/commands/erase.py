"""habarshy erase: a person's data becomes unreadable, for ever and everywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app.cli.logged_reading import Looker
from app.cli.options import AsJson, ClockTime, DatabaseUrl, KeyFile, PersonId, Plan, Yes, reason_given
from app.cli.persons import pseudonym_of
from app.cli.principal_session import operators
from app.identity import erased_list, private_files
from app.reports.erasure_certificate import page, told
from app.terminal import agree, data, data_json, many, talk
from streams.privacy.erasure import Certificate, Scope

Reason = Annotated[
    str,
    typer.Option(
        "--reason", help="The reason; it is kept in the log and printed on the certificate.", callback=reason_given
    ),
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the certificate as a page to this file.")
]
TYPED = 8
"""So many digits of the pseudonym are to be typed."""


def erase(
    person: PersonId,
    reason: Reason,
    plan: Plan = False,
    yes: Yes = False,
    html: Html = None,
    as_json: AsJson = False,
    clock: ClockTime = None,
    database: DatabaseUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Destroy a person's key, cancel their nudges, and print a certificate; it cannot be undone."""
    with operators("erasures", database, key_file, clock) as at:
        pseudonym = pseudonym_of(person, at.platform.identity.names)
        if plan or not yes:
            Looker(at.who, reason).note(at.platform.rules.context, pseudonym, "erase")
        scope = at.platform.privacy.erasure.scope(pseudonym)
        if plan:
            if as_json:
                data_json(scope)
            else:
                _show(scope, data)
            raise typer.Exit
        if not yes:
            _show(scope, talk)
        agree(f"erase {pseudonym} for ever", pseudonym[:TYPED], yes=yes)
        certificate = at.platform.privacy.erasure.erase(pseudonym, at.who, reason)
        _note(at.platform.settings.key_file, certificate)
    if html is not None:
        with private_files.opened(html) as file:
            file.write(page(certificate))
    if as_json:
        data_json(certificate)
    else:
        for name, value in told(certificate):
            data(f"{name}: {value}")


def _note(key_file: Path, certificate: Certificate) -> None:
    """List the erasure for a restore of an older backup.

    If the keys' folder is read-only, the certificate must be kept.
    """
    try:
        erased_list.note(key_file, certificate)
    except OSError as error:
        talk(f"keep the certificate for `habarshy restored --erased`: it is not listed beside the keys ({error})")


def _show(scope: Scope, tell: Callable[[str], None]) -> None:
    tell(f"{scope.person}: {'a key is destroyed' if scope.key else 'no key is left to destroy'}")
    sealed, ending = many(scope.sealed, "life event"), many(scope.ending, "nudge")
    tell(f"{sealed} will be unreadable in this person's part; {ending} will end")
    tell(f"{many(scope.others, 'other person')} named with them: their own parts stay")
    for topic, count in scope.kept.items():
        tell(f"kept without their data, as proof of what was done: {count} of {topic}")
