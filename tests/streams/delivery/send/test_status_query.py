"""Questions about one person look at that person's rows, however many others there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from domain.facts.principals import Principal
from domain.planning.eligibility import eligibility
from projections import trail
from streams.planning import histories
from streams.privacy.access_log import accounts, latest_accounts
from streams.queries.correspondence import Correspondence
from tests.world import LONG_AGO, NOON, World, card, iin, registered

LARGE = ("log", "history", "nudges", "trail", "inbox", "due", "residents")


@contextmanager
def statements(world: World) -> Iterator[list[tuple[str, Any]]]:
    """All that is asked of the database meanwhile."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    engine = world.platform.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


def steps(world: World, asked: list[tuple[str, Any]]) -> list[str]:
    """What SQLite does for these statements."""
    found: list[str] = []
    with world.platform.database.engine.connect() as connection:
        for statement, parameters in asked:
            if statement.startswith("SELECT"):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                found += [row.detail for row in plan]
    return found


def whole_tables(world: World, asked: list[tuple[str, Any]]) -> list[str]:
    """The steps of these statements that read a large table from its beginning to its end."""
    return [step for step in steps(world, asked) if step.startswith("SCAN") and step.split()[1] in LARGE]


def test_no_question_about_a_person_reads_a_whole_table(world: World) -> None:
    """`eligible`, `trail` and `why` find their rows by an index."""
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-12-20"))
    world.plan()
    world.platform.replay.follower.drain()
    rules, person, nudge = world.platform.rules.library.rules(), world.name(iin(1)), world.pending()[0].id
    with statements(world) as asked:
        with world.platform.database.reading() as connection:
            known = histories.own_history(connection, world.platform.log, person, rules.rulebook, NOON)
            assert list(eligibility(known, rules.rulebook, NOON.date()))
            assert world.platform.log.read(connection, trail.positions(connection, person))
        world.why(nudge)
    assert asked
    assert whole_tables(world, asked) == []


def test_lists_of_what_is_rare_read_nothing_else(world: World) -> None:
    """What citizens wrote, and what auditors read, is found by indexes that have only that."""
    with statements(world) as asked:
        Correspondence(world.platform.rules.context).page(Principal("aida", "health", frozenset()), 1000)
        latest_accounts(world.platform.log, 1000)
        list(accounts(world.platform.log))
    found = [step for step in steps(world, asked) if step.split()[1] in LARGE]
    assert sorted({step.partition("INDEX ")[2].partition(" ")[0] for step in found}) == [
        "history_written",
        "log_accounts",
    ]
