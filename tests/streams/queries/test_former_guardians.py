"""Who is no guardian any more: they keep the messages that they had, and learn nothing of the child that is newer."""

from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.world import LONG_AGO, World, birth, card, event, iin, registered

MOTHER, FATHER, AUNT, CHILD = iin(1), iin(2), iin(4), iin(3)
ZONE = ZoneInfo("Asia/Almaty")


def told(world: World, who: str, id_: UUID) -> tuple[str, bool, bool, bool]:
    """The child's name on the card; whether the card, the reasons and the data say that it was done."""
    inboxes, name = world.platform.queries.inboxes, world.name(who)
    shown = inboxes.cards(name, [id_], ZONE)[id_]
    why = any(each.what == "done" for each in inboxes.why(name, id_).facts)
    data = any(each["fact"] == "nudge-done/1" for each in inboxes.everything(name)["messages"])
    return shown.called, shown.done_at is not None, why, data


@pytest.mark.parametrize(("born_on", "guardians"), [("2008-12-15", [FATHER, AUNT]), ("2007-06-25", None)])
async def test_a_former_guardian_learns_nothing_newer(
    world: World, born_on: str, guardians: list[str] | None
) -> None:
    """Another was appointed, or the child came of age: no new name, and not that the thing was done since."""
    parents = [each for who in (MOTHER, FATHER) for each in registered(who, LONG_AGO)]
    world.take(*parents, birth(CHILD, MOTHER, born_on, father=FATHER), card(CHILD, "2025-07-20"))
    await world.settle("2025-06-20T12:00:00+05:00")
    id_ = world.nudge("month").intent.id
    world.at("2025-07-01T10:00:00+05:00")
    if guardians is not None:
        theirs = {"guardians": guardians}
        world.take(event("citizen.guardian_appointed", CHILD, "2025-07-01T09:00:00+05:00", theirs, id="guardians"))
    renamed = {"reason": "other", "given_name": "Аружан", "changed_on": "2025-07-02"}
    world.at("2025-07-03T11:00:00+05:00")
    world.take(
        event("kz.civil.name_changed", CHILD, "2025-07-02T09:00:00+05:00", renamed, id="renamed"),
        card(CHILD, "2035-07-03", "N2", "2025-07-03T10:00:00+05:00"),
    )
    world.plan()
    world.platform.replay.follower.drain()
    assert told(world, MOTHER, id_) == ("Дана", False, False, False)
    still = guardians is not None
    assert told(world, FATHER, id_) == ("Дана", still, still, still)
