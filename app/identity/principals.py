"""The file of principals: who may act for which agency, known by the hash of a personal token."""

import json
import os
import re
import secrets
import tomllib
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from app.identity.private_files import is_open_to_others, locked_folder, replace
from domain.core.plain import PlainData
from domain.facts.principals import NotAllowed, Principal, Role, Scope
from templates.reading.findings import hint

TOKEN_VARIABLE = "HABARSHY_TOKEN"  # noqa: S105  (the variable's name)
BEGINNING_OF_TOKENS = "hby_"
CONTACT_PATTERN = r"[!-~]{3,1000}"
NAME_PATTERN = r"[a-z][a-z0-9_.-]{0,39}"


class BadPrincipals(Exception):
    """Raised when the file of principals cannot be used."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"The file of principals {path} cannot be used: {problem}. `habarshy principals` shows and changes it."
        )


class StoredPrincipal(Struct, frozen=True, forbid_unknown_fields=True):
    """A principal as the file has them; `token` is the SHA-256 in hex of their token, which is random and long."""

    agency: str
    roles: tuple[Role, ...]
    token: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    contacts: dict[str, str] = {}
    scopes: tuple[Scope, ...] = ()

    def principal(self, name: str) -> Principal:
        """Return the principal, without the token."""
        return Principal(name, self.agency, frozenset(self.roles), self.contacts, frozenset(self.scopes))


def acting_principal(path: Path) -> Principal:
    """Return the principal whose token is in the environment.

    Raises:
        BadPrincipals: the file cannot be read.
        NotAllowed: there is no token, or it is nobody's.
    """
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise NotAllowed(f"{TOKEN_VARIABLE} is not set; it says who acts (`habarshy principals add` makes a token)")
    found = owner_of(load(path), token)
    if found is None:
        raise NotAllowed(
            f"the token in {TOKEN_VARIABLE} is not recognised; ask an operator of the platform for a new one"
        )
    return found


def owner_of(everybody: Mapping[str, StoredPrincipal], token: str) -> Principal | None:
    """Return the owner of the token; None where nobody has it."""
    return by_digest(everybody).get(digest_of(token))


def by_digest(everybody: Mapping[str, StoredPrincipal]) -> dict[str, Principal]:
    """Return the principals by the digest of their token.

    A lookup there tells nothing by its duration: nobody can choose a token by its SHA-256.
    """
    return {kept.token: kept.principal(name) for name, kept in everybody.items()}


def digest_of(token: str) -> str:
    """Return the SHA-256 of a token in hex, by which it is known."""
    return sha256(os.fsencode(token)).hexdigest()


def load(path: Path) -> dict[str, StoredPrincipal]:
    """Return all principals by name; none where there is no file.

    Raises:
        BadPrincipals: others can read it, or it is not what this module writes.
    """
    try:
        if is_open_to_others(path):
            raise BadPrincipals(path, "others can read it; run chmod 600 on it")
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), dict[str, StoredPrincipal])
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadPrincipals(path, str(error.strerror)) from None
    except (ValueError, msgspec.ValidationError) as error:
        raise BadPrincipals(path, str(error)) from None


def colleague(path: Path, name: str, who: Principal) -> Principal:
    """Return the principal of that name, if they are of the same agency.

    Raises:
        NotAllowed: they are of another agency, or nobody is called that.
    """
    everybody = load(path)
    mine = [each for each, kept in everybody.items() if kept.agency == who.agency]
    if name not in mine:
        raise NotAllowed(f"{name!r} is no principal of your agency {who.agency}{hint(name, mine)}")
    return everybody[name].principal(name)


def new_token() -> str:
    """Return a random token, by which a principal can be added."""
    return BEGINNING_OF_TOKENS + secrets.token_urlsafe(32)


def add(path: Path, principal: Principal, token: str | None = None) -> str:
    """Add the principal; returns their token, of which only the hash is kept. Without `token` it is a new one.

    Raises:
        BadPrincipals: the name is taken or unusable, or the file is.
    """
    for name in (principal.name, principal.agency):
        if not re.fullmatch(NAME_PATTERN, name) or principal.name == "pack":
            raise BadPrincipals(path, f"{name!r} is no name: small Latin letters, digits, '_', '.' and '-'")
    for channel, address in principal.contacts.items():
        if not re.fullmatch(CONTACT_PATTERN, address):
            raise BadPrincipals(path, f"the contact for {channel} is no address")
    given = token or new_token()
    roles = tuple(sorted(principal.roles))

    def change(everybody: dict[str, StoredPrincipal]) -> None:
        if principal.name in everybody:
            raise BadPrincipals(path, f"{principal.name} is in it already; remove them first for a new token")
        kept = StoredPrincipal(
            principal.agency, roles, digest_of(given), dict(principal.contacts), tuple(sorted(principal.scopes))
        )
        everybody[principal.name] = kept

    _change(path, change)
    return given


def remove(path: Path, name: str) -> None:
    """Take the principal out; their token is nobody's any more. Raises BadPrincipals: nobody is called that."""

    def change(everybody: dict[str, StoredPrincipal]) -> None:
        if name not in everybody:
            raise BadPrincipals(path, f"nobody is called {name!r}{hint(name, everybody)}")
        del everybody[name]

    _change(path, change)


def _change(path: Path, change: Callable[[dict[str, StoredPrincipal]], None]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked_folder(path.parent):
            everybody = load(path)
            change(everybody)
            replace(path, "".join(_table(name, kept) for name, kept in sorted(everybody.items())))
    except OSError as error:
        raise BadPrincipals(path, str(error.strerror)) from None


def _table(name: str, kept: StoredPrincipal) -> str:
    contacts = ", ".join(f"{channel} = {_toml(address)}" for channel, address in sorted(kept.contacts.items()))
    lines = [
        f"[{_toml(name)}]",
        f"agency = {_toml(kept.agency)}",
        f"roles = {_toml(list(kept.roles))}",
        f"token = {_toml(kept.token)}",
        f"contacts = {{{contacts}}}",
        *([f"scopes = {_toml(list(kept.scopes))}"] if kept.scopes else ()),
    ]
    return "\n".join(lines) + "\n\n"


def _toml(value: PlainData) -> str:
    """Return a string or a list in TOML, which writes both as JSON does."""
    return json.dumps(value, ensure_ascii=False)
