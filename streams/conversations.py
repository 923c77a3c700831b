"""What was said to which telephone number, so that whoever writes from there can be understood."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, delete, select

from domain.delivery import State
from domain.hearing import Question
from domain.ids import Names
from domain.nudge import Nudge
from projections import nudges
from projections.bulk import insert_rows
from projections.tables import micros, moment
from streams.library import Rules
from streams.log import Log
from streams.tables import conversations
from streams.versions import rules_of

REMEMBERED = timedelta(days=90)
"""How long somebody may still speak of what they were told."""
AT_MOST = 50


class Said(Struct, frozen=True):
    """A message that went to a number; `mark` tells its question from others there."""

    nudge: UUID
    recipient: str
    at: datetime
    mark: str


def note(connection: Connection, number: bytes, said: Said) -> None:
    """Keep that a message goes to a number."""
    table = conversations
    connection.execute(
        delete(table).where(
            table.c.number == number, table.c.nudge == said.nudge, table.c.recipient == said.recipient
        )
    )
    insert_rows(connection, table, [(number, said.nudge, said.recipient, micros(said.at), said.mark)])


def at(connection: Connection, number: bytes) -> list[Said]:
    """The messages that went to a number, the last one first."""
    table = conversations
    query = select(table.c.nudge, table.c.recipient, table.c.at, table.c.mark).where(table.c.number == number)
    rows = connection.execute(query.order_by(table.c.at.desc(), table.c.nudge).limit(AT_MOST))
    return [Said(row.nudge, row.recipient, moment(row.at), row.mark) for row in rows]


def forget(connection: Connection, now: datetime) -> None:
    """Let go of what is so long ago that nobody speaks of it any more."""
    connection.execute(delete(conversations).where(conversations.c.at < micros(now - REMEMBERED)))


def open_questions(
    connection: Connection, log: Log, rules: Rules, said: Sequence[Said], now: datetime
) -> list[Question]:
    """Those of the messages that asked something, went, and got no answer yet."""
    found = nudges.by_id(connection, [each.nudge for each in said])
    asked = ((each, found[each.nudge]) for each in said if each.nudge in found)
    return [
        Question(each.nudge, each.recipient, each.mark, replies)
        for each, nudge in asked
        if _waits(nudge, each.recipient, now) and (replies := _replies(connection, log, rules, nudge))
    ]


def _waits(nudge: Nudge, recipient: str, now: datetime) -> bool:
    delivery, expires = nudge.to(recipient), nudge.intent.expires
    unanswered = delivery.maybe_sent and delivery.state is not State.ANSWERED
    return unanswered and not nudge.gone and (expires is None or now < expires)


def _replies(connection: Connection, log: Log, rules: Rules, nudge: Nudge) -> dict[str, str]:
    content = rules_of(connection, log, rules.rulebook, nudge.intent.version) or {}
    return dict(content.get("replies") or {})


def mark_of(names: Names, nudge: UUID, taken: Iterable[str]) -> str:
    """The mark of a question: the next one that no other open question at its number has."""
    others: Collection[str] = frozenset(taken)
    first = int(names.mark(nudge))
    marks = (str(10 + (first - 10 + step) % 90) for step in range(90))
    return next((mark for mark in marks if mark not in others), str(first))
