"""Discards dead letters for good; in the same transaction the log records who discarded them, and why."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, select

from domain.facts.access_facts import LettersDropped
from domain.facts.principals import Principal
from projections.bulk import change_with
from streams.log.mapper import Entry
from streams.queues.dead_letters import LetterFilter, rows_of
from streams.rules.context import WriteContext
from streams.storage.tables import dead_letters


def give_up(context: WriteContext, choice: LetterFilter, who: Principal, reason: str) -> int:
    """Delete the selected letters; return their count."""

    def work(connection: Connection) -> int:
        letters = dead_letters.c
        rows = sorted(rows_of(connection, select(letters.kind, letters.cause, letters.id), choice), key=tuple)
        change_with(connection, delete(dead_letters), letters.id, [row.id for row in rows])
        dropped = [
            LettersDropped(context.clock(), who.name, who.agency, reason, kind, cause, len(ids), _digest(ids))
            for kind, cause, ids in _groups(rows)
        ]
        if dropped:
            context.log.append(connection, [Entry(uuid4(), 1, fact) for fact in dropped])
        return len(rows)

    return context.database.write(work)


def _groups(rows: Sequence[Any]) -> Iterator[tuple[str, str, list[UUID]]]:
    for (kind, cause), group in groupby(rows, itemgetter(0, 1)):
        yield kind, cause, [row.id for row in group]


def _digest(ids: list[UUID]) -> bytes:
    return sha256(b"".join(sorted(id_.bytes for id_ in ids))).digest()
