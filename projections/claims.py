"""Claims on due deliveries: a lease for a limited time, so that only one process works on a delivery."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Connection, Update, and_, bindparam, or_, select, update

from domain.nudges.delivery import Due
from projections.for_each import ForEach
from projections.front import Front
from projections.lanes import Shares, waiting_lanes
from projections.nudges import KEY, keys_of, this_delivery
from projections.tables import IS_EMERGENCY, IS_STOPPED, IS_URGENT, due


def claim(
    connection: Connection,
    *,
    now: int,
    until: int,
    holder: str,
    limit: int,
    stopped: bool = False,
    urgent: bool = False,
    front: Front | None = None,
    shares: Shares | None = None,
) -> list[Due]:
    """Claim due deliveries, by due time, class and id; nobody else gets them before `until`.

    Emergencies come first and alone: nothing else is decided or sent together with them.

    `stopped`: claim deliveries that a stop holds back, due or not; `urgent`: claim only urgent ones; `front`: the
    due time where the process begins; `shares`: the limits of each lane, given when rates apply.
    """
    held = {"now": now, "by": holder, "until": until}
    front = front or Front()
    front.found_all = False  # also after emergencies, and shares of lanes: more may be due
    if not stopped and (first := _hold(connection, _EMERGENCIES.all, {**held, "limit": limit})):
        return [Due(*row[2:]) for row in first]
    if shares is not None and not stopped:
        return _claim_fairly(connection, held, limit, shares, urgent=urgent)
    these = _STOPPED if stopped else _URGENT if urgent else _DUE
    given = {**held, "limit": limit}
    found = [] if front.at is None else _hold(connection, these.behind, {**given, "front": front.at})
    found = found or _hold(connection, these.all, given)
    front.move(found[0][0] if found else None, full=len(found) == limit)
    return [Due(*row[2:]) for row in found]


def postpone(connection: Connection, these: Iterable[Due], until: int) -> None:
    """Release these, but let nobody claim them before `until`."""
    _POSTPONED.execute(connection, keys_of(connection, these), until=until)


_POSTPONED = ForEach(update(due).values(holder=None, held_until=bindparam("until")), KEY, this_delivery)


def _claim_fairly(
    connection: Connection, held: Mapping[str, Any], limit: int, shares: Shares, *, urgent: bool
) -> list[Due]:
    """Claim a share of each lane, however much waits in the others."""
    lanes = waiting_lanes(connection, held["now"], urgent=urgent)
    found: list[tuple[int, int, UUID, str]] = []
    for lane in lanes:
        share = shares.share_of(lane, limit // len(lanes))
        taken = _hold(connection, _OF_LANE.all, {**held, "of_lane": lane, "limit": share})
        shares.note_claimed(lane, len(taken))
        found += taken
    return [Due(*row[2:]) for row in sorted(found)]


def _hold(connection: Connection, taking: Update, given: Mapping[str, Any]) -> list[tuple[int, int, UUID, str]]:
    return sorted((at, rank, id_, whom) for at, rank, id_, whom in connection.execute(taking, given))


def _taking(these: ColumnElement[bool]) -> Update:
    """Return the statement that claims. Its CTE is evaluated once by PostgreSQL, so it never exceeds the limit."""
    free = or_(due.c.held_until.is_(None), due.c.held_until <= bindparam("now"))
    first = select(*KEY).where(these, free).order_by(*KEY[:3]).limit(bindparam("limit", type_=BigInteger))
    chosen = first.with_for_update(skip_locked=True).cte("first")
    same = and_(*(column == chosen.c[column.name] for column in KEY))
    held: Mapping[str, Any] = {"holder": bindparam("by"), "held_until": bindparam("until")}
    return update(due).where(same).values(held).returning(*KEY)


class _Taking:
    """Prepared statements that claim such deliveries: `all`, or those at or `behind` a front."""

    def __init__(self, these: ColumnElement[bool]) -> None:
        self.all = _taking(these)
        self.behind = _taking(and_(these, due.c.due_at >= bindparam("front")))


_IN_TURN = due.c.due_at <= bindparam("now")
_STOPPED, _DUE, _URGENT = _Taking(IS_STOPPED), _Taking(_IN_TURN), _Taking(and_(_IN_TURN, IS_URGENT))
_EMERGENCIES = _Taking(and_(_IN_TURN, IS_EMERGENCY))
_OF_LANE = _Taking(and_(_IN_TURN, due.c.lane == bindparam("of_lane")))
