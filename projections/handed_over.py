"""The view `handed_over`: the attempt of each message that a provider took over, by the provider's reference."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from domain.facts.facts import NudgeSent
from domain.rules.built_in_triggers import DIGEST
from projections.bulk import replace_rows, rows_with
from projections.tables import handed_over


class AttemptId(NamedTuple):
    """The identity of an attempt; `part`: the receipt is about one SMS part only, of which just a failure counts."""

    nudge: UUID
    recipient: str
    attempt: int
    part: bool = False


def store(connection: Connection, facts: Iterable[tuple[UUID, object]]) -> None:
    """Store the references of these facts; of equal references the last one counts."""
    rows = {
        (fact.provider, fact.reference): (fact.provider, fact.reference, nudge, fact.recipient, fact.attempt)
        for nudge, fact in facts
        if isinstance(fact, NudgeSent) and fact.reference and fact.provider not in {"", DIGEST}
    }
    replace_rows(connection, handed_over, sorted(rows.values()))


def find(connection: Connection, provider: str, references: Iterable[str]) -> dict[str, AttemptId]:
    """Return reference -> attempt."""
    query = select(handed_over).where(handed_over.c.provider == provider)
    rows = rows_with(connection, query, handed_over.c.reference, references)
    return {row.reference: AttemptId(row.nudge, row.recipient, row.attempt) for row in rows}
