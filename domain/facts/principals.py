"""Principals: the people who act on the rules, each for one agency."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from domain.core.translatable import Words


class Role(StrEnum):
    """The rights of a principal. An operator keeps the platform running, for all agencies; an auditor only looks."""

    AUTHOR = "author"
    APPROVER = "approver"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class Scope(StrEnum):
    """The rights of an agency's system that calls the API with its key. A key without a scope may do nothing."""

    EVENTS = "events"  # report events of its agency's types
    CITIZENS = "citizens"  # read and change for citizens what they see themselves: inbox, nudges, preferences
    STATISTICS = "statistics"  # read its agency's figures


class Principal(Struct, frozen=True):
    """A person who acts, or a system with its `scopes`.

    `contacts`: channel -> the address to which test-sends may go, and by email what waits for them or was decided.
    """

    name: str
    agency: str
    roles: frozenset[Role]
    contacts: Mapping[str, str] = {}
    scopes: frozenset[Scope] = frozenset()

    @property
    def operator(self) -> bool:
        """Return True for a principal who keeps the platform running."""
        return Role.OPERATOR in self.roles

    def may_read(self, owner: str) -> bool:
        """Return True if they may read what belongs to that agency; shared content (owner "") is open to all."""
        return self.operator or owner in ("", self.agency)


class NotAllowed(Exception):
    """Raised when a principal may not do something."""

    def __init__(self, problem: str) -> None:
        super().__init__(Words("Not allowed: {problem}.", problem=problem))


def other_agency(what: str, principal: Principal) -> NotAllowed:
    """Return the refusal of something that belongs to another agency than the principal's."""
    return NotAllowed(
        Words("{what} belongs to another agency than yours ({agency})", what=what, agency=principal.agency)
    )


def require(principal: Principal, role: Role, owner: str, what: str) -> None:
    """Check that the principal has that role for that owner; what has no single owner is for operators.

    Raises:
        NotAllowed: they do not.
    """
    if not owner and not principal.operator:
        raise NotAllowed(Words("{what} is shared by several agencies, so only an operator may do that", what=what))
    if owner and principal.agency != owner:
        raise other_agency(what, principal)
    if owner and role not in principal.roles:
        raise NotAllowed(Words("{name} is not an {role}", name=principal.name, role=role))


def require_reader(principal: Principal, owner: str, what: str) -> None:
    """Check that they are of that agency, or operators. Raises NotAllowed where they are not."""
    if not principal.may_read(owner):
        raise other_agency(what, principal)


def require_reading(principal: Principal) -> None:
    """Check that they may read people's data, whichever agency's: auditors and operators.

    Raises:
        NotAllowed: they may not.
    """
    if principal.roles.isdisjoint({Role.AUDITOR, Role.OPERATOR}):
        raise NotAllowed(
            Words(
                "people's data is for auditors and operators to read; {name} is not one of them", name=principal.name
            )
        )
