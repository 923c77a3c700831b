"""A person's history: the effective facts that name them, joined with the area facts of where they lived."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from domain.core.events import Effective, LifeEvent, effective
from domain.persons.person import Fold
from domain.rules.event_types import Catalogue


class History(Struct, frozen=True):
    """The facts that `plan` reads of one person, in the order (event time, source, id).

    `elsewhen`: facts about areas where the person lives at another time, but did not live then.
    """

    person: str
    facts: tuple[Effective, ...]
    elsewhen: tuple[Effective, ...] = ()

    @property
    def everything(self) -> tuple[Effective, ...]:
        """Return `facts` and `elsewhen` together, in the order of events."""
        if not self.elsewhen:
            return self.facts
        return tuple(sorted([*self.facts, *self.elsewhen], key=lambda fact: fact.order))


def history_of(
    person: str, recorded: Iterable[LifeEvent], catalogue: Catalogue, areas: Sequence[LifeEvent] = ()
) -> History:
    """Return the history that the recorded events give, in whatever order and however often they came.

    `recorded` holds every revision of every event that names the person in any revision; `areas` the area events that
    may concern them. An event that no longer names the person is not part of their history.
    """
    own = [one for one in effective(recorded) if person in one.event.everybody]
    return _joined(person, own, effective(areas), catalogue) if areas else History(person, tuple(own))


def _joined(person: str, own: list[Effective], areas: list[Effective], catalogue: Catalogue) -> History:
    fold, facts, others = Fold(person, catalogue), [], []
    homes: set[str | None] = set()
    for one in sorted([*own, *areas], key=lambda each: each.order):
        home = fold.attributes.get("citizen.area")
        if one.event.area is None:
            fold.take(one.event)
            homes.add(fold.attributes.get("citizen.area"))
            facts.append(one)
        elif lives_in(home, one.event.area, catalogue.area_levels):
            facts.append(one)
        else:
            others.append((one, one.event.area))
    elsewhen = [one for one, area in others if any(lives_in(home, area, catalogue.area_levels) for home in homes)]
    return History(person, tuple(facts), tuple(elsewhen))


def lives_in(residence: str | None, area: str, levels: Sequence[int]) -> bool:
    """Return True if a residence lies in an area of hierarchical codes; `levels`: the code's length at each level.

    With (2, 4, 6, 9), 100000000 is the region 10 and holds 105600000; without levels only the same code counts.
    """
    if residence is None:
        return False
    length = next((level for level in levels if not area[level:].strip("0")), len(area))
    return residence[:length] == area[:length]
