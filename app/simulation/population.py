"""The whole population as one stream: household after household, each from a random source of its own."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import count
from random import Random
from typing import Any, Final

from app.simulation import family
from app.simulation.citizens import Citizen, Registrar
from app.simulation.days import Span
from app.simulation.documents import documents
from app.simulation.happenings import Happening, cloud_event
from app.simulation.households import Household, new_household
from app.simulation.opening import opening_events
from app.simulation.residence import moves
from app.simulation.shapes import random_shape
from app.simulation.taxes import vehicle_taxes
from app.simulation.traffic import fines
from app.simulation.work import jobs, pension

HOUSEHOLD_EVENTS: Final[tuple[Callable[[Household], Iterator[Happening]], ...]] = (
    family.wedding,
    family.queues,
    family.births,
)
CITIZEN_EVENTS: Final[tuple[Callable[[Household, Citizen], Iterator[Happening]], ...]] = (
    documents,
    jobs,
    pension,
    moves,
    fines,
    vehicle_taxes,
)


class EmptySpan(ValueError):
    """The end of a simulation comes after its start: give a later end."""


def simulate(citizens: int, seed: int, start: date, end: date) -> Iterator[dict[str, Any]]:
    """Stream the CloudEvents (as dicts) of a population of `citizens`, and of the children born to it.

    Each citizen opens with events before `start`; whatever else happens has a time before `end` (midnight, +05:00).
    The same arguments give the same stream, more citizens give the same households and then further ones.
    Events come household by household: memory doesn't grow with the population. Raises EmptySpan.
    """
    if start >= end:
        raise EmptySpan
    return _events(citizens, seed, Registrar(Span(start.toordinal(), end.toordinal()), seed))


def _events(citizens: int, seed: int, registrar: Registrar) -> Iterator[dict[str, Any]]:
    for number in count():
        if (room := citizens - registrar.registered) <= 0:
            return
        rng = Random(f"{seed}:{number}")  # noqa: S311  drawn to be repeated, not to be secret
        household = new_household(rng, registrar, random_shape(rng).within(room))
        for citizen in household.members:
            yield from map(cloud_event, opening_events(household, citizen))
        yield from map(cloud_event, _life(household))


def _life(household: Household) -> list[Happening]:
    """Return the household's other events by time. Nothing happens to a person after their death but the burial."""
    drawn = [happening for process in HOUSEHOLD_EVENTS for happening in process(household)]
    drawn += [
        each for citizen in household.members for process in CITIZEN_EVENTS for each in process(household, citizen)
    ]
    lived = [happening for happening in drawn if happening.day < happening.citizen.until]
    return sorted([*lived, *family.deaths(household)], key=lambda happening: happening[:2])
