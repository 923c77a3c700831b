"""The platform for a governing command, with the principal who acts by their token."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from app.cli.platform_options import PlatformOptions
from app.compose import Platform, compose
from app.identity.principals import acting_principal, load
from app.settings import Settings
from domain.facts.principals import NotAllowed, Principal, Role


class PrincipalSession(NamedTuple):
    """The platform and the principal of a command that needs rights."""

    platform: Platform
    who: Principal


LOCAL = Principal("local", "local", frozenset(Role))
"""Whoever sits at a platform that has no principals: an embedded one, or one that is being tried out."""


def acting_or_local(settings: Settings) -> Principal:
    """Return the principal who acts: by their token, or LOCAL where nobody was ever registered.

    Raises:
        BadPrincipals, NotAllowed: see app.identity.principals.acting_principal.
    """
    return acting_principal(settings.principals) if load(settings.principals) else LOCAL


@contextmanager
def open_platform(on: PlatformOptions, *, make: bool = False) -> Iterator[Platform]:
    """Open the platform for one command. Raises what `compose` raises."""
    platform = compose(on.settings, on.clock, make=make)
    try:
        yield platform
    finally:
        platform.database.close()


@contextmanager
def principal_session(on: PlatformOptions, *, make: bool = False, local: bool = False) -> Iterator[PrincipalSession]:
    """Open the platform for one command as its principal; without a token the database is not even opened.

    `local`: where nobody was ever registered, whoever sits there acts as LOCAL. That holds for what operators do; to
    govern rules takes two people, so both need a name.

    Raises:
        BadPrincipals, NotAllowed: see app.identity.principals.acting_principal; and what `compose` raises.
    """
    settings = on.settings
    who = acting_or_local(settings) if local else acting_principal(settings.principals)
    with open_platform(on, make=make) as platform:
        yield PrincipalSession(platform, who)


@contextmanager
def operator_session(what: str, on: PlatformOptions) -> Iterator[PrincipalSession]:
    """Open the platform for an operators' command; if nobody was ever registered, LOCAL is the operator.

    Raises:
        NotAllowed: the principal is no operator, see `principal_session`.
    """
    with principal_session(on, local=True) as at:
        if not at.who.operator:
            raise NotAllowed(f"{what} are for operators; {at.who.name} is not an operator")
        yield at
