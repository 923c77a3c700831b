"""Area events that wait to be planned for the residents, and the progress of each."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Update, delete, func, select, update

from projections.bulk import insert_rows, lock_rows
from projections.tables import area_plans


class AreaPlan(NamedTuple):
    """An area event to plan: the stream of its original, its latest position, and the last resident planned."""

    original: UUID
    position: int
    waiting: bool
    home: str
    person: str


def begin(connection: Connection, original: UUID, position: int) -> None:
    """Have an area event planned for all residents from the first on: it is new, or has a new revision."""
    connection.execute(delete(area_plans).where(area_plans.c.original == original))
    insert_rows(connection, area_plans, [(original, position, True, "", "")])


def first(connection: Connection) -> AreaPlan | None:
    """Return the area event whose turn it is."""
    query = select(area_plans).where(area_plans.c.waiting).order_by(area_plans.c.position).limit(1)
    row = connection.execute(query).first()
    return None if row is None else AreaPlan(*row)


def move(connection: Connection, plan: AreaPlan, home: str, person: str) -> bool:
    """Record that all residents up to this one are planned; return False if the plan was restarted meanwhile."""
    return connection.execute(_this(plan).values(home=home, person=person)).rowcount == 1


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


def hold(connection: Connection) -> None:
    """Wait for the chunk being planned now, and keep the next one waiting until the transaction ends."""
    lock_rows(connection, area_plans.c.original, connection.execute(select(area_plans.c.original)).scalars())


def latest(connection: Connection) -> int:
    """Return a number that grows with every change of an area event."""
    return int(connection.execute(select(func.coalesce(func.max(area_plans.c.position), 0))).scalar_one())


def waiting(connection: Connection) -> int:
    """Return the number of area events that wait to be planned for all residents."""
    query = select(func.count()).select_from(area_plans).where(area_plans.c.waiting)
    return connection.execute(query).scalar_one()


def waiting_for(connection: Connection) -> set[UUID]:
    """Return the originals of the area events that wait to be planned for all residents."""
    return set(connection.execute(select(area_plans.c.original).where(area_plans.c.waiting)).scalars())
