"""Claims: who takes hold of deliveries whose turn has come, so that each is in one hand."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, bindparam, or_, select, true, update

from domain.nudge import Nudge
from projections.for_each import ForEach
from projections.front import Front
from projections.lanes import Shares, waiting_lanes
from projections.nudges import KEY, Due, due_keys, this_delivery
from projections.tables import URGENT, due


def claim(
    connection: Connection, *, now: int, until: int, holder: str, limit: int, stopped: bool = False,
    urgent: bool = False, front: Front | None = None, shares: Shares | None = None,
) -> list[Due]:  # fmt: skip
    """Take hold of deliveries whose turn has come: by due time, class and id; nobody else gets them until then.

    `stopped`: of those that a kill switch holds back, whenever their turn is; `urgent`: only what goes past others;
    `front`: where the process begins that claims these; `shares`: where rates bind, of each lane its share.
    """
    if shares is not None and not stopped:
        return _claim_fairly(connection, now, {"holder": holder, "held_until": until}, limit, shares, urgent=urgent)
    front = front or Front()
    of_these = due.c.stopped if stopped else and_(due.c.due_at <= now, due.c.rank <= URGENT if urgent else true())
    free = and_(of_these, _free(now))
    held = {"holder": holder, "held_until": until}
    found = [] if front.at is None else _hold(connection, and_(free, due.c.due_at >= front.at), limit, held)
    found = found or _hold(connection, free, limit, held)
    front.move(found[0][0] if found else None, full=len(found) == limit)
    return [Due(*row[2:]) for row in found]


def leave(connection: Connection, found: Iterable[Nudge], until: int) -> None:
    """Let go of these, and have nobody claim them until then."""
    _LEFT.execute(connection, due_keys(found), until=until)


_LEFT = ForEach(update(due).values(holder=None, held_until=bindparam("until")), KEY, this_delivery)


def _claim_fairly(
    connection: Connection, now: int, held: Mapping[str, Any], limit: int, shares: Shares, *, urgent: bool
) -> list[Due]:
    """Of each lane, however many there are and however much waits in others."""
    lanes = waiting_lanes(connection, now, urgent=urgent)
    found: list[tuple[int, int, UUID, str]] = []
    for lane in lanes:
        theirs = and_(due.c.lane == lane, due.c.due_at <= now, _free(now))
        taken = _hold(connection, theirs, shares.of(lane, limit // len(lanes)), held)
        shares.note(lane, len(taken))
        found += taken
    return [Due(*row[2:]) for row in sorted(found)]


def _free(now: int) -> ColumnElement[bool]:
    return or_(due.c.held_until.is_(None), due.c.held_until <= now)


def _hold(
    connection: Connection, these: ColumnElement[bool], limit: int, held: Mapping[str, Any]
) -> list[tuple[int, int, UUID, str]]:
    """In one statement, by an expression that PostgreSQL evaluates once: it takes no more than the limit."""
    first = select(*KEY).where(these).order_by(*KEY[:3]).limit(limit).with_for_update(skip_locked=True).cte("first")
    same = and_(*(column == first.c[column.name] for column in KEY))
    taken = connection.execute(update(due).where(same).values(held).returning(*KEY))
    return sorted((at, rank, id_, whom) for at, rank, id_, whom in taken)
