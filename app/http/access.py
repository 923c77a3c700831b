"""Authentication of API calls: by a key (of a system, with scopes) or a personal token (of an official, with roles).

Default deny: a route that takes no caller is open to nobody but by a signed link.
"""

import threading
from collections.abc import Mapping
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from fastapi import Request
from msgspec import json

from app.http.problems import Problem
from app.identity.principals import StoredPrincipal, by_digest, digest_of, load
from domain.facts.principals import Principal, Role, Scope

SCHEME = "bearer"
CALLER = "habarshy.caller"
"""The key in a request's scope that holds its caller: admission, limits and the route ask for the same one."""
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
        self._everybody = _Everybody({}, {})

    def caller(self, request: Request) -> Principal:
        """Return the owner of the request's key, who stays the same while the request lasts.

        Raises:
            Problem: 401 where it has none, or an unknown one.
        """
        found = self.caller_if_known(request)
        if found is None:
            detail = "the request has no valid key; send one as Authorization: Bearer …"
            raise Problem(HTTPStatus.UNAUTHORIZED, detail, kind="no-key", headers=CHALLENGE)
        return found

    def caller_if_known(self, request: Request) -> Principal | None:
        """Return the same, or None where the request has no key, or an unknown one."""
        found: Principal | None = request.scope.get(CALLER)
        if found is None and (token := token_of(request)):
            found = request.scope[CALLER] = self.owner_of(token)
        return found

    def owner_of(self, token: str) -> Principal | None:
        """Return the owner of a token; None where nobody has it.

        Its digest is enough: the principals are indexed whenever their file changes, not for each request.
        """
        return self._load().by_digest.get(digest_of(token))

    def principal_named(self, name: str) -> Principal | None:
        """Return the principal of that name; None where there is none."""
        kept = self._load().by_name.get(name)
        return None if kept is None else kept.principal(name)

    def mark_of(self, name: str) -> str:
        """Return a digest that changes with anything in that principal's entry; empty where there is none."""
        kept = self._load().by_name.get(name)
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

    def _load(self) -> "_Everybody":
        with self._lock:
            seen = _file_state(self._path)
            if seen != self._seen:
                by_name = load(self._path)
                self._everybody, self._seen = _Everybody(by_name, by_digest(by_name)), seen
            return self._everybody


class _Everybody(NamedTuple):
    by_name: Mapping[str, StoredPrincipal]
    by_digest: Mapping[str, Principal]


def _file_state(path: Path) -> tuple[int, ...]:
    """Return a value that differs whenever the file does."""
    try:
        at = path.stat()
    except FileNotFoundError:
        return ()
    return (at.st_mtime_ns, at.st_size, at.st_ino)
