"""Which area events have yet to be planned for the residents, and how far each of them has come."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Update, delete, func, select, update

from projections.bulk import insert_rows, lock_rows
from projections.tables import area_plans


class AreaPlan(NamedTuple):
    """An area event to plan: the stream of its original, the latest that came of it, the last resident planned."""

    original: UUID
    position: int
    waiting: bool
    home: str
    person: str


def begin(connection: Connection, original: UUID, position: int) -> None:
    """Something came of an area event: plan it for all residents, from the first on."""
    connection.execute(delete(area_plans).where(area_plans.c.original == original))
    insert_rows(connection, area_plans, [(original, position, True, "", "")])


def first(connection: Connection) -> AreaPlan | None:
    """The area event whose turn it is."""
    query = select(area_plans).where(area_plans.c.waiting).order_by(area_plans.c.position).limit(1)
    row = connection.execute(query).first()
    return None if row is None else AreaPlan(*row)


def move(connection: Connection, plan: AreaPlan, home: str, person: str) -> bool:
    """All residents up to this one are planned; whether that still counts: nobody has begun anew meanwhile."""
    return connection.execute(_this(plan).values(home=home, person=person)).rowcount == 1


def end(connection: Connection, plan: AreaPlan) -> bool:
    """All residents are planned; whether that still counts."""
    return connection.execute(_this(plan).values(waiting=False)).rowcount == 1


def resume(connection: Connection, original: UUID) -> AreaPlan | None:
    """It is to be planned from where it ended, if it is known at all."""
    again = update(area_plans).where(area_plans.c.original == original).values(waiting=True)
    row = connection.execute(again.returning(area_plans)).first()
    return None if row is None else AreaPlan(*row)


def note_mended(connection: Connection) -> None:
    """Some of those that nobody has begun were missing: whoever is planned meanwhile notices."""
    unbegun = update(area_plans).where(area_plans.c.waiting, area_plans.c.home == "", area_plans.c.person == "")
    connection.execute(unbegun.values(position=latest(connection) + 1))


def _this(plan: AreaPlan) -> Update:
    return update(area_plans).where(area_plans.c.original == plan.original, area_plans.c.position == plan.position)


def hold(connection: Connection) -> None:
    """Wait for the chunk that is planned now, and keep the next one waiting until the transaction ends."""
    lock_rows(connection, area_plans.c.original, connection.execute(select(area_plans.c.original)).scalars())


def latest(connection: Connection) -> int:
    """A number that grows with everything that comes of area events."""
    return int(connection.execute(select(func.coalesce(func.max(area_plans.c.position), 0))).scalar_one())


def waiting(connection: Connection) -> int:
    """How many area events have yet to be planned for all residents."""
    query = select(func.count()).select_from(area_plans).where(area_plans.c.waiting)
    return connection.execute(query).scalar_one()


def waiting_for(connection: Connection) -> set[UUID]:
    """The originals of the area events that have yet to be planned for all residents."""
    return set(connection.execute(select(area_plans.c.original).where(area_plans.c.waiting)).scalars())
