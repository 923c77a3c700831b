"""Authentication of API calls: by a key (of a system, with scopes) or a personal token (of an official, with roles).

Default deny: a route that takes no caller is open to nobody but by a signed link.
"""

import threading
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path

from fastapi import Request
from msgspec import json

from app.http.problems import Problem
from app.identity.principals import Kept, load, owner_of
from domain.facts.principals import Principal, Role, Scope

SCHEME = "bearer"
CHALLENGE = {"WWW-Authenticate": "Bearer"}


def token_of(request: Request) -> str:
    """Return the token or key that the request has; nothing where it has none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == SCHEME else ""


class Access:
    """Knows callers by the file of principals, read again when it changes: who is taken out is out at once."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._everybody: dict[str, Kept] = {}

    def caller(self, request: Request) -> Principal:
        """Return the owner of the request's key.

        Raises:
            Problem: 401 where it has none, or an unknown one.
        """
        token = token_of(request)
        found = owner_of(self._load(), token) if token else None
        if found is None:
            detail = "the request has no valid key; send one as Authorization: Bearer …"
            raise Problem(HTTPStatus.UNAUTHORIZED, detail, kind="no-key", headers=CHALLENGE)
        return found

    def holder(self, token: str) -> Principal | None:
        """Return the owner of a token that was typed into a form; None where nobody has it."""
        return owner_of(self._load(), token)

    def named(self, name: str) -> Principal | None:
        """Return the principal of that name; None where there is none."""
        kept = self._load().get(name)
        return None if kept is None else kept.principal(name)

    def mark_of(self, name: str) -> str:
        """Return a digest that changes with anything in that principal's entry; empty where there is none."""
        kept = self._load().get(name)
        return "" if kept is None else blake2b(json.encode(kept), digest_size=12).hexdigest()

    def system(self, request: Request, scope: Scope) -> Principal:
        """Return the caller, whose key has that scope.

        Raises:
            Problem: 401 where there is no caller, 403 where they may not.
        """
        caller = self.caller(request)
        if scope not in caller.scopes:
            raise Problem(HTTPStatus.FORBIDDEN, f"the key has not the scope {scope}", kind="not-allowed")
        return caller

    def official(self, request: Request) -> Principal:
        """Return the caller, who is a person with a role.

        Raises:
            Problem: 401 where there is no caller, 403 where it is a system.
        """
        caller = self.caller(request)
        if not caller.roles.intersection(Role):
            raise Problem(HTTPStatus.FORBIDDEN, "this is for people with a role, not for systems", kind="not-allowed")
        return caller

    def _load(self) -> dict[str, Kept]:
        with self._lock:
            seen = _as_it_is(self._path)
            if seen != self._seen:
                self._everybody, self._seen = load(self._path), seen
            return self._everybody


def _as_it_is(path: Path) -> tuple[int, ...]:
    """Return a value that differs whenever the file does."""
    try:
        at = path.stat()
    except FileNotFoundError:
        return ()
    return (at.st_mtime_ns, at.st_size, at.st_ino)
