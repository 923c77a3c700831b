"""Erased persons. Facts after the position of their erasure are about a new person of the same pseudonym."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Table, delete, exists, func, select

from projections import nudges
from projections.bulk import chunked, insert_rows, rows_with
from projections.tables import erased, handed_over, history, inbox, micros, residents

PURGED: dict[Table, str] = {history: "person", residents: "person", inbox: "recipient", handed_over: "recipient"}
"""View -> the column with the person, for all views with persons; due rows are removed with their nudges."""


class Erasure(NamedTuple):
    """One erasure: the position of its fact, and the id of the destroyed key."""

    person: str
    position: int
    key_id: bytes


def purge(connection: Connection, person: str) -> dict[str, int]:
    """Remove the person from the views; return view -> number of rows removed."""
    found = {}
    for table, name in PURGED.items():
        found[table.name] = connection.execute(delete(table).where(table.c[name] == person)).rowcount
    return found


def forget(connection: Connection) -> None:
    """Remove from rebuilt views the history and inbox that persons had before they were erased."""
    before = (erased.c.person == history.c.person) & (history.c.position < erased.c.position)
    connection.execute(delete(history).where(history.c.person.in_(select(erased.c.person)), exists().where(before)))
    query = select(inbox.c.recipient, inbox.c.nudge).where(inbox.c.recipient.in_(select(erased.c.person)))
    for part in chunked(connection.execute(query).all()):
        _forget_told(connection, [(recipient, nudge) for recipient, nudge in part])


def _forget_told(connection: Connection, rows: Sequence[tuple[str, UUID]]) -> None:
    found = nudges.by_id(connection, {nudge for _, nudge in rows})
    erased_at = nudges.erasures(connection, {recipient for recipient, _ in rows})
    gone = [row for row in rows if nudges.is_forgotten(found[row[1]].to(row[0]), erased_at)]
    for recipient, nudge in gone:
        connection.execute(delete(inbox).where(inbox.c.recipient == recipient, inbox.c.nudge == nudge))


def forget_sent(connection: Connection, person: str) -> None:
    """Remove the providers' references of messages to this person."""
    connection.execute(delete(handed_over).where(handed_over.c.recipient == person))


def note(connection: Connection, one: Erasure, at: datetime) -> None:
    """Add an erasure."""
    insert_rows(connection, erased, [(*one, micros(at))], ignore=True)


def last_erasures(connection: Connection, persons: Sequence[str]) -> dict[str, int]:
    """Return those of the persons who were erased -> position of the last erasure."""
    query = select(erased.c.person, func.max(erased.c.position)).group_by(erased.c.person)
    return dict(rows_with(connection, query, erased.c.person, persons))
