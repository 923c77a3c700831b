"""Discards dead letters for good; in the same transaction the log records who discarded them, and why."""

from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from uuid import uuid4

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
        dropped = []
        for (kind, cause), group in groupby(rows, itemgetter(0, 1)):
            ids = sorted(row.id.bytes for row in group)
            digest = sha256(b"".join(ids)).digest()
            dropped.append(
                LettersDropped(context.clock(), who.name, who.agency, reason, kind, cause, len(ids), digest)
            )
        if dropped:
            context.log.append(connection, [Entry(uuid4(), 1, fact) for fact in dropped])
        return len(rows)

    return context.database.write(work)
