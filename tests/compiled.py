"""Statements are compiled once in a process of tests, and not for each of its databases."""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache


class _Compiled(LRUCache[Any, Any]):
    """What was compiled, by the kind of database and the statement; SQLAlchemy's keys have one engine's dialect.

    All engines of a kind are alike here: one driver, one version of the server.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what was compiled for any engine of that kind."""
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


_COMPILED = _Compiled(2_000)


def compile_once() -> None:
    """Let all engines share what they compile: a platform of a short test runs most statements once."""
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_COMPILED)
