"""The view of what providers took over: by the name that a provider gave it, which attempt it was."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from domain.facts.facts import NudgeSent
from domain.rules.built_in_triggers import DIGEST
from projections.bulk import among, chunked, replace_rows
from projections.tables import handed_over


class Tried(NamedTuple):
    """An attempt at a nudge; `part`: only a part of it, so that its failure is all that is to be known of it."""

    nudge: UUID
    recipient: str
    attempt: int
    part: bool = False


def store(connection: Connection, facts: Iterable[tuple[UUID, object]]) -> None:
    """Keep what providers took over by these facts; the last one counts of what has one name."""
    rows = {
        (fact.provider, fact.reference): (fact.provider, fact.reference, nudge, fact.recipient, fact.attempt)
        for nudge, fact in facts
        if isinstance(fact, NudgeSent) and fact.reference and fact.provider not in {"", DIGEST}
    }
    replace_rows(connection, handed_over, sorted(rows.values()))


def find(connection: Connection, provider: str, references: Iterable[str]) -> dict[str, Tried]:
    """Reference -> the attempt that the provider calls so."""
    found: dict[str, Tried] = {}
    for part in chunked(list(references)):
        query = select(
            handed_over.c.reference, handed_over.c.nudge, handed_over.c.recipient, handed_over.c.attempt
        ).where(handed_over.c.provider == provider, among(handed_over.c.reference, part))
        found |= {row.reference: Tried(row.nudge, row.recipient, row.attempt) for row in connection.execute(query)}
    return found
