"""What intake does while it holds the log's lock, which all who append wait for."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import event as hook

from app.clock import fixed
from domain.core.events import LifeEvent
from streams.intake.intake import Intake
from streams.storage.database import Database
from streams.storage.signals import lock_log
from tests.streams.storing import AIDA, NAMES, NOW, Store, life

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
BEFORE_THE_LOCK = ("streams.intake.validation", "streams.log.mapper", "streams.log.person_keys", "domain.core.ids")
"""The modules that check, make pseudonyms, encode, seal and look up keys."""


class UnderLock:
    """What happens between the log's lock and the commit: calls by module, and statements."""

    def __init__(self) -> None:
        self.held, self.calls, self.statements = False, Counter[str](), list[str]()

    def called(self, frame: FrameType, what: str, _: object) -> None:
        """Count a call; the lock is held once `lock_log` returned."""
        if what == "return" and frame.f_code is lock_log.__code__:
            self.held = True
        if what == "call" and self.held:
            self.calls[frame.f_globals.get("__name__", "")] += 1

    def executed(self, _connection: object, _cursor: object, statement: str, *_: Any) -> None:
        """Note a statement."""
        if self.held and "pg_advisory" not in statement:
            self.statements.append(statement)


@contextmanager
def watched(database: Database) -> Iterator[UnderLock]:
    """Watch what this thread does until its transaction is committed."""
    found = UnderLock()
    hook.listen(database.engine, "before_cursor_execute", found.executed)
    hook.listen(database.engine, "commit", lambda _: sys.setprofile(None))
    sys.setprofile(found.called)
    try:
        yield found
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("many", [1, 40])
def test_nothing_is_sealed_or_looked_up_under_the_lock(store: Store, many: int) -> None:
    """Checks, pseudonyms, keys and seals come before the lock; under it is a fixed number of statements."""
    intake = Intake(store.database, store.log, NAMES, pytest.fail, fixed(NOW))
    with watched(store.database) as found:
        assert all(each.accepted for each in intake.store([life(str(number)) for number in range(many)]))
    assert found.calls["streams.log.row_codes"]
    assert not {module: found.calls[module] for module in BEFORE_THE_LOCK if found.calls[module]}
    assert [statement.split()[0] for statement in found.statements] == ["SELECT", "SELECT"]


def test_corrections_take_the_same_statements_however_many(store: Store) -> None:
    """Under the lock, a batch with forty corrections and annulments of other events is noted like one with two."""
    intake = Intake(store.database, store.log, NAMES, pytest.fail, fixed(NOW))
    intake.store([life(str(number)) for number in range(60)])
    statements: dict[int, list[str]] = {}
    for many, first in ((2, 0), (40, 10)):
        numbers = range(first, first + many)
        some = [_revised(number, annuls=number % 3 == 0) for number in numbers]
        new = [life(f"new-{number}", persons={"child": (AIDA,)}, fields={}) for number in numbers]
        with watched(store.database) as found:
            assert all(each.accepted for each in intake.store([*some, *new]))
        statements[many] = [statement.split()[0] for statement in found.statements]
    assert statements[2] == statements[40]
    assert "UPDATE" in statements[40]


def _revised(number: int, *, annuls: bool) -> LifeEvent:
    """A revision of that event; a correction names somebody new."""
    persons = {} if annuls else {"child": (f"{number:032x}",)}
    return life(f"{number}-2", persons=persons, fields={}, corrects=str(number), revision=2, annuls=annuls)
