"""habarshy principals: who may act, for which agency."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.failures import exit_for
from app.cli.options import AsJson
from app.cli.platform_options import KeyFile
from app.clock import system_clock
from app.compose import compose
from app.first_packs import pack_folders
from app.identity import principals
from app.settings import Settings, load_settings
from app.terminal import Exit, print_json_or_lines, stop, talk, write_file
from domain.facts.governance import PackSubmitted
from domain.facts.principals import Principal, Role, Scope
from streams.storage.schema import NoDatabase
from templates.reading.files import read_document
from templates.reading.findings import Report, hint

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the principal in the log.")]
Agency = Annotated[str, typer.Option("--agency", metavar="A", help="The agency for which they act.")]
Roles = Annotated[list[Role] | None, typer.Option("--role", help="A role; may be given several times.")]
Scopes = Annotated[
    list[Scope] | None,
    typer.Option("--scope", help="A right of a system that calls the API; may be given several times."),
]
Email = Annotated[
    str | None, typer.Option("--email", help="A contact for test-sends, and mails about approvals, to them.")
]
Phone = Annotated[str | None, typer.Option("--phone", help="A contact for test-sends to them.")]
Push = Annotated[str | None, typer.Option("--push", help="A contact for test-sends to them.")]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="Write the token to this new file, for its owner only."),
]
EVERYWHERE = frozenset({Role.OPERATOR, Role.AUDITOR})
"""The roles that act for all agencies."""


def add(  # noqa: PLR0913, PLR0917  (the options of a command)
    name: Name,
    agency: Agency,
    role: Roles = None,
    scope: Scopes = None,
    email: Email = None,
    phone: Phone = None,
    push: Push = None,
    token_file: TokenFile = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Add a person or a system, and print its token (its API key), which is shown only once."""
    if not role and not scope:
        stop(Exit.USAGE, f"{name}: give a person a --role, a system a --scope")
    given = {"email": email, "sms": phone, "push": push}
    contacts = {channel: address for channel, address in given.items() if address is not None}
    settings = load_settings(key_file=key_file)
    path = settings.principals
    wanted = Principal(name, agency, frozenset(role or ()), contacts, frozenset(scope or ()))
    token = principals.new_token()
    if token_file is not None:
        with _written(token_file, token):
            principals.add(path, wanted, token)
    else:
        principals.add(path, wanted, token)
        print_json_or_lines({"name": name, "token": token}, token, as_json=as_json)
    talk(f"{name} acts with this token in {principals.TOKEN_VARIABLE}; only its hash is kept, in {path}")
    if not EVERYWHERE.issuperset(role or ()) or scope:
        _warn_of_unknown(agency, settings)


@contextmanager
def _written(file: Path, token: str) -> Iterator[None]:
    """Write the token into a new file, which is gone again if the block fails."""
    if os.path.lexists(file):
        stop(Exit.USAGE, f"--token-file: {file} is there already, and is left as it is")
    write_file(file, token + "\n", "--token-file")
    try:
        yield
    except BaseException:
        file.unlink()
        raise


def _warn_of_unknown(agency: str, settings: Settings) -> None:
    """An agency may come before its pack does, but one that is misspelt has nothing, for ever."""
    known = _agencies_known(settings)
    if known is not None and agency not in known:
        meant = hint(agency, known)
        talk(f"warning: no pack that is published or submitted has an agency {agency!r} yet{meant}")


def _agencies_known(settings: Settings) -> set[str] | None:
    """Return the agencies of packs that are published, submitted or in the settings; None: it cannot be told now."""
    try:
        found = {name for content in _contents(settings) for name in content.get("agencies") or ()}
    except Exception as failure:
        if exit_for(failure) is None:
            raise
        return None  # a later command reports it in its own words
    folders = (read_document(folder / "pack.yaml", Report()).data for folder in pack_folders(settings))
    return found.union(*(each.get("agencies") or () for each in folders if isinstance(each, dict)))


def _contents(settings: Settings) -> Iterator[Mapping[str, Any]]:
    """Yield the contents of the packs in the database; none where there is no database."""
    try:
        platform = compose(settings, system_clock, make=False)
    except NoDatabase:
        return
    with closing(platform.database):
        now = platform.rules.approval.governed()
    yield from now.contents
    for each in (each for several in now.submitted.values() for each in several):
        if isinstance(each.fact, PackSubmitted):
            yield each.fact.content


def show(key_file: KeyFile = None, as_json: AsJson = False) -> None:
    """List who may act; tokens and addresses are not shown."""
    everybody = principals.load(_path(key_file))
    for name, kept in everybody.items():
        plain = {
            "name": name,
            "agency": kept.agency,
            "roles": kept.roles,
            "contacts": sorted(kept.contacts),
            "scopes": kept.scopes,
        }
        reached = f" (test-sends by {', '.join(sorted(kept.contacts))})" if kept.contacts else ""
        line = f"{name}: {', '.join((*kept.roles, *kept.scopes))} of {kept.agency}{reached}"
        print_json_or_lines(plain, line, as_json=as_json)
    if not everybody:
        stop(Exit.CHECK_FAILED, "nobody may act yet; habarshy principals add NAME --agency A --role author")


def remove(name: Name, key_file: KeyFile = None) -> None:
    """Remove a person or a system; the token stops working at once."""
    principals.remove(_path(key_file), name)


def _path(key_file: Path | None) -> Path:
    return load_settings(key_file=key_file).principals
