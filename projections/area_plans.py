"""Area events that wait to be planned for the residents, and the progress of each."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Update, delete, func, select, update

from projections.bulk import insert_rows, lock_rows, replace_rows
from projections.tables import area_chunks, area_plans


class AreaPlan(NamedTuple):
    """An area event to plan: the stream of its original, its latest position, and the last resident in any chunk."""

    original: UUID
    position: int
    waiting: bool
    home: str
    person: str


def begin(connection: Connection, original: UUID, position: int) -> None:
    """Have an area event planned for all residents from the first on: it is new, or has a new revision."""
    # in this order, in which who plans a chunk locks them; the row is kept, so that who waits for it gets it
    replace_rows(connection, area_plans, [(original, position, True, "", "")])
    connection.execute(delete(area_chunks).where(area_chunks.c.original == original))


def all_waiting(connection: Connection) -> list[AreaPlan]:
    """Return the area events that wait, in their turn."""
    query = select(area_plans).where(area_plans.c.waiting).order_by(area_plans.c.position)
    return [AreaPlan(*row) for row in connection.execute(query)]


def held(connection: Connection, plan: AreaPlan, *, alone: bool) -> AreaPlan | None:
    """Keep the area event from being begun anew until the transaction ends; return it as it is.

    `alone`: no other process plans any of it meanwhile. None: another one keeps us out, or it does not wait any more.
    """
    query = select(area_plans).where(area_plans.c.original == plan.original, area_plans.c.waiting)
    row = connection.execute(query.with_for_update(read=not alone, skip_locked=True)).first()
    return None if row is None else AreaPlan(*row)


class Chunk(NamedTuple):
    """Residents after one home and person, and up to and including another."""

    after: tuple[str, str]
    upto: tuple[str, str]


def is_divided(connection: Connection, plan: AreaPlan) -> bool:
    """Return True if chunks of the area event are left, or being planned."""
    query = select(area_chunks.c.original).where(area_chunks.c.original == plan.original).limit(1)
    return connection.execute(query).first() is not None


def divide(connection: Connection, plan: AreaPlan, edges: Sequence[tuple[str, str]]) -> None:
    """Have the residents up to the last edge planned in chunks, each up to one of the edges."""
    starts = [(plan.home, plan.person), *edges]
    rows = [(plan.original, *start, *upto) for start, upto in zip(starts, edges, strict=False)]
    insert_rows(connection, area_chunks, rows)
    home, person = edges[-1]
    connection.execute(_this(plan).values(home=home, person=person))


def take(connection: Connection, plan: AreaPlan) -> Chunk | None:
    """Take a chunk that no other process plans right now; it comes back if the transaction fails."""
    place = (area_chunks.c.home, area_chunks.c.person)
    query = select(area_chunks).where(area_chunks.c.original == plan.original).order_by(*place).limit(1)
    row = connection.execute(query.with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    this = delete(area_chunks).where(area_chunks.c.original == plan.original)
    connection.execute(this.where(area_chunks.c.home == row.home, area_chunks.c.person == row.person))
    return Chunk((row.home, row.person), (row.upto_home, row.upto_person))


def end(connection: Connection, plan: AreaPlan) -> bool:
    """Record that all residents are planned; return False if the plan was restarted meanwhile."""
    return connection.execute(_this(plan).values(waiting=False)).rowcount == 1


def resume(connection: Connection, original: UUID) -> AreaPlan | None:
    """Have an area event planned from where it ended; return None if it is not known."""
    again = update(area_plans).where(area_plans.c.original == original).values(waiting=True)
    row = connection.execute(again.returning(area_plans)).first()
    return None if row is None else AreaPlan(*row)


def note_mended(connection: Connection) -> None:
    """Record that missing area events were added by a repair, so that plans being made meanwhile notice them."""
    unbegun = update(area_plans).where(area_plans.c.waiting, area_plans.c.home == "", area_plans.c.person == "")
    connection.execute(unbegun.values(position=latest(connection) + 1))


def _this(plan: AreaPlan) -> Update:
    return update(area_plans).where(area_plans.c.original == plan.original, area_plans.c.position == plan.position)


def hold(connection: Connection, originals: Iterable[UUID]) -> None:
    """Wait for the chunks of these being planned now, and keep the next ones waiting until the transaction ends."""
    lock_rows(connection, area_plans.c.original, originals)


def hold_all(connection: Connection) -> None:
    """Hold all area events."""
    hold(connection, connection.execute(select(area_plans.c.original)).scalars())


def latest(connection: Connection) -> int:
    """Return a number that grows with every change of an area event."""
    return int(connection.execute(select(func.coalesce(func.max(area_plans.c.position), 0))).scalar_one())


def waiting_for(connection: Connection) -> set[UUID]:
    """Return the originals of the area events that wait to be planned for all residents."""
    return set(connection.execute(select(area_plans.c.original).where(area_plans.c.waiting)).scalars())
